//! How long to wait between attempts to connect.

use std::time::{Duration, Instant};

/// Waits that double from 50 ms to 1 s, each with ±25 % of chance so that the clients of a restarted server do not all come
/// at once. The most is short because the first call after a restart waits for it.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    next: Option<Instant>,
}

const FIRST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(1);

impl Backoff {
    /// When the next attempt may begin; `None` for now.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    pub(super) fn failed(&mut self, now: Instant) {
        let wait = FIRST.saturating_mul(1 << self.failures.min(10)).min(MOST);
        let chance = 0.75 + 0.5 * fastrand::f64();
        self.failures = self.failures.saturating_add(1);
        self.next = now.checked_add(wait.mul_f64(chance));
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_second_and_start_over() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        for milliseconds in [50, 100, 200, 400, 800, 1000, 1000] {
            backoff.failed(now);
            let wait = backoff.next().expect("a failure sets it") - now;
            let middle = Duration::from_millis(milliseconds);
            assert!(
                wait >= middle.mul_f64(0.74) && wait <= middle.mul_f64(1.26),
                "{wait:?} around {middle:?}"
            );
        }
        backoff.succeeded();
        assert_eq!(backoff.next(), None);
    }
}
