//! How long to wait between attempts to connect.

use std::time::{Duration, Instant};

use fastrand::Rng;

/// Waits that double from 50 ms to 1 s, each with ±25 % of jitter so that the clients of a restarted server do not all
/// come at once. The longest is short because the first call after a restart waits for it.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    next: Option<Instant>,
    chance: Rng,
}

const FIRST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(1);

/// A connection that ended sooner than this without a single answer counts as a failed attempt: a server that opens
/// connections only to close them is not dialed again and again without a pause.
const WORTHLESS: Duration = Duration::from_secs(1);

impl Backoff {
    /// The waits of a new channel; with a seed their jitter is the same each time.
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self {
            failures: 0,
            next: None,
            chance: seed.map_or_else(Rng::new, Rng::with_seed),
        }
    }

    /// When the next attempt may begin; `None` for now.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    pub(super) fn failed(&mut self, now: Instant) {
        let wait = FIRST.saturating_mul(1 << self.failures.min(10)).min(MOST);
        let chance = 0.75 + 0.5 * self.chance.f64();
        self.failures = self.failures.saturating_add(1);
        self.next = now.checked_add(wait.mul_f64(chance));
    }

    /// A connection that was opened at `since` is over.
    pub(super) fn ended(&mut self, since: Instant, answered: bool, now: Instant) {
        if answered || now.saturating_duration_since(since) >= WORTHLESS {
            self.failures = 0;
            self.next = None;
        } else {
            self.failed(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_second_and_start_over() {
        let now = Instant::now();
        let mut backoff = Backoff::new(None);
        for milliseconds in [50, 100, 200, 400, 800, 1000, 1000] {
            backoff.failed(now);
            let wait = backoff.next().expect("a failure sets it") - now;
            let middle = Duration::from_millis(milliseconds);
            assert!(
                wait >= middle.mul_f64(0.74) && wait <= middle.mul_f64(1.26),
                "{wait:?} around {middle:?}"
            );
        }
        backoff.ended(now, false, now);
        assert!(
            backoff.next().is_some_and(|next| next > now),
            "a connection that was worth nothing"
        );
        backoff.ended(now, true, now);
        assert_eq!(backoff.next(), None, "one that answered");
        backoff.failed(now);
        backoff.ended(now, false, now + WORTHLESS);
        assert_eq!(backoff.next(), None, "one that lasted");
    }
}
