//! What must go on for the streams of a call.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use tokio::runtime::Handle;

use super::{feeds::Feeds, timers::Idle};
use crate::{Error, dispatch::Seated};

/// What must go on for the streams of a call. It is in a box of its own, which a call without streams does not have.
#[derive(Default)]
pub(crate) struct Upkeep {
    /// The streams among the arguments, as far as they have not ended.
    pub(super) feeds: Feeds,
    /// The handler, where it lives in this process and sends the items of the result.
    pub(super) rest: Option<Seated<dyn Future<Output = ()> + Send>>,
    /// Until when the items of the result must have come. Known when the call is sent; a layer may move it.
    pub(super) deadline: Option<Instant>,
    /// What watches over the wait for the answer, and then for the items, where the answer opens the result.
    pub(super) idle: Option<Idle>,
    /// Where the deadline's timer runs when the result is received outside any runtime.
    pub(super) runtime: Option<Handle>,
}

impl Upkeep {
    /// Sends what can be sent. It is asked before each item, and most have nothing to send.
    #[inline]
    pub(super) fn work(&mut self, cx: &mut Context<'_>) {
        self.feeds.poll(cx);
        if let Some(rest) = &mut self.rest
            && rest.poll(cx).is_ready()
        {
            self.rest = None;
        }
    }

    /// Sends what can be sent before there is an answer, and waits until that is late.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.feeds.poll(cx);
        match &mut self.idle {
            Some(idle) => idle.poll_opening(cx),
            None => Poll::Pending,
        }
    }
}
