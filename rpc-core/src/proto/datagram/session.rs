//! One session, seen from one of its two ends.

use core::net::SocketAddr;
use std::time::{Duration, Instant};

use super::lanes::Budget;

/// Which end this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
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
}

/// One session, without I/O: a byte stream of frames above, datagrams below.
///
/// After any `handle_*`, `write` or `consume` send what [`poll_transmit`](Self::poll_transmit) gives, and call
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub(crate) struct Session {}

impl Session {
    pub(crate) fn new(setup: Setup, now: Instant) -> Self {
        let _ = (setup, now);
        todo!("lead")
    }

    /// One datagram, of any kind and from anywhere; what is not for this session is ignored.
    pub(crate) fn handle_datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let _ = (from, datagram, now);
        todo!("lead")
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!("lead")
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        todo!("lead")
    }

    /// Fills `out` (cleared first) with the datagrams to be sent next; `None` when there are none now.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>, now: Instant) -> Option<Transmit> {
        let _ = (out, now);
        todo!("lead")
    }

    /// The system refused a datagram of this size (EMSGSIZE).
    pub(crate) fn handle_too_big(&mut self, size: usize, now: Instant) {
        let _ = (size, now);
        todo!("lead")
    }

    /// Takes bytes to be sent, and says how many: less than given, or none, while too much waits. Nothing leaves before
    /// [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let _ = bytes;
        todo!("lead")
    }

    /// What has come, in an order in which a byte stream may have brought it.
    pub(crate) fn unread(&self) -> &[u8] {
        todo!("lead")
    }

    /// `length` bytes of [`unread`](Self::unread) were taken.
    pub(crate) fn consume(&mut self, length: usize) {
        let _ = length;
        todo!("lead")
    }

    /// Whether everything written has been acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        todo!("lead")
    }

    /// Ends the session from this side: what `poll_transmit` gives from here on is what still fits, and the news of the end. Nothing
    /// is repeated; call it just before the session is dropped.
    pub(crate) fn close(&mut self) {
        todo!("lead")
    }

    /// Why the session is over, once everything that came is consumed.
    pub(crate) fn end(&self) -> Option<End> {
        todo!("lead")
    }

    /// Where the peer is now.
    pub(crate) fn peer(&self) -> SocketAddr {
        todo!("lead")
    }
}
