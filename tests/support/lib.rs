//! What the tests share: services and peers, one body over every transport, bad networks, other processes.
//!
//! The README is tested here as well: its code compiles and runs.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::new_without_default,
    reason = "for tests, which read the sources"
)]

pub mod datagrams;
pub mod feed;
mod gate;
pub mod history;
pub mod ledger;
#[path = "../macro_shapes/lints.rs"]
pub mod lints;
pub mod probe;
pub mod process;
pub mod raw;
pub mod relay;
pub mod seeds;
mod transports;
pub mod tree;
mod wrap;

pub use gate::{Gate, Watched};
#[cfg(feature = "tls")]
pub use transports::certificates;
pub use transports::{Site, Transport};
pub use wrap::{Wrapped, wrap};

use std::{
    env, fmt,
    io::{self, Write},
};

use farcall::{Code, Error, Outcome};

/// How a test ends.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Fails unless `result` is an error with this code and outcome whose text, as a person would see it, has all the
/// `parts`.
#[track_caller]
pub fn assert_fails<T: fmt::Debug>(result: Result<T, Error>, code: Code, outcome: Outcome, parts: &[&str]) {
    let error = result.expect_err("the call should have failed");
    assert_eq!((error.code(), error.outcome()), (code, outcome), "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{text}` does not say `{part}`");
    }
}

/// Lets other tasks run until `reached`: for states that nothing announces.
pub async fn until(reached: impl Fn() -> bool) {
    while !reached() {
        tokio::task::yield_now().await;
    }
}

/// `quick` as a rule, and `full` when the long run is asked for.
pub fn scaled<T>(quick: T, full: T) -> T {
    if env::var_os("FARCALL_FULL").is_some() {
        full
    } else {
        quick
    }
}

/// Tells a figure past the test harness, which keeps what passing tests print to itself.
pub fn say(figure: fmt::Arguments<'_>) {
    // There may be no listener.
    let _ = writeln!(io::stderr().lock(), "{figure}");
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
