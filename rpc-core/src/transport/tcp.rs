//! TCP. Nagle's algorithm is off on both sides: the layers above write whole frames, which must not wait for an
//! acknowledgement.

use std::{io, net::SocketAddr, time::Duration};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Accepting, Address, Connected, Connecting, Connector, Incoming, Listener, Listeners, names, race::race};

/// How many connections wait to be accepted, if the system allows that many.
const BACKLOG: u32 = 1024;

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
        let peers = names::resolve(&self.host, self.port).await?;
        let stream = race(peers, |peer| async move { open(socket(peer)?, peer).await }).await?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        Ok((stream, peer.into()))
    }
}

impl Connector for TcpConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { self.open().await.map(connected) })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

/// A socket on the way to `peer`. A server may listen at its port: a client that was given that port by chance does not
/// keep the server from starting.
fn socket(peer: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match peer {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    reuse(&socket)?;
    Ok(socket)
}

/// On other systems the option would let this socket take a port that is in use.
fn reuse(socket: &TcpSocket) -> io::Result<()> {
    if cfg!(unix) { socket.set_reuseaddr(true) } else { Ok(()) }
}

/// Connects `socket`. If nothing listens at the peer's port, the system may give that very port to this socket, and TCP
/// then connects the socket with itself: that counts as refused.
async fn open(first: TcpSocket, peer: SocketAddr) -> io::Result<TcpStream> {
    let stream = first.connect(peer).await?;
    if stream.local_addr()? != stream.peer_addr()? {
        return Ok(stream);
    }
    // It is closed without a trace, so that the port is free for a server.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    // As long as it is open, the next socket gets another port, so that one is not connected with itself.
    let next = socket(peer)?.connect(peer).await;
    drop(stream);
    next
}

/// Listens on every address of `host`; `hands_over` if connections are served by other runtimes.
///
/// Shards share one socket. With a socket for each, the system would choose the shard of a connection by a hash: of 64
/// connections on two shards one gets 35 on the average, and with 4 connections on 4 shards one has nearly always none.
pub(super) async fn bind(host: &str, port: u16, hands_over: bool) -> io::Result<Vec<Listeners>> {
    let sockets = names::bind_each(&names::resolve(host, port).await?, bound, TcpSocket::local_addr)?;
    let listen = |socket: TcpSocket| {
        let listener = BoundTcp::new(socket.listen(BACKLOG)?, hands_over)?;
        Ok(Listeners::One(Box::new(listener)))
    };
    sockets.into_iter().map(listen).collect()
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = socket(address)?;
    socket.bind(address)?;
    Ok(socket)
}

struct BoundTcp {
    listener: TcpListener,
    local: Address,
    hands_over: bool,
}

impl BoundTcp {
    fn new(listener: TcpListener, hands_over: bool) -> io::Result<Self> {
        let local = listener.local_addr()?.into();
        Ok(Self {
            listener,
            local,
            hands_over,
        })
    }

    async fn next(&self) -> io::Result<(TcpStream, Address)> {
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer.into()))
    }
}

impl Listener for BoundTcp {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let accepted = self.next().await?;
            if self.hands_over {
                handed_over(accepted)
            } else {
                Ok(connected(accepted).into())
            }
        })
    }

    fn local_address(&self) -> Address {
        self.local.clone()
    }
}

fn connected((stream, peer): (TcpStream, Address)) -> Connected {
    Connected::new(Box::new(stream), peer)
}

/// A stream for another runtime than this one: the runtime that opens it waits for its bytes.
fn handed_over((stream, peer): (TcpStream, Address)) -> io::Result<Incoming> {
    let stream = stream.into_std()?;
    Ok(Incoming::new(peer.clone(), async {
        Ok(connected((TcpStream::from_std(stream)?, peer)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Result;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn listening(port: u16) -> io::Result<(BoundTcp, SocketAddr)> {
        let listener = BoundTcp::new(bound(([127, 0, 0, 1], port).into())?.listen(BACKLOG)?, false)?;
        let address = listener.listener.local_addr()?;
        Ok((listener, address))
    }

    #[tokio::test]
    async fn both_sides_have_nodelay_and_know_each_other() -> TestResult {
        let (listener, address) = listening(0)?;
        let connector = TcpConnector::new(listener.local.clone(), "127.0.0.1".to_owned(), address.port());

        let ((client, server_address), (server, client_address)) = tokio::try_join!(connector.open(), listener.next())?;

        assert!(client.nodelay()?);
        assert!(server.nodelay()?);
        assert_eq!(server_address, listener.local);
        assert_eq!(client_address, client.local_addr()?.into());
        Ok(())
    }

    /// A socket that connects to the address that it is bound to, as one may by chance.
    fn meets_itself() -> io::Result<(TcpSocket, SocketAddr)> {
        let socket = bound(([127, 0, 0, 1], 0).into())?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn whoever_meets_itself_meets_nobody() -> TestResult {
        let (socket, address) = meets_itself()?;
        let error = open(socket, address).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        // The port is free at once.
        let (listener, _) = listening(address.port())?;
        tokio::try_join!(open(super::socket(address)?, address), listener.next())?;
        Ok(())
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_server_may_listen_where_a_client_came_from() -> TestResult {
        let (elsewhere, address) = listening(0)?;
        let (client, _) = tokio::try_join!(open(socket(address)?, address), elsewhere.next())?;
        listening(client.local_addr()?.port())?;
        Ok(())
    }

    /// An address whose queue of connections is full: the system drops what else comes, as a firewall does.
    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn an_address_behind_a_silent_one_is_reached() -> TestResult {
        let full = bound(([127, 0, 0, 1], 0).into())?.listen(1)?;
        let silent = full.local_addr()?;
        let mut waiting = Vec::new();
        for _ in 0..8 {
            let connects = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
            connects.set_nonblocking(true)?;
            // That it is under way is an error, too.
            let _ = connects.connect(&silent.into());
            waiting.push(connects);
        }
        let (listener, there) = listening(0)?;
        let raced = race(
            vec![silent, there],
            |peer| async move { open(socket(peer)?, peer).await },
        );
        let (stream, _) = tokio::try_join!(raced, listener.next())?;
        assert_eq!(stream.peer_addr()?, there);
        Ok(())
    }
}
