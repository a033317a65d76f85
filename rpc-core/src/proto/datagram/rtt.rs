//! How long a datagram and its acknowledgement take, estimated as in RFC 6298 and RFC 9002.

use std::time::Duration;

/// Assumed before the first sample. RFC 9002 takes 333 ms for an unknown path. With less, a lost first packet delays a
/// call less, and a longer path costs one needless probe.
const UNKNOWN: Duration = Duration::from_millis(100);
/// Timers are no finer.
const GRANULARITY: Duration = Duration::from_millis(1);

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
        let latest = first.unwrap_or(UNKNOWN);
        Self {
            smoothed: first,
            variance: latest / 2,
            least: latest,
            latest,
        }
    }

    /// A new sample; `delay` is how long the peer says that it held the acknowledgement back (never trusted below the
    /// least sample).
    pub(super) fn sample(&mut self, latest: Duration, delay: Duration) {
        let Some(smoothed) = self.smoothed else {
            *self = Self::new(Some(latest));
            return;
        };
        self.latest = latest;
        self.least = self.least.min(latest);
        let adjusted = latest
            .checked_sub(delay)
            .filter(|&rest| rest >= self.least)
            .unwrap_or(latest);
        self.variance = (3 * self.variance + smoothed.abs_diff(adjusted)) / 4;
        self.smoothed = Some((7 * smoothed + adjusted) / 8);
    }

    pub(super) fn smoothed(&self) -> Duration {
        self.smoothed.unwrap_or(UNKNOWN)
    }

    pub(super) fn latest(&self) -> Duration {
        self.latest
    }

    /// How long to wait for an acknowledgement before probing, without the peer's delay: smoothed + max(4 variance, 1
    /// ms).
    pub(super) fn probe_timeout(&self) -> Duration {
        self.smoothed() + (4 * self.variance).max(GRANULARITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn an_unknown_path_is_given_300_ms() {
        let rtt = Rtt::new(None);
        assert_eq!(
            (rtt.smoothed(), rtt.latest(), rtt.probe_timeout()),
            (ms(100), ms(100), ms(300))
        );
    }

    #[test]
    fn the_first_sample_replaces_the_assumption() {
        let mut rtt = Rtt::new(None);
        rtt.sample(ms(10), ms(9));
        assert_eq!((rtt.smoothed(), rtt.probe_timeout()), (ms(10), ms(30)));
        let opened = Rtt::new(Some(ms(10)));
        assert_eq!((opened.smoothed(), opened.probe_timeout()), (ms(10), ms(30)));
    }

    #[test]
    fn an_eighth_and_a_quarter_of_each_sample_count() {
        let mut rtt = Rtt::new(Some(ms(80)));
        rtt.sample(ms(160), Duration::ZERO);
        assert_eq!((rtt.smoothed(), rtt.latest()), (ms(90), ms(160)));
        assert_eq!(rtt.probe_timeout(), ms(90 + 4 * 50));
    }

    #[test]
    fn an_even_path_is_probed_a_moment_after_its_round_trip() {
        let mut rtt = Rtt::new(Some(ms(20)));
        for _ in 0..100 {
            rtt.sample(ms(20), Duration::ZERO);
        }
        assert_eq!(rtt.probe_timeout(), ms(21));
    }

    #[test]
    fn a_peer_cannot_claim_a_delay_that_makes_the_path_shorter_than_it_is() {
        let mut honest = Rtt::new(Some(ms(40)));
        honest.sample(ms(60), ms(20));
        assert_eq!(honest.smoothed(), ms(40));
        for claimed in [ms(21), ms(59), ms(61), Duration::MAX] {
            let mut rtt = Rtt::new(Some(ms(40)));
            rtt.sample(ms(60), claimed);
            assert_eq!(rtt.smoothed(), (7 * ms(40) + ms(60)) / 8, "{claimed:?}");
        }
    }
}
