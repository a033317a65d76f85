//! A stream whose type has a name.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

/// A stream whose type has a name, for places where `impl Stream` is not allowed: a method's result that is chosen
/// among several streams, a field, a method called through `dyn`.
///
/// In the signature of a service it means the same as `impl Stream<Item = I>`, so items may be plain values or
/// `Result<T, E>`. It cannot be serialised: inside another type, such as a tuple or a field of an argument, use a
/// [`channel::Receiver`](crate::channel::Receiver).
///
/// ```
/// use farcall::{Streaming, channel::channel};
///
/// /// The receiver of a channel is a stream, too.
/// fn countdown(from: u32) -> Streaming<farcall::Result<u32>> {
///     let (sender, receiver) = channel();
///     tokio::spawn(async move {
///         for number in (0..from).rev() {
///             sender.send(number).await?;
///         }
///         sender.finish();
///         Ok::<(), farcall::Error>(())
///     });
///     Streaming::new(receiver)
/// }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Streaming<I>(Pin<Box<dyn Stream<Item = I> + Send>>);

impl<I> Streaming<I> {
    /// Any stream.
    pub fn new(stream: impl Stream<Item = I> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

impl<I> Stream for Streaming<I> {
    type Item = I;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I>> {
        self.0.as_mut().poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<I> fmt::Debug for Streaming<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").finish_non_exhaustive()
    }
}
