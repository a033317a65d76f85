//! Two ends of a session and a network between them that does what a script says.

use core::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::harness::script::Script;
use crate::proto::datagram::{Budget, Role, Session, Setup, packet::Datagram};

/// A hello with nothing behind its header, which both ends write first.
const HELLO: &[u8] = b"farcall\0\x01\x01\x01\x01\0\0";
const ID: u64 = 7;
/// What the network holds; more is lost.
const QUEUE: usize = 2000;
/// Rounds without a byte that arrives. The longest pause between two tries is half a second.
const PATIENCE: u32 = 5000;

/// Two honest ends.
#[derive(Debug)]
pub(super) struct ScriptedLink {
    ends: [Session; 2],
    now: Instant,
    /// How much of the peer's hello is still to be read, by end.
    greeting: [usize; 2],
    flying: Vec<Flight>,
    /// Where the client is; a NAT may give it another address.
    client: SocketAddr,
    /// The longest datagram that gets through.
    carries: usize,
    /// Rounds since a byte arrived.
    idle: u32,
}

#[derive(Clone, Debug)]
struct Flight {
    to: usize,
    from: SocketAddr,
    datagram: Vec<u8>,
}

impl ScriptedLink {
    pub(super) fn new(script: &mut Script<'_>, now: Instant) -> Self {
        let client = address(1000);
        let window = [1 << 14, 1 << 16, 1 << 20][script.below(3)];
        let carries = [1500, 1200, 1300][script.below(3)];
        let rtt = [None, Some(Duration::from_millis(1)), Some(Duration::from_millis(200))][script.below(3)];
        let max_segments = 1 + script.below(64);
        let budget = [16 << 20, 0][script.below(2)];
        let session = |role, peer| {
            let setup = Setup {
                role,
                id: ID,
                peer,
                peer_window: window,
                window,
                seed: 1,
                rtt,
                budget: Budget::new(budget),
                max_segments,
            };
            Session::new(setup, now)
        };
        let mut link = Self {
            ends: [session(Role::Client, server()), session(Role::Server, client)],
            now,
            greeting: [HELLO.len(); 2],
            flying: Vec::new(),
            client,
            carries,
            idle: 0,
        };
        for end in 0..2 {
            assert_eq!(link.send(end, HELLO), HELLO.len());
        }
        link
    }

    /// Hands bytes to a session; says how many it took.
    pub(super) fn send(&mut self, from: usize, bytes: &[u8]) -> usize {
        let taken = self.ends[from].write(bytes);
        self.pump(from);
        taken
    }

    /// Reads at most `most` bytes behind the hello.
    pub(super) fn receive(&mut self, to: usize, most: usize) -> Vec<u8> {
        let unread = self.ends[to].unread();
        let hello = self.greeting[to].min(unread.len());
        assert!(
            HELLO.ends_with(&unread[..hello]) || hello < self.greeting[to],
            "frames before the hello"
        );
        let length = unread.len().min(hello.saturating_add(most));
        let bytes = unread[hello..length].to_vec();
        self.ends[to].consume(length);
        self.greeting[to] -= hello;
        if !bytes.is_empty() {
            self.idle = 0;
        }
        self.pump(to);
        bytes
    }

    /// Something happens to what is on its way, or time passes.
    pub(super) fn act(&mut self, script: &mut Script<'_>) {
        let action = script.below(16);
        let index = script.below(self.flying.len());
        match (action, self.flying.get(index)) {
            (0..=3, Some(_)) => {
                let flight = self.flying.remove(index);
                self.arrive(&flight);
            }
            (4, Some(_)) => drop(self.flying.remove(index)),
            (5, Some(flight)) => self.arrive(&flight.clone()),
            (6, Some(flight)) => {
                let mut flight = flight.clone();
                let bit = (script.below(256) << 8 | script.below(256)) % (8 * flight.datagram.len());
                flight.datagram[bit / 8] ^= 1 << (bit % 8);
                self.arrive(&flight);
            }
            (7, Some(flight)) => {
                let mut flight = flight.clone();
                let length = script.length(flight.datagram.len());
                flight.datagram.truncate(length);
                self.arrive(&flight);
            }
            (8, _) => self.flying.clear(),
            (9, _) => self.client = address(1000 + script.below(3) as u16),
            (10, _) if script.below(8) == 0 => self.carries = 1200 + script.below(256),
            (11, _) => self.deliver_all(),
            (12, _) => self.pass(Duration::from_micros(100 * script.below(256) as u64)),
            (13, _) => self.pass_to_timeout(),
            _ => self.pass(Duration::from_millis(script.below(256) as u64)),
        }
    }

