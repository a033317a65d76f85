//! One value that changes, and whoever wants to know its latest state.
//!
//! A [`Receiver`] may be sent away, as an argument, in a result or as an item: the value travels in the message itself,
//! and every later one follows over the connection. Only the latest counts: a receiver that does not look for a while
//! skips what came in between, and nothing is kept for it but one value on either side.
//!
//! ```
//! use farcall::channel::watch;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//! let (sender, mut receiver) = watch::channel(0_u32);
//! sender.send(1);
//! sender.send(2);
//! receiver.changed().await?;
//! assert_eq!(*receiver.latest(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! A value is plain data. With a stream, a channel or a client inside it cannot follow over a connection: a receiver of
//! such a value cannot be serialised, so the call that it goes with fails, and a change to one ends the values of
//! receivers elsewhere with an error.

mod receiver;
mod sender;
mod shared;
mod source;
mod subscriptions;
mod value;

use std::sync::Arc;

pub use receiver::Receiver;
pub use sender::Sender;
use shared::SharedValue;

/// A channel that holds `initial`, which counts as seen.
pub fn channel<T>(initial: T) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(SharedValue::new(initial, None));
    (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
}
