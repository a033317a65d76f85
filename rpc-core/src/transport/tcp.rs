//! TCP. Nagle's algorithm is off on both sides: the layers above write whole frames, which must not wait for an
//! acknowledgement.

use std::io;

use tokio::net::{TcpListener, TcpStream};

use super::{Address, BoxStream, Connecting, Connector, Listener};

#[derive(Debug)]
pub(super) struct TcpConnector {
    address: Address,
    host: String,
    port: u16,
}

impl TcpConnector {
    pub(super) fn new(address: Address, host: String, port: u16) -> Self {
        Self { address, host, port }
    }

    async fn open(&self) -> io::Result<(TcpStream, Address)> {
        // Tries every address that the name resolves to, one after the other.
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        Ok((stream, peer.into()))
    }
}

impl Connector for TcpConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { self.open().await.map(boxed) })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

pub(super) async fn bind(host: &str, port: u16) -> io::Result<Box<dyn Listener>> {
    let listener = BoundTcp::new(host, port).await?;
    Ok(Box::new(listener))
}

struct BoundTcp {
    listener: TcpListener,
    local: Address,
}

impl BoundTcp {
    async fn new(host: &str, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((host, port)).await?;
        let local = listener.local_addr()?.into();
        Ok(Self { listener, local })
    }

    async fn next(&self) -> io::Result<(TcpStream, Address)> {
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer.into()))
    }
}

impl Listener for BoundTcp {
    fn accept(&mut self) -> Connecting<'_> {
        Box::pin(async { self.next().await.map(boxed) })
    }

    fn local_address(&self) -> Address {
        self.local.clone()
    }
}

fn boxed((stream, peer): (TcpStream, Address)) -> (BoxStream, Address) {
    (Box::new(stream), peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Result;

    #[tokio::test]
    async fn both_sides_have_nodelay_and_know_each_other() -> Result<(), Box<dyn std::error::Error>> {
        let listener = BoundTcp::new("127.0.0.1", 0).await?;
        let port = listener.listener.local_addr()?.port();
        let connector = TcpConnector::new(listener.local.clone(), "127.0.0.1".to_owned(), port);

        let ((client, server_address), (server, client_address)) = tokio::try_join!(connector.open(), listener.next())?;

        assert!(client.nodelay()?);
        assert!(server.nodelay()?);
        assert_eq!(server_address, listener.local);
        assert_eq!(client_address, client.local_addr()?.into());
        Ok(())
    }
}
