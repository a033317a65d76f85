//! The hosts at the ends of the network.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use fastrand::Rng;

use super::{
    conditions::SharedTerms,
    ledger::Ledger,
    link::SimLink,
    network::{SERVER, SimNetwork},
    over::LinkEnd,
};
use crate::proto::datagram::{
    Admission, Budget, Endpoint, OpenedSession, Role, Routed, Session, SessionOpening, Setup,
};

/// How long a client tries to open a session.
const OPENING: Duration = Duration::from_secs(10);

/// What all hosts are made of and report to.
pub(super) struct SimWorld {
    pub(super) network: SimNetwork,
    pub(super) ledger: Ledger,
    pub(super) terms: SharedTerms,
    pub(super) rng: Rng,
    /// Whether sessions deliver what comes twice twice.
    pub(super) mutant: bool,
    /// The links that ended otherwise than in order.
    pub(super) lost: usize,
    pub(super) sessions: usize,
}

impl SimWorld {
    fn link(&mut self, role: Role, peer: SocketAddr, opened: OpenedSession, budget: Budget, now: Instant) -> SimLink {
        self.sessions += 1;
        let setup = Setup {
            role,
            id: opened.session,
            peer,
            peer_window: opened.window,
            window: self.terms.window,
            seed: self.rng.u64(..),
            rtt: opened.rtt,
            budget,
            max_segments: self.terms.segments,
        };
        let mut session = Session::new(setup, now);
        if self.mutant {
            session.deliver_duplicates();
        }
        SimLink::new(session, opened.session, role, self.terms.clone(), self.rng.u64(..), now)
    }

    /// A link is over: its session says so, as far as one word gets.
    fn end(&mut self, link: &mut SimLink, here: SocketAddr, over: &LinkEnd, now: Instant) {
        self.network.tell(&format!("{here} ends: {over:?}"), now);
        self.lost += usize::from(over.is_loss());
        link.end(&mut self.ledger);
        link.session.close();
        self.transmit(&mut link.session, here, now);
    }

    fn transmit(&mut self, session: &mut Session, here: SocketAddr, now: Instant) {
        let mut out = Vec::new();
        let mut calls = 0;
        while let Some(transmit) = session.poll_transmit(&mut out, now) {
            assert!(!out.is_empty() && transmit.segment > 0, "a transmit without a datagram");
            for datagram in out.chunks(transmit.segment) {
                if !self.network.send(here, transmit.to, datagram, now) {
                    session.handle_too_big(datagram.len(), now);
                }
            }
            calls += 1;
            assert!(calls < 10_000, "a session that sends for ever");
        }
    }

    /// Lets a link do what it can.
    fn run(&mut self, link: &mut SimLink, here: SocketAddr, now: Instant) -> Result<(), LinkEnd> {
        // One timeout may bring the next one forward.
        for _ in 0..3 {
            let turned = link.turn(&mut self.ledger, now);
            self.transmit(&mut link.session, here, now);
            turned?;
            if link.due().is_none_or(|due| due > now) {
                return Ok(());
            }
        }
        panic!("a timeout that fires for ever: {}", link.timers(now));
    }
}

/// A host that opens sessions, one at a time.
pub(super) struct ClientHost {
    address: SocketAddr,
    fresh_ports: bool,
    state: ClientState,
    /// Calls that wait for a session with room.
    pub(super) waiting: Vec<usize>,
}

#[expect(clippy::large_enum_variant, reason = "there are three")]
enum ClientState {
    Resting { until: Instant },
    Opening { opening: SessionOpening, until: Instant },
    Open(SimLink),
}

