//! The thread of a relay.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use socket2::SockRef;

use super::{State, To};

/// What is held back, and for how many clients, at most.
const MAX_HELD: usize = 1 << 16;
const MAX_CLIENTS: usize = 1 << 10;
const MAX_RECORDED: usize = 1 << 20;
/// The datagrams of one socket before the next one has its turn.
const TURN: usize = 64;
/// The pause between two looks at sockets that are silent.
const NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(1);
/// Asked for; the system gives what it allows.
const BUFFER: usize = 4 << 20;

pub(super) struct Hop {
    server: SocketAddr,
    front: UdpSocket,
    clients: Vec<Client>,
    held: BinaryHeap<Reverse<Held>>,
    random: Rng,
    state: Arc<Mutex<State>>,
}

struct Client {
    address: SocketAddr,
    /// Connected to the server.
    upstream: UdpSocket,
}

/// A datagram that arrives later.
struct Held {
    due: Instant,
    to: To,
    client: usize,
    datagram: Vec<u8>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.due.cmp(&other.due)
    }
}

impl Hop {
    pub(super) fn new(server: SocketAddr, seed: u64, state: Arc<Mutex<State>>) -> io::Result<Self> {
        Ok(Self {
            server,
            front: socket()?,
            clients: Vec::new(),
            held: BinaryHeap::new(),
            random: Rng::with_seed(seed),
            state,
        })
    }

    pub(super) fn front(&self) -> io::Result<SocketAddr> {
        self.front.local_addr()
    }

    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.state);
        let mut nap = NAP;
        loop {
            let moved = {
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if state.ended {
                    return;
                }
                self.turn(&mut state)
            };
            if moved {
                nap = NAP;
            } else {
                thread::sleep(nap);
                nap = (nap * 11 / 10).min(LONGEST_NAP);
            }
        }
    }

    /// Does what there is to do, and says whether there was anything.
    fn turn(&mut self, state: &mut State) -> bool {
        self.obey(state);
        let received = self.receive(state);
        let released = self.release(state);
        received || released
    }

    fn obey(&mut self, state: &mut State) {
        while state.rebinds < state.rebinds_wanted {
            for client in &mut self.clients {
                // Without a new socket the old one stays, and the test sees that no rebind was counted.
                let Ok(upstream) = upstream(self.server) else { return };
                client.upstream = upstream;
            }
            state.rebinds += 1;
        }
        for to in [To::Server, To::Client] {
            for datagram in state.way(to).injected.drain(..) {
                for client in 0..self.clients.len() {
                    self.send(to, client, &datagram);
                }
            }
        }
    }

    fn receive(&mut self, state: &mut State) -> bool {
        let mut buffer = [0; 2048];
        let mut moved = false;
        for _ in 0..TURN {
            let Some((length, from)) = received(self.front.recv_from(&mut buffer)) else {
                break;
            };
            moved = true;
            if let Some(client) = self.client(from) {
                let datagram = &mut buffer[..length];
                if let Some(recorded) = state.recorded.as_mut().filter(|recorded| recorded.len() < MAX_RECORDED) {
                    recorded.push(datagram.to_vec());
                }
                self.forward(state, To::Server, client, datagram);
            }
        }
        for client in 0..self.clients.len() {
            for _ in 0..TURN {
                let Some((length, _)) = received(self.clients[client].upstream.recv_from(&mut buffer)) else {
                    break;
                };
                moved = true;
                self.forward(state, To::Client, client, &mut buffer[..length]);
            }
        }
        moved
    }

    fn client(&mut self, address: SocketAddr) -> Option<usize> {
        let known = self.clients.iter().position(|client| client.address == address);
        if known.is_some() || self.clients.len() == MAX_CLIENTS {
            return known;
        }
        let upstream = upstream(self.server).ok()?;
        self.clients.push(Client { address, upstream });
        Some(self.clients.len() - 1)
    }

    /// Lets chance decide about a datagram.
    fn forward(&mut self, state: &mut State, to: To, client: usize, datagram: &mut [u8]) {
        let way = state.way(to);
        let conditions = way.conditions;
        if way.cut || self.random.f64() < conditions.loss {
            way.traffic.dropped += 1;
            way.traffic.dropped_bytes += datagram.len() as u64;
            return;
        }
        if self.random.f64() < conditions.flip && !datagram.is_empty() {
            datagram[self.random.usize(..datagram.len())] ^= 1 << self.random.u8(..8);
            way.traffic.flipped += 1;
        }
        let twice = self.random.f64() < conditions.duplicate;
        way.traffic.duplicated += u64::from(twice);
        for _ in 0..=usize::from(twice) {
            way.traffic.passed += 1;
            way.traffic.passed_bytes += datagram.len() as u64;
            if self.random.f64() < conditions.reorder && self.held.len() < MAX_HELD {
                way.traffic.delayed += 1;
                let due = Instant::now() + conditions.jitter.mul_f64(self.random.f64());
                let datagram = datagram.to_vec();
                self.held.push(Reverse(Held {
                    due,
                    to,
                    client,
                    datagram,
                }));
            } else {
                self.send(to, client, datagram);
            }
        }
    }

    /// Sends what is due.
    fn release(&mut self, state: &mut State) -> bool {
        let now = Instant::now();
        let mut moved = false;
        while self.held.peek().is_some_and(|Reverse(first)| first.due <= now) {
            let Some(Reverse(held)) = self.held.pop() else { break };
            moved = true;
            if !state.way(held.to).cut {
                self.send(held.to, held.client, &held.datagram);
            }
        }
        moved
    }

    /// A datagram that the system does not take is lost, as networks lose them.
    fn send(&self, to: To, client: usize, datagram: &[u8]) {
        let client = &self.clients[client];
        let _ = match to {
            To::Server => client.upstream.send(datagram),
            To::Client => self.front.send_to(datagram, client.address),
        };
    }
}

fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    // What does not fit is lost without being counted.
    let _ = SockRef::from(&socket).set_recv_buffer_size(BUFFER);
    Ok(socket)
}

fn upstream(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket()?;
    socket.connect(server)?;
    Ok(socket)
}

/// A datagram, if there is one. That an earlier one met a closed port is no news for a network.
fn received(result: io::Result<(usize, SocketAddr)>) -> Option<(usize, SocketAddr)> {
    result.ok()
}
