//! Whole worlds of hosts on a clock of their own: everything below the transport, under all that a network does.
//!
//! `FARCALL_SIM_SEEDS=10000` runs as many seeds instead of 100; `FARCALL_SIM_SEED=7` runs one and tells everything that
//! it sends.

mod conditions;
mod hosts;
mod ledger;
mod link;
mod network;
mod over;
mod run;
mod streams;
mod users;

use std::time::Instant;

use conditions::SimConditions;
use run::{Report, Watch, run, run_under};

use crate::harness::seeds::{self, number};

const SEEDS: u64 = 100;

fn wanted() -> u64 {
    number("FARCALL_SIM_SEEDS").unwrap_or(SEEDS)
}

/// What went wrong, if anything did.
fn attempt(seed: u64, watch: Watch) -> Result<Report, String> {
    std::panic::catch_unwind(|| run(seed, watch))
        .map_err(|cause| format!("FARCALL_SIM_SEED={seed}: {}", seeds::text(&*cause)))
}

#[test]
#[expect(clippy::print_stderr, reason = "what was asked for")]
fn every_call_ends_and_runs_at_most_once() {
    if let Some(seed) = number("FARCALL_SIM_SEED") {
        let watch = Watch {
            story: true,
            calm: std::env::var_os("FARCALL_SIM_CALM").is_some(),
            ..Watch::default()
        };
        eprintln!("{:#?}", attempt(seed, watch));
        return;
    }
    seeds::each(wanted(), |seed| {
        attempt(seed, Watch::default()).unwrap_or_else(|failure| panic!("{failure}"));
    });
}

#[test]
fn a_seed_is_the_same_world_every_time() {
    seeds::each(wanted() / 5, |seed| {
        assert_eq!(attempt(seed, Watch::default()), attempt(seed, Watch::default()));
    });
}

/// The simulator would notice.
#[test]
fn a_session_that_delivers_duplicates_is_found() {
    let mutant = Watch {
        mutant: true,
        ..Watch::default()
    };
    let found = (0..20).filter(|&seed| attempt(seed, mutant).is_err()).count();
    assert!(found >= 5, "{found} of 20 worlds showed it");
}

#[test]
fn a_calm_network_carries_little_more_than_the_calls() {
    let calm = Watch {
        calm: true,
        ..Watch::default()
    };
    for seed in 0..60 {
        let report = attempt(seed, calm).expect("a world without failure");
        // Headers, acknowledgements, and what asks for the way and for its largest datagram.
        let most = report.planned as u64 * 21 / 20 + 60 * report.sent.datagrams + 50_000 * report.sessions as u64;
        assert!(
            report.sent.bytes <= most && report.lost == 0,
            "seed {seed}: {report:?}, the most is {most}"
        );
    }
}

#[test]
fn a_peer_whose_datagrams_come_is_not_silent_however_rarely_a_piece_is_whole() {
    for seed in 0..20 {
        let conditions = SimConditions::slow(Instant::now(), seed);
        let report = run_under(&conditions, seed, Watch::default());
        assert_eq!((report.answered, report.lost), (1, 0), "seed {seed}: {report:?}");
    }
}
