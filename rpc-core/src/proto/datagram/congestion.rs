//! NewReno: how many bytes may be in flight.

use std::time::Instant;

/// The congestion window. Slow start to the first loss, then one datagram more per round trip; halved at most once per round
/// trip; never below 4 datagrams... (helper A: say why each number)
#[derive(Clone, Debug)]
pub(super) struct Congestion {}

impl Congestion {
    pub(super) fn new(datagram: usize) -> Self {
        let _ = datagram;
        todo!("helper A")
    }

    /// Bytes that may be in flight.
    pub(super) fn window(&self) -> usize {
        todo!("helper A")
    }

    /// The path carries datagrams of another size now.
    pub(super) fn set_datagram(&mut self, datagram: usize) {
        let _ = datagram;
        todo!("helper A")
    }

    /// `bytes` sent at `sent` are acknowledged; `limited` when the window was what held the sender back (else it does not grow).
    pub(super) fn acknowledged(&mut self, bytes: usize, sent: Instant, limited: bool) {
        let _ = (bytes, sent, limited);
        todo!("helper A")
    }

    /// A datagram sent at `sent` was lost. One reduction per round trip: losses of what was sent before the last reduction are the same event.
    pub(super) fn lost(&mut self, sent: Instant, now: Instant) {
        let _ = (sent, now);
        todo!("helper A")
    }

    /// The last reduction was for a datagram that had not been lost: undo it.
    pub(super) fn spurious(&mut self) {
        todo!("helper A")
    }

    /// Nothing came back for several timeouts: begin anew at the least window.
    pub(super) fn collapsed(&mut self) {
        todo!("helper A")
    }
}
