//! The future of a call.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{decode::Answer, raw::RawCall};
use crate::{Error, trace::Trace};

/// A call on its way: a future of what the method returns.
///
/// The arguments are encoded already, so it borrows neither them nor the client, and may be spawned. Nothing is sent
/// until it is first polled; the deadline counts from then. Dropping it cancels the call: the handler stops at its next
/// await. Streams among the arguments are sent while it is polled.
///
/// ```no_run
/// # #[farcall::service] pub trait Inventory { async fn stock(&self, sku: &str) -> farcall::Result<u32>; }
/// # async fn example(inventory: InventoryClient) -> farcall::Result<()> {
/// let apples = tokio::spawn(inventory.stock("apple"));
/// let pears = inventory.stock("pear").await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<R> {
    raw: RawCall,
    trace: Trace,
    decode: fn(Result<Answer, Error>) -> R,
}

impl<R> Call<R> {
    pub(super) fn new(raw: RawCall, trace: Trace, decode: fn(Result<Answer, Error>) -> R) -> Self {
        Self { raw, trace, decode }
    }
}

impl<R> Future for Call<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let Self { raw, trace, .. } = &mut *self;
        let answered = ready!(trace.in_scope(|| raw.poll_answered(cx)));
        trace.finished(answered.as_ref().err());
        let answer = answered.map(|reply| raw.take_answer(reply));
        Poll::Ready((self.decode)(answer))
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.raw.method().path)
            .finish_non_exhaustive()
    }
}
