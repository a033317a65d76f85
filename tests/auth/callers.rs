//! Connections of callers whom a transport vouches for.

use std::sync::Arc;

use farcall::{
    Channel, Identity, RunningServer,
    client::ChannelBuilder,
    transport::{Accepting, Address, BoxStream, Connected, Connecting, Connector, Incoming, Listener, mem_pair},
};
use farcall_tests::raw::Peer;
use tokio::io::{DuplexStream, duplex};

/// Who somebody is: these names; nobody without any.
pub(crate) fn who(names: &[&str]) -> Option<Identity> {
    (!names.is_empty()).then(|| Identity::new(names.iter().copied()))
}

fn vouched(stream: BoxStream, identity: Option<&Identity>) -> Connected {
    let connected = Connected::new(stream, Address::custom("vouched://"));
    match identity {
        Some(identity) => connected.with_identity(identity.clone()),
        None => connected,
    }
}

/// The way of one caller to a server.
#[derive(Debug)]
struct Vouched {
    server: Arc<RunningServer>,
    identity: Option<Identity>,
    address: Address,
}

impl Connector for Vouched {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let (near, far) = mem_pair();
            self.server.serve(vouched(far, self.identity.as_ref()));
            Ok(Connected::new(near, self.address.clone()))
        })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

/// A channel of the caller with these names.
pub(crate) fn channel(server: &Arc<RunningServer>, names: &[&str]) -> Channel {
    channel_with(Channel::builder(), server, names)
}

/// The same with options.
pub(crate) fn channel_with(builder: ChannelBuilder, server: &Arc<RunningServer>, names: &[&str]) -> Channel {
    builder.allow_unencrypted_bearer().connector(Arc::new(Vouched {
        server: Arc::clone(server),
        identity: who(names),
        address: Address::custom("vouched://"),
    }))
}

/// A connection of the caller with these names, in the hands of a test.
pub(crate) async fn raw(server: &RunningServer, names: &[&str]) -> std::io::Result<Peer<DuplexStream>> {
    let (here, there) = duplex(64 << 10);
    server.serve(vouched(Box::new(there), who(names).as_ref()));
    let mut peer = Peer::new(here);
    peer.open().await?;
    Ok(peer)
}

/// A listener that vouches for its clients: in the order in which they come, they have these names.
pub(crate) struct Vouching {
    pub(crate) inner: Box<dyn Listener>,
    pub(crate) names: Vec<&'static str>,
}

impl Listener for Vouching {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let incoming: Incoming = self.inner.accept().await?;
            let identity = who(&self.names.split_off(self.names.len() - 1));
            Ok(incoming.map(|connected| match identity {
                Some(identity) => connected.with_identity(identity),
                None => connected,
            }))
        })
    }

    fn local_address(&self) -> Address {
        self.inner.local_address()
    }

    fn stop(&mut self) -> bool {
        self.inner.stop()
    }
}
