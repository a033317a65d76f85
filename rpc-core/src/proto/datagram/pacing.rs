//! Spreading a window over its round trip, so that a burst does not overflow a queue on the way.

use std::time::{Duration, Instant};

/// A token bucket filled at 1.25 windows per round trip. Its burst is 16 datagrams, or what flows in 2 ms: timers are no finer. Round trips
/// below 2 ms are not paced.
#[derive(Clone, Debug)]
pub(super) struct Pacer {}

impl Pacer {
    pub(super) fn new(now: Instant) -> Self {
        let _ = now;
        todo!("helper A")
    }

    /// How many bytes may leave now (`usize::MAX` where pacing is of no use).
    pub(super) fn allowance(&mut self, window: usize, datagram: usize, rtt: Duration, now: Instant) -> usize {
        let _ = (window, datagram, rtt, now);
        todo!("helper A")
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        let _ = bytes;
        todo!("helper A")
    }

    /// When `allowance` will be at least 8 datagrams (or a whole burst), called when it is below one datagram.
    pub(super) fn next_release(&self, window: usize, datagram: usize, rtt: Duration) -> Instant {
        let _ = (window, datagram, rtt);
        todo!("helper A")
    }
}
