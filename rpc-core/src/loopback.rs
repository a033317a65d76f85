//! A server inside a channel.

use std::{fmt, io, sync::Arc};

use crate::{
    Address, Channel, RunningServer, Server, Service,
    client::ChannelBuilder,
    transport::{Connected, Connecting, Connector, LOOPBACK, mem_pair},
};

impl Channel {
    /// A channel to a server of this one service, in this process and without a socket; see
    /// [`ChannelBuilder::loopback`].
    ///
    /// ```
    /// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
    /// # struct Warehouse;
    /// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 7 } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> farcall::Result<()> {
    /// let inventory = InventoryClient::new(farcall::Channel::loopback(InventoryServer::new(Warehouse)));
    /// assert_eq!(inventory.ping().await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn loopback(service: impl Service) -> Self {
        Self::builder().loopback(Server::new().service(service))
    }
}

impl ChannelBuilder {
    /// A channel to `server`, in this process and without a socket: framing, codec, limits and deadlines are the real
    /// ones. It needs a tokio runtime at its first call; the server lives as long as the channel.
    ///
    /// Mistakes that [`Server::listen`] reports, such as two services with the same name, are reported by the first
    /// call.
    pub fn loopback(self, server: Server) -> Channel {
        let loopback = Arc::new(Loopback {
            server: server.start(),
            address: Address::custom(LOOPBACK),
        });
        self.connector(loopback)
    }
}

struct Loopback {
    server: Result<RunningServer, crate::Error>,
    address: Address,
}

impl Connector for Loopback {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let server = self.server.as_ref().map_err(|error| io::Error::from(error.clone()))?;
            let (near, far) = mem_pair();
            server.serve(Connected::new(far, self.address.clone()).near());
            Ok(Connected::new(near, self.address.clone()).near())
        })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").finish_non_exhaustive()
    }
}
