//! Streams as values: a channel whose ends may be sent to other machines.
mod coding;
mod feed;
mod pair;
mod pipe;
mod streaming;
mod value;
pub mod watch;

pub(crate) use feed::feed;
pub use pair::{Receiver, Sender, channel};
pub use streaming::Streaming;
