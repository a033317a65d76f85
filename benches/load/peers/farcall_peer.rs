//! farcall with default options, but for the largest message over UDP.

use std::net::SocketAddr;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::{
    peer::{self, Callers, Connecting, Peer, Result, Session, announce},
    work::Load,
};

#[farcall::service]
trait Echo {
    async fn echo(&self, id: u64, body: &[u8]) -> farcall::Result<Vec<u8>>;
}

struct Handler;

impl Echo for Handler {
    async fn echo(&self, _id: u64, body: &[u8]) -> farcall::Result<Vec<u8>> {
        Ok(body.to_vec())
    }
}

pub(crate) struct Farcall {
    name: &'static str,
    scheme: &'static str,
}

pub(crate) const FARCALL: Farcall = Farcall {
    name: "farcall",
    scheme: "tcp",
};

pub(crate) const FARCALL_UDP: Farcall = Farcall {
    name: "farcall-udp",
    scheme: "udp",
};

/// The default of 1 MiB is for the whole message, and the work `mib` has bodies of that size.
fn limits() -> farcall::Limits {
    farcall::Limits::default().max_udp_message(2 << 20)
}

impl Peer for Farcall {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        let scheme = self.scheme;
        Box::pin(async move {
            let server = farcall::Server::new()
                .service(EchoServer::new(Handler))
                .limits(limits())
                .listen(format!("{scheme}://127.0.0.1:0"))
                .await?;
            let address = server.local_addr().to_string();
            let (_, socket) = address.split_once("://").ok_or("an address with a scheme")?;
            announce(socket.parse()?)?;
            server.wait().await;
            Ok(())
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        let Load::Calls(load) = load else { return None };
        let scheme = self.scheme;
        Some(Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..load.connections {
                let channel = farcall::Channel::builder()
                    .limits(limits())
                    .connect(format!("{scheme}://{address}"))
                    .await?;
                connections.push(EchoClient::new(channel));
            }
            Ok(Box::new(Callers::new(connections, load).await?) as Box<dyn Session>)
        }))
    }
}

impl peer::Echo for EchoClient {
    type Answer = Vec<u8>;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Vec<u8>> {
        Ok(self.echo(id, body).await?)
    }
}
