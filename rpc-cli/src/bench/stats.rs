//! What is counted while the load runs.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use farcall::{Code, Error};
use hdrhistogram::Histogram;

/// Latencies in nanoseconds, and failures by code.
#[derive(Debug)]
pub(super) struct Stats {
    pub(super) latencies: Histogram<u64>,
    pub(super) errors: BTreeMap<Code, Failures>,
}

/// How many calls failed with one code, and what one of them said.
#[derive(Debug)]
pub(super) struct Failures {
    pub(super) count: u64,
    pub(super) example: String,
}

/// What all tasks count together.
#[derive(Debug, Default)]
pub(super) struct Shared {
    answered: AtomicU64,
    failed: AtomicU64,
    stats: Mutex<Stats>,
}

impl Default for Stats {
    fn default() -> Self {
        // Three digits; it grows with the longest latency. There is no error for so few digits.
        let latencies = Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are allowed"));
        Self {
            latencies,
            errors: BTreeMap::new(),
        }
    }
}

impl Stats {
    fn note(&mut self, took: Duration, answer: &Result<(), Error>) {
        match answer {
            Ok(()) => self.latencies += u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1),
            Err(error) => {
                let failures = self.errors.entry(error.code()).or_insert_with(|| Failures {
                    count: 0,
                    example: error.to_string(),
                });
                failures.count += 1;
            }
        }
    }

    pub(super) fn answered(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn failed(&self) -> u64 {
        self.errors.values().map(|failures| failures.count).sum()
    }
}

impl Shared {
    pub(super) fn note(&self, took: Duration, answer: &Result<(), Error>) {
        let counter = if answer.is_ok() { &self.answered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        self.stats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(took, answer);
    }

    /// Answers and failures so far.
    pub(super) fn counted(&self) -> (u64, u64) {
        (
            self.answered.load(Ordering::Relaxed),
            self.failed.load(Ordering::Relaxed),
        )
    }

    pub(super) fn taken(&self) -> Stats {
        std::mem::take(&mut *self.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
