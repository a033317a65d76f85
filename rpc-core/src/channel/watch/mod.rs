//! One value that changes, and receivers that want to know its latest state.
//!
//! A [`Receiver`] may be sent, as an argument, in a result or as an item: the current value travels in the message
//! itself, and later values follow over the connection. Only the latest counts: a receiver that does not look for a
//! while skips values, and only one value is kept for it on either side.
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
//! A value is plain data. A value with a stream, a channel or a client in it cannot be sent: a receiver of such a value
//! cannot be serialised, so the call that carries it fails. A change to such a value ends the receivers in other
//! processes with an error.

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
