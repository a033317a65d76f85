//! The streams among a call's arguments, which are sent while the call is polled.

use std::{fmt, pin::Pin, task::Context};

use crate::dispatch::Seated;

type ArgumentFeed = dyn Future<Output = ()> + Send;

/// Streams that are sent while the call, or the stream that it returned, is polled. They belong to the call and end
/// with it.
#[derive(Default)]
pub struct Feeds(pub(super) Vec<Seated<ArgumentFeed>>);

impl Feeds {
    pub(crate) fn push(&mut self, feed: impl Future<Output = ()> + Send + 'static) {
        self.0.push(Seated::from(Box::pin(feed) as Pin<Box<ArgumentFeed>>));
    }

    /// Sends what can be sent; the streams that have ended are gone then.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) {
        if !self.0.is_empty() {
            self.poll_each(cx);
        }
    }

    fn poll_each(&mut self, cx: &mut Context<'_>) {
        // One that cannot go on is dropped, and its receiver told so.
        self.0.retain_mut(|feed| feed.poll(cx).is_pending());
    }
}

impl fmt::Debug for Feeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Feeds").field(&self.0.len()).finish()
    }
}
