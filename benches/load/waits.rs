//! How long calls took.

use std::time::{Duration, Instant};

/// Seconds of each call, in no order. All are kept, so the quantiles are exact: 4 bytes for a call, written one behind
/// the other, cost less than a histogram.
#[derive(Debug, Default)]
pub(crate) struct Waits(Vec<f32>);

impl Waits {
    pub(crate) fn add(&mut self, wait: Duration) {
        self.0.push(wait.as_secs_f32());
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// `None` if there was no call.
    pub(crate) fn latency(mut self) -> Option<Latency> {
        self.0.sort_unstable_by(f32::total_cmp);
        let microseconds = |seconds: &f32| f64::from(*seconds) * 1e6;
        let longest = microseconds(self.0.last()?);
        // The least wait that so many of 1,000 calls did not exceed.
        let quantile = |per_mille: usize| microseconds(&self.0[(self.0.len() * per_mille).div_ceil(1000) - 1]);
        Some(Latency {
            p50: quantile(500),
            p99: quantile(990),
            p999: quantile(999),
            longest,
        })
    }
}

/// Times calls of which the next one starts when the last one ends, so that one look at the clock does for both.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    waits: Waits,
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            waits: Waits::default(),
            start: Instant::now(),
        }
    }

    pub(crate) fn lap(&mut self) {
        let end = Instant::now();
        self.waits.add(end - self.start);
        self.start = end;
    }

    /// So many calls have ended.
    pub(crate) fn laps(&self) -> u64 {
        self.waits.count()
    }

    pub(crate) fn into_waits(self) -> Waits {
        self.waits
    }
}

/// Microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) longest: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_waits_that_so_many_calls_did_not_exceed() {
        let mut waits = Waits::default();
        for microseconds in (1..=1000).rev() {
            waits.add(Duration::from_micros(microseconds));
        }
        let Latency {
            p50,
            p99,
            p999,
            longest,
        } = waits.latency().expect("there were calls");
        let figures = [p50, p99, p999, longest].map(|figure| format!("{figure:.0}"));
        assert_eq!(figures, ["500", "990", "999", "1000"]);
    }

    #[test]
    fn one_call_is_every_quantile_and_none_has_no_latency() {
        let mut waits = Waits::default();
        waits.add(Duration::from_secs(1));
        assert_eq!(waits.latency().map(|latency| latency.p50), Some(1e6));
        assert!(Waits::default().latency().is_none());
    }
}
