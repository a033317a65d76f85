//! The receiving end of a stream on a connection.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;

use super::{
    Link,
    link::{wait, wake},
};
use crate::{
    Error,
    carry::{Carried, Wire},
    proto::{Received, StreamId},
};

/// The end of a stream that receives. Dropped, the sender is told.
pub(crate) struct Inlet {
    link: Arc<Link>,
    stream: StreamId,
    /// The number may be another stream's already. Touched only under the connection's lock.
    ended: AtomicBool,
    /// The number of the latest batch; under the lock as well.
    batches: AtomicU64,
}

/// Whole items, each behind its length (see [`proto::Batch`](crate::proto::Batch)), and what those that carry something carry.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Counts the batches of a stream, from 1.
    pub(crate) number: u64,
    pub(crate) items: Bytes,
    pub(crate) carried: VecDeque<Vec<Carried>>,
}

impl Inlet {
    /// To be made under the lock that counts it.
    pub(super) fn new(link: Arc<Link>, stream: StreamId) -> Self {
        Self {
            link,
            stream,
            ended: AtomicBool::new(false),
            batches: AtomicU64::new(0),
        }
    }

    /// How items are written.
    pub(crate) fn wire(&self) -> Wire {
        self.link.wire()
    }

    /// Waits for items, for one task at a time; those of the batch before are used up then, and the sender may send as many more.
    /// `None` when the sender has finished. Cancel safe. When the connection is gone, what came before is given first.
    pub(crate) fn poll_batch(&self, cx: &Context<'_>) -> Poll<Option<Result<Batch, Error>>> {
        self.receive(Some(cx))
    }

    /// The items that are there; whoever waits for more goes on waiting.
    pub(crate) fn try_batch(&self) -> Poll<Option<Result<Batch, Error>>> {
        self.receive(None)
    }

    fn receive(&self, cx: Option<&Context<'_>>) -> Poll<Option<Result<Batch, Error>>> {
        let mut state = self.link.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        let mut waited = None;
        let mut ended = false;
        let received = match state.connection.receive(self.stream) {
            Received::Items(batch) => {
                let attachments = batch.attachments.into_iter();
                Poll::Ready(Some(Ok(Batch {
                    number: self.batches.fetch_add(1, Ordering::Relaxed) + 1,
                    items: batch.items,
                    carried: attachments.map(|list| state.carried(&self.link, list)).collect(),
                })))
            }
            Received::Nothing => match state.end_reason().cloned() {
                Some(end) => {
                    ended = true;
                    Poll::Ready(Some(Err(end)))
                }
                None => {
                    waited = cx.and_then(|cx| wait(&mut state.streams.slot(self.stream).ready, cx.waker()));
                    Poll::Pending
                }
            },
            Received::Finished => {
                ended = true;
                Poll::Ready(None)
            }
            Received::Failed(error) => {
                ended = true;
                Poll::Ready(Some(Err(error)))
            }
        };
        let driver = if ended {
            self.ended.store(true, Ordering::Relaxed);
            waited = state.streams.slot(self.stream).ready.take();
            if !state.is_over() {
                // The other side hears that its last word has reached the user.
                state.connection.stop_stream(self.stream, None);
            }
            state.let_go()
        } else {
            state.wake_for_output(false)
        };
        drop(state);
        wake(driver);
        drop(waited);
        received
    }

    /// Takes nothing any more and tells the sender why.
    pub(crate) fn stop(self, why: &Error) {
        self.close(Some(why));
    }

    /// Takes nothing any more, and may tell the sender why.
    pub(crate) fn close(&self, why: Option<&Error>) {
        let mut state = self.link.lock();
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let waited = state.streams.slot(self.stream).clear();
        if !state.is_over() {
            state.connection.stop_stream(self.stream, why);
        }
        let driver = state.let_go();
        drop(state);
        wake(driver);
        drop(waited);
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.close(None);
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inlet").field(&self.stream).finish()
    }
}
