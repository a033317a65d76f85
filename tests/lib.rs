//! Behaviour of farcall seen from outside, one file per promise.

#[path = "macro_shapes/lints.rs"]
pub mod lints;

/// The code in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
