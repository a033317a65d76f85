//! The sockets of a server: opening sessions, and finding the session of each datagram.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    net::{IpAddr, UdpSocket as StdSocket},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use tokio::runtime::Handle;

use super::{
    INCOMPLETE, TURN,
    inbox::Inbox,
    no_randomness, reuse, secret,
    socket::{ReceivedRun, Socket, passes},
    source::DatagramSource,
    stream::UdpStream,
    table::{ListeningTable, SessionPlace, SessionRoute},
};
use crate::{
    clock::now,
    proto::datagram::{Admission, Budget, Refusal, Role, Routed, Session, Setup},
    transport::{Accepting, Address, Listener, Listeners, SocketScheme, names},
};

/// How many sessions wait to be accepted before clients are refused: what operating systems give a listening socket.
const ACCEPT_QUEUE: usize = 128;

/// Listens on every address of `host`, with a socket for each of the shards where the system spreads clients over
/// sockets.
pub(in crate::transport) async fn bind(host: &str, port: u16, shards: &[Handle]) -> io::Result<Vec<Listeners>> {
    let addresses = names::resolve(host, port).await?;
    let mut all = Vec::new();
    for socket in names::bind_each(&addresses, StdSocket::bind, StdSocket::local_addr)? {
        all.push(if reuse::SPREADS && !shards.is_empty() {
            Listeners::PerShard(listen_per_shard(socket, shards).await?)
        } else {
            let (table, budget) = sessions()?;
            Listeners::One(Box::new(BoundUdp::new(Socket::new(socket)?, table, budget).await?))
        });
    }
    Ok(all)
}

async fn listen_per_shard(socket: StdSocket, shards: &[Handle]) -> io::Result<Vec<Box<dyn Listener>>> {
    let (table, budget) = sessions()?;
    let mut listeners = Vec::new();
    for (socket, shard) in reuse::spread(socket, shards.len())?.into_iter().zip(shards) {
        let socket = registered(socket, shard)?;
        listeners.push(Box::new(BoundUdp::new(socket, Arc::clone(&table), budget.clone()).await?) as Box<dyn Listener>);
    }
    Ok(listeners)
}

/// A socket that wakes tasks of this runtime.
fn registered(socket: StdSocket, runtime: &Handle) -> io::Result<Socket> {
    let _entered = runtime.enter();
    Socket::new(socket)
}

/// What the sockets at one address have in common.
fn sessions() -> io::Result<(Arc<ListeningTable>, Budget)> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(no_randomness)?;
    Ok((ListeningTable::new(seed, now()), Budget::new(INCOMPLETE)))
}

/// A socket that serves many sessions. Its `accept` is what carries them all: it hands on the datagrams that come.
///
/// A session belongs to the socket that its client was admitted at. When the client moves, the system may take its
/// datagrams to another socket of the address; they are handed on to the same inbox.
pub(super) struct BoundUdp {
    socket: Arc<Socket>,
    local: Address,
    table: Arc<ListeningTable>,
    budget: Budget,
    /// Open sessions that were not accepted yet.
    arrived: VecDeque<(UdpStream, Address)>,
    answer: Vec<u8>,
    wakers: Vec<Waker>,
}

impl BoundUdp {
    async fn new(socket: Socket, table: Arc<ListeningTable>, budget: Budget) -> io::Result<Self> {
        let socket = Arc::new(socket);
        // A new socket takes nothing before the runtime has looked at it.
        Arc::clone(&socket).writable().await?;
        Ok(Self {
            local: Address::of_socket(SocketScheme::Udp, socket.local_address()?),
            socket,
            table,
            budget,
            arrived: VecDeque::new(),
            answer: Vec::new(),
            wakers: Vec::new(),
        })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(UdpStream, Address)>> {
        let mut handled = 0;
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return Poll::Ready(Ok(arrived));
            }
            if handled >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let (socket, now) = (Arc::clone(&self.socket), now());
            match socket.poll_receive(cx, |run| self.handle(run, now)) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(datagrams)) => handled += datagrams.max(1),
                Poll::Ready(Err(error)) if passes(&error) => handled += 1,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
            self.wakers.drain(..).for_each(Waker::wake);
        }
    }

    /// Hands on a run of datagrams.
    fn handle(&mut self, run: &ReceivedRun<'_>, now: Instant) {
        for (first, alike) in run.by_session() {
            let known = self.table.sessions().hand_on(run, first, alike, &mut self.wakers);
            if !known && self.handle_stranger(run, first, alike, now) {
                self.socket.send_answer(run.from, run.to, &self.answer);
            }
        }
    }

    /// Datagrams of no known session. Returns whether there is an answer.
    fn handle_stranger(&mut self, run: &ReceivedRun<'_>, first: &[u8], alike: &[u8], now: Instant) -> bool {
        let table = Arc::clone(&self.table);
        let mut endpoint = table.sessions().write();
        let Some(endpoint) = &mut *endpoint else { return false };
        match endpoint.handle_datagram(run.from, first, &mut self.answer, now) {
            Routed::Nothing => return false,
            // Another socket has opened it since.
            Routed::Session(route) => {
                self.wakers.extend(route.push(run.from, run.to, alike, run.stride));
                return false;
            }
            Routed::Answer => {}
            Routed::Open(admission) => match self.admit(admission, endpoint.next_id(), run.to, now) {
                Some(inbox) => {
                    let window = self.socket.window();
                    endpoint.open(admission, SessionRoute::new(inbox), window, &mut self.answer);
                }
                None => endpoint.refuse(admission, Refusal::Full, &mut self.answer),
            },
        }
        true
    }

    /// Makes the stream of a new session, and returns its inbox; `None` when there is no room.
    fn admit(&mut self, admission: Admission, id: u64, local: Option<IpAddr>, now: Instant) -> Option<Arc<Inbox>> {
        if self.arrived.len() >= ACCEPT_QUEUE {
            return None;
        }
        let window = self.socket.window();
        let setup = Setup {
            role: Role::Server,
            id,
            peer: admission.peer,
            peer_window: admission.window,
            window,
            seed: secret().ok()?,
            rtt: None,
            budget: self.budget.clone(),
            max_segments: self.socket.max_segments(),
        };
        let inbox = Arc::new(Inbox::new(self.budget.clone(), window));
        let source = DatagramSource::listener(SessionPlace::new(
            id,
            Arc::clone(self.table.sessions()),
            Arc::clone(&inbox),
        ));
        let stream = UdpStream::new(Session::new(setup, now), Arc::clone(&self.socket), source, local);
        self.arrived
            .push_back((stream, Address::of_socket(SocketScheme::Udp, admission.peer)));
        Some(inbox)
    }
}

impl Listener for BoundUdp {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(poll_fn(|cx| {
            let accepted = self.poll_accept(cx);
            accepted.map_ok(|(stream, peer)| stream.connected(peer).into())
        }))
    }

    fn local_address(&self) -> Address {
        self.local.clone()
    }

    fn stop(&mut self) -> bool {
        self.table.sessions().stop();
        true
    }
}