impl ClientHost {
    pub(super) fn new(index: usize, fresh_ports: bool, now: Instant) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, index as u8)), 1000),
            fresh_ports,
            state: ClientState::Resting { until: now },
            waiting: Vec::new(),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn link(&mut self) -> Option<&mut SimLink> {
        match &mut self.state {
            ClientState::Open(link) => Some(link),
            _ => None,
        }
    }

    /// Its session, if that is there for good.
    pub(super) fn open_link(&self) -> Option<&SimLink> {
        match &self.state {
            ClientState::Open(link) => Some(link).filter(|link| link.is_open()),
            _ => None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            ClientState::Resting { until } => Some(*until),
            ClientState::Opening { opening, until } => Some(opening.poll_timeout().min(*until)),
            ClientState::Open(link) => link.due(),
        }
    }

    pub(super) fn handle_datagram(&mut self, world: &mut SimWorld, from: SocketAddr, bytes: &[u8], now: Instant) {
        match &mut self.state {
            ClientState::Resting { .. } => {}
            ClientState::Opening { opening, .. } => match opening.handle_datagram(bytes, now) {
                None => {}
                Some(Err(refusal)) => panic!("{refusal:?}"),
                Some(Ok(opened)) => {
                    let budget = Budget::new(world.terms.budget);
                    let link = world.link(Role::Client, SERVER, opened, budget, now);
                    self.state = ClientState::Open(link);
                }
            },
            ClientState::Open(link) => link.deliver(from, bytes.to_vec()),
        }
    }

    pub(super) fn run(&mut self, world: &mut SimWorld, now: Instant) {
        match &mut self.state {
            ClientState::Resting { until } if *until <= now => self.open(world, now),
            ClientState::Opening { until, .. } if *until <= now => self.rest(world, now),
            _ => {}
        }
        match &mut self.state {
            ClientState::Resting { .. } => {}
            ClientState::Opening { opening, .. } => {
                let mut out = Vec::new();
                while opening.poll_transmit(&mut out, now) {
                    world.network.send(self.address, SERVER, &out, now);
                }
            }
            ClientState::Open(link) => {
                while let Some(&number) = self.waiting.first().filter(|_| link.has_room()) {
                    self.waiting.remove(0);
                    link.start(number, &mut world.ledger, now);
                }
                if let Err(over) = world.run(link, self.address, now) {
                    world.end(link, self.address, &over, now);
                    self.rest(world, now);
                }
            }
        }
    }

    fn open(&mut self, world: &mut SimWorld, now: Instant) {
        if self.fresh_ports {
            world.network.unbind(self.address);
            self.address.set_port(self.address.port() + 1);
        }
        world.network.rebind(self.address);
        self.state = ClientState::Opening {
            opening: SessionOpening::new(world.rng.u64(..), world.terms.window, now),
            until: now + OPENING,
        };
    }

    fn rest(&mut self, world: &mut SimWorld, now: Instant) {
        let until = now + Duration::from_millis(world.rng.u64(1..500));
        self.state = ClientState::Resting { until };
    }

    /// The process ends and begins anew, without a word to anybody.
    pub(super) fn vanish(&mut self, world: &mut SimWorld, now: Instant) {
        if let ClientState::Open(link) = &mut self.state {
            link.end(&mut world.ledger);
        }
        self.rest(world, now);
    }
}

/// The host that everybody calls.
pub(super) struct ServerHost {
    endpoint: Endpoint<u64>,
    budget: Budget,
    links: BTreeMap<u64, SimLink>,
    /// The session's ids, by what they are known by here.
    ids: BTreeMap<u64, u64>,
    keys: u64,
}

