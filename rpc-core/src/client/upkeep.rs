//! What must go on for the streams of a call.

use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::feeds::Feeds;
use crate::service::Rest;

/// What must go on for the streams of a call. It is in a box of its own, which a call without streams does not have.
#[derive(Default)]
pub(crate) struct Upkeep {
    /// The streams among the arguments, as far as they have not ended.
    pub(super) feeds: Feeds,
    /// The handler, where it lives in this process and sends the items of the result.
    pub(super) rest: Option<Rest>,
    /// Until when the items of the result must have come. Known when the call is sent; a layer may move it.
    pub(super) deadline: Option<Instant>,
    /// The longest time between two of them.
    pub(super) item_timeout: Option<Duration>,
    /// Where timers run when the result is received outside any runtime.
    pub(super) runtime: Option<Handle>,
}

impl Upkeep {
    /// Sends what can be sent.
    pub(super) fn work(&mut self, cx: &mut Context<'_>) {
        self.feeds.poll(cx);
        if let Some(rest) = &mut self.rest
            && matches!(rest.as_mut().poll(cx), Poll::Ready(()))
        {
            self.rest = None;
        }
    }
}
