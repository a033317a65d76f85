//! How bytes travel: delay, loss, bandwidth, drawn from one seeded source.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use super::connection::Ends;

/// What TCP waits before it sends a lost segment again, at first.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(200);

/// How often in a row one segment is lost at most, so that it arrives even where everything is lost.
const LOSSES_AT_MOST: u32 = 6;

pub(super) struct Conditions {
    pub(super) random: fastrand::Rng,
    /// Milliseconds.
    pub(super) delay: Range<u64>,
    /// Bytes per second.
    pub(super) bandwidth: Option<u64>,
    /// The probability that one transmission of a segment is lost.
    pub(super) loss: f64,
    /// Bytes that one direction of a connection holds.
    pub(super) buffer: usize,
    /// Bytes per second; `u64::MAX` is no limit.
    pub(super) read_rate: Ends<u64>,
    pub(super) partitioned_since: Option<Instant>,
}

impl Conditions {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            delay: 0..0,
            bandwidth: None,
            loss: 0.0,
            buffer: 256 * 1024,
            read_rate: Ends {
                client: u64::MAX,
                server: u64::MAX,
            },
            partitioned_since: None,
        }
    }

    /// How long the next segment is under way, retransmissions included.
    pub(super) fn travel(&mut self) -> Duration {
        let delay = if self.delay.is_empty() {
            self.delay.start
        } else {
            self.random.u64(self.delay.clone())
        };
        let mut travel = Duration::from_millis(delay);
        let mut retransmission = FIRST_RETRANSMISSION;
        for _ in 0..LOSSES_AT_MOST {
            if self.random.f64() >= self.loss {
                break;
            }
            travel += retransmission;
            retransmission *= 2;
        }
        travel
    }

    /// How long `bytes` occupy the link.
    pub(super) fn transmission(&self, bytes: usize) -> Duration {
        self.bandwidth.map_or(Duration::ZERO, |rate| time_at_rate(bytes, rate))
    }
}

/// How long `bytes` take at `rate` bytes per second, which is not 0.
pub(super) fn time_at_rate(bytes: usize, rate: u64) -> Duration {
    let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(rate);
    Duration::from_nanos(nanoseconds.try_into().unwrap_or(u64::MAX))
}