impl ServerHost {
    pub(super) fn new(world: &mut SimWorld, now: Instant) -> Self {
        let mut seed = [0; 32];
        world.rng.fill(&mut seed);
        Self {
            endpoint: Endpoint::new(seed, now),
            budget: Budget::new(world.terms.budget),
            links: BTreeMap::new(),
            ids: BTreeMap::new(),
            keys: 0,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.links.values().filter_map(SimLink::due).min()
    }

    /// Gives a datagram to whom it is for, and lets that one act.
    pub(super) fn handle_datagram(&mut self, world: &mut SimWorld, from: SocketAddr, bytes: &[u8], now: Instant) {
        let mut answer = Vec::new();
        match self.endpoint.handle_datagram(from, bytes, &mut answer, now) {
            Routed::Nothing => {}
            Routed::Answer => {
                assert!(
                    answer.len() <= bytes.len(),
                    "{} bytes answer {}",
                    answer.len(),
                    bytes.len()
                );
                world.network.send(SERVER, from, &answer, now);
            }
            Routed::Open(admission) => self.open(world, admission, now),
            Routed::Session(&key) => {
                if let Some(link) = self.links.get_mut(&key) {
                    link.deliver(from, bytes.to_vec());
                    self.run_link(world, key, now);
                }
            }
        }
    }

    fn open(&mut self, world: &mut SimWorld, admission: Admission, now: Instant) {
        let mut answer = Vec::new();
        let id = self.endpoint.next_id();
        let Admission { peer, window, .. } = admission;
        let opened = OpenedSession {
            session: id,
            window,
            rtt: None,
        };
        let link = world.link(Role::Server, peer, opened, self.budget.clone(), now);
        self.keys += 1;
        let opened = self
            .endpoint
            .open(admission, self.keys, world.terms.window, &mut answer);
        assert_eq!(opened, id);
        self.links.insert(self.keys, link);
        self.ids.insert(self.keys, id);
        world.network.send(SERVER, peer, &answer, now);
    }

    /// Lets those act whose time has come.
    pub(super) fn run(&mut self, world: &mut SimWorld, now: Instant) {
        let due = |(&key, link): (&u64, &SimLink)| link.due().filter(|&due| due <= now).map(|_| key);
        let keys: Vec<_> = self.links.iter().filter_map(due).collect();
        for key in keys {
            self.run_link(world, key, now);
        }
    }

    fn run_link(&mut self, world: &mut SimWorld, key: u64, now: Instant) {
        let Some(link) = self.links.get_mut(&key) else { return };
        if let Err(over) = world.run(link, SERVER, now) {
            world.end(link, SERVER, &over, now);
            self.links.remove(&key);
            if let Some(id) = self.ids.remove(&key) {
                assert_eq!(self.endpoint.close(id), Some(key));
            }
        }
    }

    /// Makes a call to a client that has a session: one that stands for its index.
    pub(super) fn start(&mut self, world: &mut SimWorld, number: usize, now: Instant) -> bool {
        let open: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.has_room())
            .map(|(&key, _)| key)
            .collect();
        let Some(key) = world.rng.choice(open) else {
            return false;
        };
        if let Some(link) = self.links.get_mut(&key) {
            link.start(number, &mut world.ledger, now);
            self.run_link(world, key, now);
        }
        true
    }

    pub(super) fn cancel(&mut self, world: &mut SimWorld, number: usize, now: Instant) {
        let mut links = self.links.iter_mut();
        let found = links.find_map(|(&key, link)| link.cancel(number, &mut world.ledger).then_some(key));
        if let Some(key) = found {
            self.run_link(world, key, now);
        }
    }

    /// The link that has the other end of a session, while it is there.
    pub(super) fn other_end(&self, id: u64) -> Option<&SimLink> {
        self.links.values().find(|link| link.id == id && link.is_open())
    }

    pub(super) fn pause(&mut self, until: Instant) {
        self.links.values_mut().for_each(|link| link.pause(until));
    }

    pub(super) fn go_away(&mut self, world: &mut SimWorld, now: Instant) {
        self.links.values_mut().for_each(SimLink::go_away);
        let keys: Vec<_> = self.links.keys().copied().collect();
        for key in keys {
            self.run_link(world, key, now);
        }
    }

    /// The process ends without a word.
    pub(super) fn crash(&mut self, world: &mut SimWorld) {
        self.links.values_mut().for_each(|link| link.end(&mut world.ledger));
    }
}
