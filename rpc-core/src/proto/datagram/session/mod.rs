//! One session, seen from one of its two ends.

mod inbound;
mod outbound;
mod receive_side;
mod send_side;

use core::net::SocketAddr;
use std::time::{Duration, Instant};

use self::{receive_side::ReceiveSide, send_side::SendSide};
use super::{Role, lanes::Budget, path::Path, recovery::PathState};
use crate::proto::deadlines::earlier;

/// The smallest window, even if a peer announces a smaller one: with less nothing would move.
const LEAST_WINDOW: u32 = 16 << 10;
/// What a session begins with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) id: u64,
    /// Where the peer is.
    pub(crate) peer: SocketAddr,
    /// The peer's window, and this side's.
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
pub(crate) enum SessionEnd {
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
    end: Option<SessionEnd>,
    /// Where the peer is, and what the way there is like.
    path: Path,
    state: PathState,
    /// For what nobody else may guess.
    tokens: fastrand::Rng,
    sending: SendSide,
    receiving: ReceiveSide,
}

impl Session {
    pub(crate) fn new(setup: Setup, now: Instant) -> Self {
        Self {
            id: setup.id,
            role: setup.role,
            end: None,
            path: Path::new(setup.peer),
            state: PathState::new(setup.rtt),
            tokens: fastrand::Rng::with_seed(setup.seed),
            sending: SendSide::new(setup.role, setup.peer_window, setup.max_segments, now),
            receiving: ReceiveSide::new(setup.role.other(), setup.budget, setup.window),
        }
    }

    // ---- above: a stream of frames -------------------------------------------------------------------------------

    /// Takes bytes to be sent, and says how many: less than given, or none, while too much waits. Nothing leaves before
    /// [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.end.is_some() {
            return 0;
        }
        self.sending.write(bytes, &self.state)
    }

    /// What has come, in an order in which a byte stream may have brought it.
    pub(crate) fn unread(&self) -> &[u8] {
        self.receiving.lanes.ready()
    }

    /// `length` bytes of [`unread`](Self::unread) were taken.
    pub(crate) fn consume(&mut self, length: usize) {
        self.receiving.lanes.consume(length);
    }

    /// Whether everything written has been acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        self.sending.is_settled()
    }

    /// Ends the session from this side: from here on `poll_transmit` gives what still fits, and the close chunk.
    /// Nothing is repeated; call it just before the session is dropped.
    pub(crate) fn close(&mut self) {
        self.sending.closing = self.end.is_none();
    }

    /// Why the session is over, once everything that came is consumed.
    pub(crate) fn end(&self) -> Option<SessionEnd> {
        self.end.filter(|_| self.unread().is_empty())
    }

    /// When the peer was heard last: when the newest of its packets came. Late and repeated packets do not count.
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.receiving.heard()
    }

    /// Where the peer is now.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.path.peer()
    }

    /// The memory of what has come and is not ready.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn held(&self) -> usize {
        self.receiving.lanes.held()
    }

    /// The memory behind it, with what buffers have in reserve.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn footprint(&self) -> usize {
        self.receiving.lanes.footprint()
    }

    /// The mutant that every test of "at most once" must find.
    #[cfg(test)]
    pub(crate) fn deliver_duplicates(&mut self) {
        self.receiving.lanes.deliver_duplicates();
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.end.is_some() {
            return None;
        }
        earlier(self.sending.poll_timeout(&self.state), self.receiving.poll_timeout())
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.sending.handle_timeout(&mut self.state, now);
        self.receiving.handle_timeout(now);
    }

    /// The system refused a datagram of this size (EMSGSIZE).
    pub(crate) fn handle_too_big(&mut self, size: usize, now: Instant) {
        self.state.refused(size, now);
    }
}
