//! Seeds of a test, tried on all cores.

use std::{
    env,
    error::Error as StdError,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const SEEDS: u64 = 100;

/// 100 seeds, or as many as `FARCALL_SIM_SEEDS` says; `FARCALL_SIM_SEED` says which one.
pub fn wanted() -> Result<Range<u64>, Box<dyn StdError>> {
    Ok(match number("FARCALL_SIM_SEED")? {
        Some(seed) => seed..seed + 1,
        None => 0..number("FARCALL_SIM_SEEDS")?.unwrap_or(SEEDS),
    })
}

fn number(variable: &str) -> Result<Option<u64>, Box<dyn StdError>> {
    Ok(env::var(variable).ok().map(|number| number.parse()).transpose()?)
}

/// Tries the seeds in any order; a seed that fails ends the test and is named.
pub fn each<R: Send>(
    seeds: Range<u64>,
    attempt: impl Fn(u64) -> Result<R, Box<dyn StdError>> + Sync,
) -> Result<Vec<R>, String> {
    let (next, results) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end) {
            let result = attempt(seed).map_err(|error| format!("seed {seed}: {error}"));
            if result.is_err() {
                next.store(seeds.end, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().collect()
}
