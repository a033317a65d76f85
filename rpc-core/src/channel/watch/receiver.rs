//! The end that reads the value.

use std::{fmt, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use tokio::sync::watch;

use super::{SharedValue, shared::ValueState};
use crate::Error;

/// Knows the latest value of the [`Sender`](super::Sender), in this process or in another one. Each clone remembers for
/// itself which value it has seen.
///
/// When a receiver is serialised into the arguments, the result or an item of a call, the other side gets a receiver of
/// its own; this one stays. A receiver that came over a connection cannot be sent on.
#[must_use = "a receiver does nothing until it is asked for the value"]
pub struct Receiver<T> {
    shared: Arc<SharedValue<T>>,
    changes: watch::Receiver<ValueState<T>>,
    /// The version of the value that was seen.
    seen: u64,
}

impl<T> Receiver<T> {
    /// A receiver that has seen the value as it is.
    pub(super) fn new(shared: Arc<SharedValue<T>>) -> Self {
        let changes = shared.values.subscribe();
        let seen = changes.borrow().version;
        Self { shared, changes, seen }
    }

    /// The latest value that has arrived here.
    pub fn latest(&self) -> Arc<T> {
        if let Some(source) = &self.shared.source {
            source.look(&self.shared);
        }
        Arc::clone(&self.changes.borrow().value)
    }

    /// Waits for a value that this receiver has not seen; it counts as seen then.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// There will be no other value: [`Aborted`](crate::Code::Aborted) when the sender was dropped,
    /// [`Unavailable`](crate::Code::Unavailable) when the connection was lost, [`DataLoss`](crate::Code::DataLoss) when
    /// a value cannot be decoded.
    pub async fn changed(&mut self) -> Result<(), Error> {
        let Self { shared, changes, seen } = self;
        loop {
            if let Some(news) = news(changes, seen) {
                return news;
            }
            let Some(source) = &shared.source else {
                // The other end is shared by this receiver, so it is there.
                let _ = changes.changed().await;
                continue;
            };
            // The first of both: another receiver may have taken in what came. Both may be dropped at any time.
            let (mut changed, mut pulled) = (pin!(changes.changed()), pin!(source.pull(shared)));
            poll_fn(|cx| match pulled.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => changed.as_mut().poll(cx).map(drop),
            })
            .await;
        }
    }

    pub(super) fn shared(&self) -> &Arc<SharedValue<T>> {
        &self.shared
    }

    /// The same, but it has seen the value of `version`.
    pub(super) fn having_seen(&self, version: u64) -> Self {
        Self {
            seen: version,
            ..self.clone()
        }
    }
}

/// What is new since `seen`: a value before the end.
fn news<T>(changes: &mut watch::Receiver<ValueState<T>>, seen: &mut u64) -> Option<Result<(), Error>> {
    let state = changes.borrow_and_update();
    if state.version != *seen {
        *seen = state.version;
        return Some(Ok(()));
    }
    state.end.clone().map(Err)
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            changes: self.changes.clone(),
            seen: self.seen,
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
