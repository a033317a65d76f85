//! What an operator hears of: events of `tracing`, with the target `farcall`.
//!
//! Without the feature `tracing` they are empty. No event has metadata, arguments or results in it: they may be secret.
//! What any peer can cause as often as it likes is at `DEBUG`, so that a stranger fills no log that was not asked for.

#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;
mod panic;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::*;
#[cfg(feature = "tracing")]
pub(crate) use on::*;
