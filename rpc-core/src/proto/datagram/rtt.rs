//! How long a datagram and its acknowledgement take, estimated as in RFC 6298 and RFC 9002.

use std::time::Duration;

/// The estimate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rtt {
    smoothed: Option<Duration>,
    variance: Duration,
    least: Duration,
    latest: Duration,
}

impl Rtt {
    /// An estimate that knows nothing, or one sample from the opening. Without a sample `smoothed` is 100 ms.
    pub(super) fn new(first: Option<Duration>) -> Self {
        let _ = first;
        todo!("helper A")
    }

    /// A new sample; `delay` is how long the peer says that it held the acknowledgement back (never trusted below the least sample).
    pub(super) fn sample(&mut self, latest: Duration, delay: Duration) {
        let _ = (latest, delay);
        todo!("helper A")
    }

    pub(super) fn smoothed(&self) -> Duration {
        todo!("helper A")
    }

    pub(super) fn latest(&self) -> Duration {
        todo!("helper A")
    }

    /// How long to wait for an acknowledgement before probing, without the peer's delay: smoothed + max(4 variance, 1 ms).
    pub(super) fn probe_timeout(&self) -> Duration {
        todo!("helper A")
    }
}
