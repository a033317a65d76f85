//! A stream with a name.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

/// A stream with a name.
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
