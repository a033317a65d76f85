//! Streams as values: a channel whose ends may be sent to other machines.
mod pair;
mod streaming;
pub mod watch;

pub(crate) use pair::feed;
pub use pair::{Receiver, Sender, channel};
pub use streaming::Streaming;
