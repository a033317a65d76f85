//! Streams as values: channels whose ends may be sent to other machines.
//!
//! For a method whose argument or result is itself a stream, write `impl Stream` in the signature. A channel is for
//! everything else: a stream in a field or a tuple, several streams in one value, streams of streams, a stream that
//! outlives the call that brought it. [`watch`] is for a value of which only the latest counts.
//!
//! # One stream
//! After [`channel()`] has made a channel, either end may be serialised into the arguments, the result or an item of a
//! call; the other end stays and is joined to the connection. An end has one owner, so it can be sent once. An end that
//! came over a connection cannot be sent on: make a channel of your own and pass the items on. Ends of channels can
//! only be serialised into messages of calls, and not, for example, into a file.
//!
//! ```
//! use farcall::channel::{Receiver, channel};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! pub struct Upload {
//!     name: String,
//!     lines: Receiver<String>,
//! }
//!
//! #[farcall::service]
//! pub trait Store {
//!     async fn put(&self, upload: Upload) -> farcall::Result<u32>;
//! }
//!
//! struct Counting;
//!
//! impl Store for Counting {
//!     async fn put(&self, mut upload: Upload) -> farcall::Result<u32> {
//!         let mut lines = 0;
//!         while let Some(line) = upload.lines.recv().await {
//!             line?;
//!             lines += 1;
//!         }
//!         Ok(lines)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//! let store = StoreClient::loopback(Counting);
//! let (sender, lines) = channel();
//! let name = "poem".to_owned();
//! let put = tokio::spawn(store.put(Upload { name, lines }));
//! for line in ["roses", "violets"] {
//!     sender.send(line.to_owned()).await?;
//! }
//! sender.finish();
//! assert_eq!(put.await.expect("the call runs")?, 2);
//! # Ok(())
//! # }
//! ```
//!
//! The call that carries an end has a deadline as any other call: the upload above takes at most the channel's 30 s,
//! unless the client sets another time ([`with_timeout`](crate::client::Client::with_timeout)). A stream that goes on
//! after the call has no deadline.
//!
//! # How streams end
//! | the sender | the receiver gets, after the items |
//! | --- | --- |
//! | [`finish`](Sender::finish) | `None` |
//! | [`fail`](Sender::fail) | that error |
//! | is dropped without either | [`Aborted`](crate::Code::Aborted); `Internal` when it panics |
//! | is cut off | [`Unavailable`](crate::Code::Unavailable) |
//!
//! In the other direction, a sender learns from its next [`send`](Sender::send), or from [`closed`](Sender::closed),
//! that the receiver was dropped or [closed](Receiver::close). A connection stays open as long as there is an end of
//! one of its streams.

mod coding;
mod feed;
mod pair;
mod pipe;
mod streaming;
#[cfg(test)]
mod tests;
mod value;
pub mod watch;

pub(crate) use feed::feed;
pub use pair::{Receiver, Sender, channel};
pub use streaming::Streaming;
