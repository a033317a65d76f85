//! How a client connects.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use quinn::{ClientConfig, ConnectError, Connection, Endpoint, EndpointConfig, Runtime};

use super::{
    Driven, DriverNursery, config, explain::explained, refusals::Refusals, socket::QuicSocket, stream::QuicStream,
};
use crate::transport::{
    Address, Connected, Connecting, Connector, SocketScheme, names,
    race::race,
    tls::{ClientTls, TlsSide},
    udp::on_the_way_to,
};

/// Connects with a socket for each connection. One socket for all would save memory, but it would belong to one of the
/// runtimes that use it and end with that, and could not be told that nobody listens at a port.
#[derive(Debug)]
pub(in crate::transport) struct QuicConnector {
    address: Address,
    host: String,
    port: u16,
    tls: ClientTls,
}

impl QuicConnector {
    pub(in crate::transport) fn new(address: Address, host: String, port: u16, tls: ClientTls) -> Self {
        Self {
            address,
            host,
            port,
            tls,
        }
    }

    async fn open(&self) -> io::Result<Connected> {
        let name = self.tls.name_of(&self.host)?.to_str().into_owned();
        let config = config::client(self.tls.config().await?)?;
        let peers = names::resolve(&self.host, self.port).await?;
        let checks_validity = self.tls.checks_validity();
        race(peers, |peer| {
            let (name, config) = (name.clone(), config.clone());
            async move {
                let stream = open(peer, &name, config).await?;
                stream.connected(Address::of_socket(SocketScheme::Quic, peer), checks_validity)
            }
        })
        .await
    }
}

impl Connector for QuicConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(self.open())
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

/// Cancel safe: the drivers of an attempt that is dropped are dropped with it.
async fn open(peer: SocketAddr, name: &str, config: ClientConfig) -> io::Result<QuicStream> {
    let (nursery, refusals) = (Arc::<DriverNursery>::default(), Arc::<Refusals>::default());
    let socket = QuicSocket::new(on_the_way_to(peer)?, Arc::clone(&refusals))?;
    let runtime: Arc<dyn Runtime> = Arc::clone(&nursery) as _;
    let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, Arc::new(socket), runtime)?;
    let connecting = endpoint.connect_with(config, peer, name).map_err(unconnectable)?;
    let driven = Driven::spawn(nursery.take());
    let connection = told(connecting, &refusals).await?;
    Ok(QuicStream::client(connection, driven, refusals))
}

/// The connection, unless nobody listens at the port.
async fn told(connecting: quinn::Connecting, refusals: &Refusals) -> io::Result<Connection> {
    let mut connecting = pin!(connecting);
    poll_fn(|cx: &mut Context<'_>| {
        if let Poll::Ready(connected) = connecting.as_mut().poll(cx) {
            let closed = || {
                io::Error::new(
                    io::ErrorKind::ConnectionAborted,
                    "the server closed the connection at once",
                )
            };
            return Poll::Ready(connected.map_err(|error| explained(TlsSide::Client, error).unwrap_or_else(closed)));
        }
        refusals.poll(cx, 1).map(Err)
    })
    .await
}

fn unconnectable(error: ConnectError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
