//! How a client opens a session.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout_at;

use super::{
    INCOMPLETE, secret,
    socket::{ReceivedRun, Socket},
    source::DatagramSource,
    stream::{REFUSALS, UdpStream},
};
use crate::{
    Code, Error,
    clock::now,
    proto::datagram::{Budget, OpenedSession, Refusal, Role, Session, SessionOpening, Setup},
    transport::{Address, Connecting, Connector, SocketScheme, names, race::race},
};

/// How soon a refused hello is repeated: a server that is just starting listens by then.
const AFTER_REFUSAL: Duration = Duration::from_millis(25);

#[derive(Debug)]
pub(in crate::transport) struct UdpConnector {
    address: Address,
    host: String,
    port: u16,
}

impl UdpConnector {
    pub(in crate::transport) fn new(address: Address, host: String, port: u16) -> Self {
        Self { address, host, port }
    }

    pub(super) async fn open(&self) -> io::Result<(UdpStream, Address)> {
        first_of(names::resolve(&self.host, self.port).await?).await
    }
}

/// A session with the first of `peers` that answers.
pub(super) async fn first_of(peers: Vec<SocketAddr>) -> io::Result<(UdpStream, Address)> {
    race(peers, |peer| async move {
        Ok((open(peer).await?, Address::of_socket(SocketScheme::Udp, peer)))
    })
    .await
}

impl Connector for UdpConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let (stream, peer) = self.open().await?;
            Ok(stream.connected(peer))
        })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

async fn open(peer: SocketAddr) -> io::Result<UdpStream> {
    let socket = Arc::new(Socket::connect(peer)?);
    // A new socket receives nothing before the runtime has polled it.
    Arc::clone(&socket).writable().await?;
    let mut attempt = AddressAttempt::new(peer, &socket)?;
    let opened = attempt.run().await?;
    let now = now();
    let setup = Setup {
        role: Role::Client,
        id: opened.session,
        peer,
        peer_window: opened.window,
        window: socket.window(),
        seed: secret()?,
        rtt: opened.rtt,
        budget: Budget::new(INCOMPLETE),
        max_segments: socket.max_segments(),
    };
    let mut session = Session::new(setup, now);
    for datagram in &attempt.early {
        session.handle_datagram(peer, datagram, now);
    }
    Ok(UdpStream::new(session, socket, DatagramSource::Socket, None))
}

/// One attempt at one address.
struct AddressAttempt<'a> {
    peer: SocketAddr,
    socket: &'a Socket,
    opening: SessionOpening,
    hello: Vec<u8>,
    opened: Option<Result<OpenedSession, Refusal>>,
    /// Datagrams that came after the welcome.
    early: Vec<Vec<u8>>,
    refused: usize,
}

impl<'a> AddressAttempt<'a> {
    fn new(peer: SocketAddr, socket: &'a Socket) -> io::Result<Self> {
        Ok(Self {
            peer,
            socket,
            opening: SessionOpening::new(secret()?, socket.window(), now()),
            hello: Vec::new(),
            opened: None,
            early: Vec::new(),
            refused: 0,
        })
    }

    async fn run(&mut self) -> io::Result<OpenedSession> {
        let mut again = None;
        loop {
            let now = now();
            if self.opening.poll_transmit(&mut self.hello, now) || again.is_some_and(|again| again <= now) {
                self.socket.send_answer(self.peer, None, &self.hello);
                again = None;
            }
            let due = again.unwrap_or_else(|| self.opening.poll_timeout());
            let due = due.min(self.opening.poll_timeout());
            match timeout_at(due.into(), self.receive()).await {
                Err(_) | Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    self.refused += 1;
                    if self.refused == REFUSALS {
                        return Err(error);
                    }
                    again = Some(now + AFTER_REFUSAL);
                }
            }
            if let Some(opened) = self.opened.take() {
                return opened.map_err(refusal);
            }
        }
    }

    async fn receive(&mut self) -> io::Result<usize> {
        let socket = self.socket;
        socket.receive(|run| self.handle(run, now())).await
    }

    fn handle(&mut self, run: &ReceivedRun<'_>, now: Instant) {
        for datagram in run.datagrams() {
            match self.opened {
                None => self.opened = self.opening.handle_datagram(datagram, now),
                Some(_) => self.early.push(datagram.to_vec()),
            }
        }
    }
}

/// Why there is no session. Another attempt at once would not help.
fn refusal(refusal: Refusal) -> io::Error {
    io::Error::other(match refusal {
        Refusal::Version => Error::refused(
            Code::FailedPrecondition,
            "the server speaks another version of the datagram protocol",
        ),
        Refusal::Full => Error::refused(
            Code::Unavailable,
            "the server takes no new sessions now; it is full or shutting down",
        ),
    })
}
