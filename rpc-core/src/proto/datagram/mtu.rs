//! How large a datagram the path carries: found by probes (RFC 8899), never by fragments.

use std::time::Instant;

/// What every path carries, as payload of UDP.
pub(super) const LEAST: usize = 1200;
/// The most that is tried: an Ethernet frame without IPv4 and UDP headers is 1,472, with IPv6 1,452.
pub(super) const MOST: usize = 1452;

/// A binary search between what is known to pass and what is known not to.
#[derive(Clone, Debug)]
pub(super) struct MtuSearch {}

impl MtuSearch {
    pub(super) fn new() -> Self {
        todo!("helper A")
    }

    /// The largest datagram known to pass.
    pub(super) fn current(&self) -> usize {
        todo!("helper A")
    }

    /// The size of a probe to send now, if one is due: one at a time, each size three times, a new search 10 minutes after one that found
    /// less than the most, 60 s after a black hole.
    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<usize> {
        let _ = now;
        todo!("helper A")
    }

    /// The probe arrived. Says whether `current` changed.
    pub(super) fn probe_acknowledged(&mut self, size: usize, now: Instant) -> bool {
        let _ = (size, now);
        todo!("helper A")
    }

    pub(super) fn probe_lost(&mut self, now: Instant) {
        let _ = now;
        todo!("helper A")
    }

    /// The system refused to send a datagram of this size. Says whether `current` changed.
    pub(super) fn refused(&mut self, size: usize, now: Instant) -> bool {
        let _ = (size, now);
        todo!("helper A")
    }

    /// Several timeouts in a row: the path may have changed and carry only the least. Says whether `current` changed.
    pub(super) fn black_hole(&mut self, now: Instant) -> bool {
        let _ = now;
        todo!("helper A")
    }
}
