//! How many calls a peer may make in a second, and how many bytes they may have.

use std::time::{Duration, Instant};

use crate::Limits;

/// What a peer may use up at once, if it has used nothing before: what it gets in this time.
const BURST: Duration = Duration::from_secs(1);

/// How much of each a peer may have in a second; `None` for any number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    calls: Option<u64>,
    bytes: Option<u64>,
}

/// What a peer has used up of its rates: until when, at each rate, it has used up all that came. It is that time and
/// nothing else (a "virtual scheduling" of the generic cell rate algorithm), so it takes no timer and no refilling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meters {
    calls: Option<Instant>,
    bytes: Option<Instant>,
}

/// A peer has used up all of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooFast {
    /// What has a rate, in words.
    pub(crate) what: &'static str,
    pub(crate) rate: u64,
    /// The name of the limit.
    pub(crate) limit: &'static str,
    /// When there is enough again.
    pub(crate) wait: Duration,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let limited = |rate: usize| (rate != usize::MAX).then_some(rate.max(1) as u64);
        Self {
            calls: limited(limits.max_call_rate),
            bytes: limited(limits.max_byte_rate),
        }
    }

    #[inline]
    pub(super) fn are_unlimited(&self) -> bool {
        self.calls.is_none() && self.bytes.is_none()
    }
}

impl Meters {
    /// Counts a call, or nothing of it.
    pub(super) fn count_call(&mut self, rates: &Rates, bytes: usize, now: Instant) -> Result<(), TooFast> {
        let after_call = used(self.calls, rates.calls, 1, now).map_err(|(rate, wait)| TooFast {
            what: "calls",
            rate,
            limit: "max_call_rate",
            wait,
        })?;
        let after_bytes = used(self.bytes, rates.bytes, bytes as u64, now).map_err(|(rate, wait)| TooFast {
            what: "bytes of calls",
            rate,
            limit: "max_byte_rate",
            wait,
        })?;
        *self = Self {
            calls: after_call,
            bytes: after_bytes,
        };
        Ok(())
    }

    /// Whether nothing is used up any more.
    pub(super) fn are_full(&self, now: Instant) -> bool {
        [self.calls, self.bytes].into_iter().flatten().all(|used| used <= now)
    }
}

/// Until when all is used up once `amount` more is. What is longer than a second's worth may pass when nothing is used
/// up before it.
///
/// # Errors
/// The rate, and how long to wait until there is enough.
fn used(
    used: Option<Instant>,
    rate: Option<u64>,
    amount: u64,
    now: Instant,
) -> Result<Option<Instant>, (u64, Duration)> {
    let Some(rate) = rate else { return Ok(None) };
    let cost = Duration::from_nanos(amount.saturating_mul(1_000_000_000) / rate);
    let begin = used.filter(|&used| used > now).unwrap_or(now);
    let ahead = begin - now;
    if begin > now && ahead + cost > BURST {
        return Err((rate, (ahead + cost).saturating_sub(BURST).min(ahead)));
    }
    Ok(begin.checked_add(cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(calls: usize, bytes: usize) -> Rates {
        Rates::new(&Limits::default().max_call_rate(calls).max_byte_rate(bytes))
    }

    /// How many calls of so many bytes pass now.
    fn passes(meters: &mut Meters, rates: &Rates, bytes: usize, now: Instant) -> usize {
        (0..1000)
            .take_while(|_| meters.count_call(rates, bytes, now).is_ok())
            .count()
    }

    #[test]
    fn a_second_of_calls_passes_at_once_and_then_as_they_come() {
        let (rates, mut meters, begin) = (rates(10, usize::MAX), Meters::default(), Instant::now());
        assert_eq!(passes(&mut meters, &rates, 1, begin), 10);
        let refused = meters.count_call(&rates, 1, begin).expect_err("all is used up");
        assert_eq!(
            (refused.rate, refused.wait, refused.limit),
            (10, Duration::from_millis(100), "max_call_rate")
        );
        for tenth in 1..30 {
            assert_eq!(
                passes(&mut meters, &rates, 1, begin + Duration::from_millis(100 * tenth)),
                1
            );
        }
        // Rest is not saved up for longer than a second.
        assert_eq!(passes(&mut meters, &rates, 1, begin + Duration::from_secs(1000)), 10);
    }

    #[test]
    fn bytes_count_and_a_long_call_is_paid_off() {
        let (rates, mut meters, begin) = (rates(usize::MAX, 1000), Meters::default(), Instant::now());
        assert_eq!(passes(&mut meters, &rates, 100, begin), 10);
        let later = begin + Duration::from_secs(10);
        assert_eq!(passes(&mut meters, &rates, 5000, later), 1);
        assert_eq!(passes(&mut meters, &rates, 1, later + Duration::from_millis(3900)), 0);
        assert_eq!(passes(&mut meters, &rates, 100, later + Duration::from_millis(4100)), 1);
    }

    #[test]
    fn a_call_that_is_refused_for_its_bytes_does_not_count_as_a_call() {
        let (rates, mut meters, begin) = (rates(2, 10), Meters::default(), Instant::now());
        assert_eq!(passes(&mut meters, &rates, 10, begin), 1);
        assert_eq!(passes(&mut meters, &rates, 10, begin), 0);
        assert!(meters.count_call(&rates, 0, begin).is_ok(), "one call is left");
    }
}
