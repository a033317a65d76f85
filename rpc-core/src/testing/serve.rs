//! A network between a channel and a server.

use std::sync::Arc;

use super::Network;
use crate::{Channel, Error, RunningServer, client::ChannelBuilder};

impl Network {
    /// A channel to `server` over this network, connected. When its connection is lost it dials again, over this
    /// network, too.
    ///
    /// ```
    /// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
    /// # struct Warehouse;
    /// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 7 } }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> farcall::Result<()> {
    /// use farcall::{Server, testing::Network};
    ///
    /// let server = Server::new().service(InventoryServer::new(Warehouse)).listen("mem://network-doc").await?;
    /// let network = Network::seeded(42).delay(1..5);
    /// let inventory = InventoryClient::new(network.connect(&server).await?);
    /// assert_eq!(inventory.ping().await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Channel::connect`].
    pub async fn connect(&self, server: &RunningServer) -> Result<Channel, Error> {
        let channel = self.channel(server, Channel::builder());
        channel.ready().await?;
        Ok(channel)
    }

    /// A channel to `server` over this network with options of its own; it connects with its first call.
    pub fn channel(&self, server: &RunningServer, options: ChannelBuilder) -> Channel {
        options
            .seeded(self.seed())
            .connector(self.connector(Arc::new(server.acceptor())))
    }
}
