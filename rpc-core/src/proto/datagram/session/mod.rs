//! One session, seen from one of its two ends.

mod inbound;
mod outbound;

use core::net::SocketAddr;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    lanes::{Budget, Received, Segment, Splitter},
    pacing::Pacer,
    path::Path,
    ranges::Ranges,
    recovery::{PathState, Recovery},
};
use crate::proto::outgoing::earlier;

/// How many datagrams may come before they are acknowledged.
const ACK_EVERY: u32 = 2;
/// The least window there is, whatever a peer says: with less nothing would move.
const LEAST_WINDOW: u32 = 16 << 10;
/// The most: what is sent is kept until the peer has it, and a peer that never says so must not make that much.
const MOST_WINDOW: u32 = 4 << 20;
/// The least and the most that may wait to be sent for the first time; more is not taken, so that large messages go on
/// taking turns.
const UNSENT: (usize, usize) = (16 << 10, 128 << 10);

/// Which end this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) id: u64,
    /// Where the peer is.
    pub(crate) peer: SocketAddr,
    /// What the peer takes unacknowledged, and what this side takes.
    pub(crate) peer_window: u32,
    pub(crate) window: u32,
    /// For what nobody else may guess.
    pub(crate) seed: u64,
    pub(crate) rtt: Option<Duration>,
    /// Shared by all sessions of the socket.
    pub(crate) budget: Budget,
    /// How many datagrams one transmit may hold (GSO).
    pub(crate) max_segments: usize,
}

/// One or more datagrams to be sent with one call: each is `segment` bytes long, the last one may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transmit {
    pub(crate) to: SocketAddr,
    pub(crate) segment: usize,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer closed it: nothing more comes.
    Closed,
    /// The server does not know it: it restarted, or gave the session up.
    Reset,
    /// The peer broke the protocol.
    Broken(&'static str),
}

/// One session, without I/O: a byte stream of frames above, datagrams below.
///
/// After any `handle_*`, `write` or `consume` send what [`poll_transmit`](Self::poll_transmit) gives, and call
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub(crate) struct Session {
    id: u64,
    role: Role,
    path: Path,
    state: PathState,
    pacer: Pacer,
    tokens: fastrand::Rng,
    max_segments: usize,
    end: Option<End>,

    // Sending.
    splitter: Splitter,
    /// What was not sent yet, and how many bytes that is.
    fresh: VecDeque<Segment>,
    unsent: usize,
    peer_window: u64,
    recovery: Recovery,
    /// The congestion window was what stopped the last transmit.
    limited: bool,
    /// When pacing lets go on.
    paced: Option<Instant>,
    /// Datagrams to be sent whatever the windows say.
    probes: usize,
    response: Option<u64>,
    closing: bool,

    // Receiving.
    received: Received,
    numbers: Ranges,
    /// The highest number that was taken, and the highest that came, even if its packet was refused.
    largest: Option<(u64, Instant)>,
    heard: Option<(u64, Instant)>,
    /// Datagrams that wait for an acknowledgement, and until when it may.
    unacknowledged: u32,
    acknowledge_by: Option<Instant>,
}

impl Session {
    pub(crate) fn new(setup: Setup, now: Instant) -> Self {
        Self {
            id: setup.id,
            role: setup.role,
            path: Path::new(setup.peer),
            state: PathState::new(setup.rtt),
            pacer: Pacer::new(now),
            tokens: fastrand::Rng::with_seed(setup.seed),
            max_segments: setup.max_segments.max(1),
            end: None,
            splitter: Splitter::new(setup.role),
            fresh: VecDeque::new(),
            unsent: 0,
            peer_window: u64::from(setup.peer_window.clamp(LEAST_WINDOW, MOST_WINDOW)),
            recovery: Recovery::new(),
            limited: false,
            paced: None,
            probes: 0,
            response: None,
            closing: false,
            received: Received::new(
                setup.role.other(),
                setup.budget,
                setup.window.max(LEAST_WINDOW) as usize,
            ),
            numbers: Ranges::default(),
            largest: None,
            heard: None,
            unacknowledged: 0,
            acknowledge_by: None,
        }
    }

    // ---- above: a stream of frames
    // -----------------------------------------------------------------------------------

    /// Takes bytes to be sent, and says how many: less than given, or none, while too much waits. Nothing leaves before
    /// [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.closing || self.end.is_some() {
            return 0;
        }
        let room = if self.recovery.is_unheard() && !self.is_settled() {
            // Above, room counts as a sign of life. What probes take with them is none, so only the frame that has
            // begun goes on, at once: a peer that is short of memory may need its end.
            self.splitter.rest()
        } else {
            self.most_unsent().saturating_sub(self.unsent)
        };
        let taken = bytes.len().min(room);
        self.splitter.split(&bytes[..taken], &mut self.fresh);
        self.unsent += taken;
        taken
    }

    /// Two windows are sent without waiting for more. Behind a longer queue on a slow path small calls would wait, and
    /// pings for so long that the connection counts as silent.
    fn most_unsent(&self) -> usize {
        (2 * self.state.congestion.window()).clamp(UNSENT.0, UNSENT.1)
    }

    /// What has come, in an order in which a byte stream may have brought it.
    pub(crate) fn unread(&self) -> &[u8] {
        self.received.ready()
    }

    /// `length` bytes of [`unread`](Self::unread) were taken.
    pub(crate) fn consume(&mut self, length: usize) {
        self.received.consume(length);
    }

    /// Whether everything written has been acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        self.recovery.settled() >= self.splitter.position()
    }

    /// Ends the session from this side: what `poll_transmit` gives from here on is what still fits, and the news of the
    /// end. Nothing is repeated; call it just before the session is dropped.
    pub(crate) fn close(&mut self) {
        self.closing = self.end.is_none();
    }

    /// Why the session is over, once everything that came is consumed.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.filter(|_| self.unread().is_empty())
    }

    /// When the peer was heard last: when the newest of its packets came. What is late or repeated tells of the past
    /// only.
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.heard.map(|(_, at)| at)
    }

    /// Where the peer is now.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.path.peer()
    }

    /// The memory of what has come and is not ready.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn held(&self) -> usize {
        self.received.held()
    }

    /// The memory behind it, with what buffers have in reserve.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn footprint(&self) -> usize {
        self.received.footprint()
    }

    /// The mutant that every test of "at most once" must find.
    #[cfg(test)]
    pub(crate) fn deliver_duplicates(&mut self) {
        self.received.deliver_duplicates();
    }

    // ---- time
    // --------------------------------------------------------------------------------------------------------

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.end.is_some() {
            return None;
        }
        let sending = earlier(self.recovery.poll_timeout(&self.state), self.paced);
        earlier(sending, self.acknowledge_by)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        // Those of an earlier timeout may wait for the socket still.
        self.probes = self.recovery.handle_timeout(&mut self.state, now).max(self.probes);
        if self.paced.is_some_and(|paced| paced <= now) {
            self.paced = None;
        }
        if self.acknowledge_by.is_some_and(|by| by <= now) {
            self.unacknowledged = self.unacknowledged.max(ACK_EVERY);
        }
    }

    /// The system refused a datagram of this size (EMSGSIZE).
    pub(crate) fn handle_too_big(&mut self, size: usize, now: Instant) {
        self.state.refused(size, now);
    }
}
