//! The server's side: one socket for all connections at an address.

use std::{
    future::poll_fn,
    io,
    net::UdpSocket,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use quinn::{Connecting, Endpoint, EndpointConfig, Runtime, ServerConfig};

use super::{
    Driven, DriverNursery, config, drivers::Driver, explain::explained, refusals::Refusals, socket::QuicSocket,
    stream::QuicStream,
};
use crate::{
    Error,
    transport::{
        Accepting, Address, Connected, Incoming, Listener, Listeners, SocketScheme, names,
        tls::{ServerCredentials, ServerTls, TlsSide, Upkeep},
    },
};

/// From so many open handshakes on a client must first show that it gets what is sent to its address. A handshake costs
/// a signature and some memory, and anyone may begin one under a forged address; while few are open, an honest client
/// is spared the round trip.
const MANY: usize = 64;

/// Listens on every address of `host`. One socket serves all shards: a connection's task runs on its shard, and the
/// listener only hands it its datagrams.
pub(in crate::transport) async fn bind(
    host: &str,
    port: u16,
    tls: &ServerTls,
) -> Result<io::Result<Vec<Listeners>>, Error> {
    let upkeep = Upkeep::start(tls).await?;
    let Some(credentials) = tls.credentials() else {
        return Ok(Err(unread()));
    };
    let config = config::server(Arc::clone(&credentials.config))?;
    Ok(bind_all(
        host,
        port,
        tls,
        &NewestConfig {
            credentials,
            config: Arc::new(config),
        },
        upkeep,
    )
    .await)
}

async fn bind_all(
    host: &str,
    port: u16,
    tls: &ServerTls,
    newest: &NewestConfig,
    upkeep: Upkeep,
) -> io::Result<Vec<Listeners>> {
    let addresses = names::resolve(host, port).await?;
    let sockets = names::bind_each(&addresses, UdpSocket::bind, UdpSocket::local_addr)?;
    // One of them looks after the certificate of all.
    let mut upkeep = Some(upkeep);
    let listen = |socket| {
        let bound = BoundQuic::new(socket, tls.clone(), newest.clone(), upkeep.take())?;
        Ok(Listeners::One(Box::new(bound)))
    };
    sockets.into_iter().map(listen).collect()
}

fn unread() -> io::Error {
    io::Error::other("the server's certificate was not read")
}

/// What new connections get, and of what it was made.
#[derive(Clone)]
struct NewestConfig {
    credentials: Arc<ServerCredentials>,
    config: Arc<ServerConfig>,
}

impl NewestConfig {
    fn refresh(&mut self, tls: &ServerTls) -> io::Result<Arc<ServerConfig>> {
        let credentials = tls.credentials().ok_or_else(unread)?;
        if !Arc::ptr_eq(&credentials, &self.credentials) {
            self.config = Arc::new(config::renewed(&self.config, Arc::clone(&credentials.config))?);
            self.credentials = credentials;
        }
        Ok(Arc::clone(&self.config))
    }
}

/// A socket that serves many connections. Its `accept` hands on the datagrams that come.
struct BoundQuic {
    endpoint: Endpoint,
    /// Moves the endpoint; `None` when its socket has failed.
    driver: Option<Driver>,
    nursery: Arc<DriverNursery>,
    local: Address,
    tls: ServerTls,
    newest: NewestConfig,
    upkeep: Option<Upkeep>,
    /// As many clones as handshakes are open.
    handshakes: Arc<()>,
    stopped: bool,
}

impl BoundQuic {
    fn new(socket: UdpSocket, tls: ServerTls, newest: NewestConfig, upkeep: Option<Upkeep>) -> io::Result<Self> {
        let nursery = Arc::<DriverNursery>::default();
        // Nobody asks about refusals: they are those of one client of many.
        let socket = QuicSocket::new(socket, Arc::<Refusals>::default())?;
        let runtime: Arc<dyn Runtime> = Arc::clone(&nursery) as _;
        let config = ServerConfig::clone(&newest.config);
        let endpoint =
            Endpoint::new_with_abstract_socket(EndpointConfig::default(), Some(config), Arc::new(socket), runtime)?;
        Ok(Self {
            local: Address::of_socket(SocketScheme::Quic, endpoint.local_addr()?),
            endpoint,
            driver: nursery.take().pop(),
            nursery,
            tls,
            newest,
            upkeep,
            handshakes: Arc::default(),
            stopped: false,
        })
    }

    /// Cancel safe: what has begun stays in the endpoint and the upkeep.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        while self.upkeep.as_mut().is_some_and(|upkeep| upkeep.poll(cx).is_ready()) {}
        if self
            .driver
            .as_mut()
            .is_none_or(|driver| driver.as_mut().poll(cx).is_ready())
        {
            self.driver = None;
            return Poll::Ready(Err(io::Error::other("the socket has failed")));
        }
        loop {
            // A new client is found by the driver only, which was polled just now. So nothing is missed when this
            // future is dropped.
            let Poll::Ready(Some(incoming)) = pin!(self.endpoint.accept()).poll(cx) else {
                return Poll::Pending;
            };
            if let Some(accepted) = self.admit(incoming) {
                return Poll::Ready(accepted);
            }
        }
    }

    fn admit(&mut self, incoming: quinn::Incoming) -> Option<io::Result<Incoming>> {
        if self.stopped {
            incoming.refuse();
            return None;
        }
        if !incoming.remote_address_validated() && Arc::strong_count(&self.handshakes) > MANY {
            // It comes again with the token, unless it may not be asked twice, and then it is validated.
            let _ = incoming.retry();
            return None;
        }
        let peer = Address::of_socket(SocketScheme::Quic, incoming.remote_address());
        let config = match self.newest.refresh(&self.tls) {
            Ok(config) => config,
            Err(error) => return Some(Err(error)),
        };
        // A client whose first packet is not good gets its answer from quinn.
        let connecting = incoming.accept_with(config).ok()?;
        let checks_validity = self.newest.credentials.checks_validity();
        let (drivers, handshakes) = (self.nursery.take(), Arc::clone(&self.handshakes));
        let opening = open(connecting, drivers, peer.clone(), checks_validity, handshakes);
        Some(Ok(Incoming::new(peer, opening)))
    }
}

impl Listener for BoundQuic {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(poll_fn(|cx| self.poll_accept(cx)))
    }

    fn local_address(&self) -> Address {
        self.local.clone()
    }

    fn stop(&mut self) -> bool {
        self.stopped = true;
        true
    }
}

/// The rest of a handshake, on the runtime of the connection.
async fn open(
    connecting: Connecting,
    drivers: Vec<Driver>,
    peer: Address,
    checks_validity: bool,
    handshakes: Arc<()>,
) -> io::Result<Connected> {
    let driven = Driven::spawn(drivers);
    let connection = connecting.await.map_err(|error| {
        let gone = || {
            io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the client closed the connection at once",
            )
        };
        explained(TlsSide::Server, error).unwrap_or_else(gone)
    })?;
    drop(handshakes);
    QuicStream::server(connection, driven).connected(peer, checks_validity)
}