    /// One round on a network that loses nothing; says whether anything is under way still.
    pub(super) fn settle(&mut self) -> bool {
        self.idle += 1;
        assert!(self.idle < PATIENCE, "nothing arrives any more");
        self.now += Duration::from_millis(1);
        // A client that has nothing to send does not show that it has moved; what makes it speak, pings, is not in
        // here.
        self.client = self.ends[1].peer();
        if !self.flying.is_empty() {
            self.deliver_all();
        } else if self.ends.iter().all(Session::is_settled) {
            return false;
        } else {
            let due = self.ends.iter().filter_map(Session::poll_timeout).min();
            assert!(due.is_some(), "nothing is due, and nothing arrived");
            self.pass_to_timeout();
        }
        true
    }

    /// Lets time pass, with both ends in time for their timeouts at its end only.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        for end in 0..2 {
            let mut fired = 0;
            while self.ends[end].poll_timeout().is_some_and(|due| due <= self.now) {
                self.ends[end].handle_timeout(self.now);
                self.pump(end);
                fired += 1;
                assert!(fired < 5, "a timeout that fires for ever: {:#?}", self.ends[end]);
            }
        }
    }

    /// Everything written was read: nothing is held for it.
    pub(super) fn assert_empty(&self) {
        for end in &self.ends {
            assert!(end.is_settled() && end.unread().is_empty());
            assert_eq!(end.held(), 0, "{end:#?}");
        }
    }

    fn pass_to_timeout(&mut self) {
        let due = self.ends.iter().filter_map(Session::poll_timeout).min();
        self.pass(due.map_or(Duration::ZERO, |due| due.saturating_duration_since(self.now)));
    }

    fn deliver_all(&mut self) {
        for flight in std::mem::take(&mut self.flying) {
            self.arrive(&flight);
        }
    }

    fn arrive(&mut self, flight: &Flight) {
        if flight.datagram.len() > self.carries {
            return;
        }
        self.ends[flight.to].handle_datagram(flight.from, &flight.datagram, self.now);
        assert_eq!(self.ends[flight.to].end(), None, "an honest peer ends the session");
        self.pump(flight.to);
    }

    /// Sends all that an end wants to send now.
    fn pump(&mut self, from: usize) {
        let mut out = Vec::new();
        let mut transmits = 0;
        while let Some(transmit) = self.ends[from].poll_transmit(&mut out, self.now) {
            transmits += 1;
            assert!(transmits < 5000, "transmits without end: {:#?}", self.ends[from]);
            assert!(transmit.segment > 0 && !out.is_empty() && out.len() <= 65_507);
            for datagram in out.chunks(transmit.segment) {
                assert!(datagram.len() <= 8952, "{} bytes", datagram.len());
                let read = Datagram::read(datagram);
                assert!(matches!(read, Some(Datagram::Packet { session: ID, .. })), "{read:?}");
                // What goes to an address that the client no longer has is lost.
                if (transmit.to == self.client || from == 0) && self.flying.len() < QUEUE {
                    self.flying.push(Flight {
                        to: 1 - from,
                        from: if from == 0 { self.client } else { server() },
                        datagram: datagram.to_vec(),
                    });
                }
            }
        }
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 2000))
}
