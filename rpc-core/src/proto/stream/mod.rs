//! Streams of items: each flows in one direction, as bytes that the receiver gives credit for.
//!
//! ```text
//!  sender                                   receiver
//!    │ ItemAttach, Items … (within its credit) ──▶ │
//!    │ ◀────────────────────────── Credit (more)   │
//!    │ End ──────────────────────────────────────▶ │
//!    │ ◀──────────────────────────────────── Stop  │
//! ```
//! Each side says exactly one last word: the sender *End*, the receiver *Stop*, in either order. A side says it when
//! its user lets go, so the number of a stream is free as soon as both words have passed: neither side uses it any
//! more.

mod budget;
mod queue;
mod receiver;
mod sender;
mod table;
mod turn;
mod walk;

pub(crate) use receiver::ItemBatch;
pub(super) use receiver::ReceiveHalf;
pub(super) use sender::SendHalf;
pub(super) use table::{Readiness, StreamHalf, StreamState, StreamTable};
