//! Seeds of a test, tried on all cores.

use std::{
    any::Any,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::sync::Mutex;

/// The number that an environment variable gives.
pub(crate) fn number(variable: &str) -> Option<u64> {
    env::var(variable)
        .ok()
        .map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} needs a number")))
}

/// Tries the seeds below `count`, in any order, and names those at which `attempt` panics.
pub(crate) fn each(count: u64, attempt: impl Fn(u64) + Sync) {
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < count) {
            if let Err(cause) = catch_unwind(AssertUnwindSafe(|| attempt(seed))) {
                failures.lock().push((seed, text(&*cause)));
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut failures = std::mem::take(&mut *failures.lock());
    failures.sort_unstable();
    let lines: Vec<_> = failures
        .iter()
        .map(|(seed, text)| format!("seed {seed}: {text}"))
        .collect();
    assert!(lines.is_empty(), "{} seeds failed:\n{}", lines.len(), lines.join("\n"));
}

/// What a panic said.
pub(crate) fn text(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or(cause.downcast_ref::<&str>().copied())
        .unwrap_or("another panic")
        .to_owned()
}

#[test]
fn each_seed_is_tried_once_and_failures_are_named() {
    let tried = AtomicU64::new(0);
    each(64, |seed| {
        tried.fetch_or(1 << seed, Ordering::Relaxed);
    });
    assert_eq!(tried.into_inner(), u64::MAX);
    let failed = catch_unwind(|| each(5, |seed| assert!(seed != 3, "on purpose"))).expect_err("one fails");
    assert_eq!(text(&*failed), "1 seeds failed:\nseed 3: on purpose");
}
