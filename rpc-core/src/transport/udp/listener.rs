//! The socket of a server: opening sessions, and finding the session of each datagram.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{
    INCOMPLETE, TURN,
    inbox::Inbox,
    no_randomness, secret,
    socket::{ReceivedRun, Socket, passes},
    source::DatagramSource,
    stream::UdpStream,
    table::{SessionPlace, SessionRoute, SessionTable},
};
use crate::{
    clock::now,
    proto::datagram::{Admission, Budget, Refusal, Role, Routed, Session, Setup},
    transport::{Accepting, Address, Listener, names},
};

/// How many sessions wait to be accepted before clients are refused: what operating systems give a listening socket.
const ACCEPT_QUEUE: usize = 128;

/// Listens on every address of `host`.
pub(in crate::transport) async fn bind(host: &str, port: u16) -> io::Result<Vec<Box<dyn Listener>>> {
    let addresses = names::resolve(host, port).await?;
    let mut listeners = Vec::new();
    for socket in names::bind_each(&addresses, Socket::bind, Socket::local_address)? {
        listeners.push(Box::new(BoundUdp::new(socket).await?) as Box<dyn Listener>);
    }
    Ok(listeners)
}

/// A socket that serves many sessions. Its `accept` is what carries them all: it hands on the datagrams that come.
pub(super) struct BoundUdp {
    socket: Arc<Socket>,
    local: Address,
    table: Arc<SessionTable>,
    budget: Budget,
    /// Open sessions that were not accepted yet.
    arrived: VecDeque<(UdpStream, Address)>,
    answer: Vec<u8>,
    wakers: Vec<Waker>,
}

impl BoundUdp {
    pub(super) async fn new(socket: Socket) -> io::Result<Self> {
        let socket = Arc::new(socket);
        // A new socket takes nothing before the runtime has looked at it.
        Arc::clone(&socket).writable().await?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(no_randomness)?;
        Ok(Self {
            local: Address::udp(socket.local_address()?),
            socket,
            table: SessionTable::new(seed, now()),
            budget: Budget::new(INCOMPLETE),
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
        let table = Arc::clone(&self.table);
        let mut endpoint = table.lock();
        let Some(endpoint) = &mut *endpoint else { return };
        for (datagram, alike) in run.by_session() {
            match endpoint.handle_datagram(run.from, datagram, &mut self.answer, now) {
                Routed::Nothing => continue,
                Routed::Session(route) => {
                    self.wakers.extend(route.push(run.from, run.to, alike, run.stride));
                    continue;
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
            self.socket.send_answer(run.from, run.to, &self.answer);
        }
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
        let source = DatagramSource::listener(SessionPlace::new(id, Arc::clone(&self.table), Arc::clone(&inbox)));
        let stream = UdpStream::new(Session::new(setup, now), Arc::clone(&self.socket), source, local);
        self.arrived.push_back((stream, Address::udp(admission.peer)));
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
        self.table.stop();
        true
    }
}

impl Drop for BoundUdp {
    fn drop(&mut self) {
        self.table.close();
    }
}
