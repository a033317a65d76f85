//! See `core`.

pub use core::*;
