//! What the tests of calls share: one body over every transport, handlers that wait to be let go, layers made of a
//! closure.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test takes what it needs")]

mod gate;
#[macro_use]
mod transports;
mod wrap;

pub(crate) use gate::{Gate, Watched};
pub(crate) use transports::{Site, Transport};
pub(crate) use wrap::wrap;

use farcall::{Code, Error, Outcome};

/// How a test ends.
pub(crate) type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Fails unless `result` is an error with this code and outcome whose text, as a person would see it, has all the
/// `parts`.
#[track_caller]
pub(crate) fn assert_fails<T: std::fmt::Debug>(result: Result<T, Error>, code: Code, outcome: Outcome, parts: &[&str]) {
    let error = result.expect_err("the call should have failed");
    assert_eq!((error.code(), error.outcome()), (code, outcome), "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{text}` does not say `{part}`");
    }
}

/// Lets other tasks run until `reached`: for states that nothing announces.
pub(crate) async fn until(reached: impl Fn() -> bool) {
    while !reached() {
        tokio::task::yield_now().await;
    }
}
