//! The client's way in: hello, cookie, hello with the cookie, welcome.

use std::time::{Duration, Instant};

use super::packet::Refusal;

/// A session that a server let this client into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) session: u64,
    /// What the server takes unacknowledged.
    pub(crate) window: u32,
    /// The first sample of the round trip: only from a hello that was sent once.
    pub(crate) rtt: Option<Duration>,
}

/// The opening of a session, as the client. Hellos repeat after 250 ms, doubled each time to at most 1 s, each 25 % more or less.
#[derive(Debug)]
pub(crate) struct Opening {}

impl Opening {
    pub(crate) fn new(nonce: u64, window: u32, now: Instant) -> Self {
        let _ = (nonce, window, now);
        todo!("helper B")
    }

    /// A datagram from the server.
    pub(crate) fn handle_datagram(&mut self, datagram: &[u8], now: Instant) -> Option<Result<Opened, Refusal>> {
        let _ = (datagram, now);
        todo!("helper B")
    }

    /// Fills `out` with a hello if one is due; says whether it did.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>, now: Instant) -> bool {
        let _ = (out, now);
        todo!("helper B")
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        todo!("helper B")
    }
}
