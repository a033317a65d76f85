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
use thin_vec::ThinVec;

use super::{
    Link,
    link::{LinkGuard, wait},
};
use crate::{
    Error,
    driver::attachments::{IncomingAttachment, Wire},
    proto::{self, Received, StreamId},
};

/// The end of a stream that receives. If it is dropped, the sender is told.
pub(crate) struct RecvStream {
    link: Arc<Link>,
    stream: StreamId,
    /// The number may be another stream's already. Touched only under the connection's lock.
    ended: AtomicBool,
    /// The number of the latest batch; under the lock as well.
    batches: AtomicU64,
}

/// Whole items, as in a [`proto::ItemBatch`](crate::proto::ItemBatch), and what those that carry something carry.
#[derive(Debug, Default)]
pub(crate) struct ReceivedBatch {
    /// Counts the batches of a stream, from 1.
    pub(crate) number: u64,
    pub(crate) items: Bytes,
    pub(crate) carried: VecDeque<ThinVec<IncomingAttachment>>,
}

impl RecvStream {
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

    /// Waits for items, for one task at a time. Those of the batch before are used up then, and the sender may send as
    /// many bytes again. The items must be decoded at once: a long item is a batch by itself, and its room is free for
    /// others already. `None` when the sender has finished. Cancel safe. When the connection is gone, items that came
    /// before are given first.
    pub(crate) fn poll_batch(&self, cx: &Context<'_>) -> Poll<Option<Result<ReceivedBatch, Error>>> {
        self.receive(Some(cx))
    }

    /// The items that are there. A task that waits for more goes on waiting.
    pub(crate) fn try_batch(&self) -> Poll<Option<Result<ReceivedBatch, Error>>> {
        self.receive(None)
    }

    fn receive(&self, cx: Option<&Context<'_>>) -> Poll<Option<Result<ReceivedBatch, Error>>> {
        let mut state = self.link.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        let received = match cx {
            Some(_) => state.connection.receive(self.stream),
            None => state.connection.try_receive(self.stream),
        };
        let last = match received {
            Received::Items(batch) => return Poll::Ready(Some(Ok(self.take(state, batch)))),
            Received::Nothing => {
                let Some(end) = state.end_reason() else {
                    self.wait(state, cx);
                    return Poll::Pending;
                };
                Some(Err(end.clone()))
            }
            Received::Finished => None,
            Received::Failed(error) => Some(Err(error)),
        };
        // The other side is told that its last frame has reached the user.
        self.let_go(state, None);
        Poll::Ready(last)
    }

    fn take(&self, mut state: LinkGuard<'_>, batch: proto::ItemBatch) -> ReceivedBatch {
        let lists = batch.attachments.into_iter();
        let batch = ReceivedBatch {
            number: self.batches.fetch_add(1, Ordering::Relaxed) + 1,
            items: batch.items,
            carried: lists.map(|list| state.carried(list)).collect(),
        };
        state.wake_for_output();
        batch
    }

    fn wait(&self, mut state: LinkGuard<'_>, cx: Option<&Context<'_>>) {
        let earlier = cx.and_then(|cx| wait(&mut state.streams.waiter(self.stream).ready, cx.waker()));
        // What was used up may be worth credit.
        state.wake_for_output();
        drop(state);
        drop(earlier);
    }

    /// Stops receiving, and may tell the sender why.
    pub(crate) fn close(&self, why: Option<&Error>) {
        let state = self.link.lock();
        if !self.ended.load(Ordering::Relaxed) {
            self.let_go(state, why);
        }
    }

    fn let_go(&self, mut state: LinkGuard<'_>, why: Option<&Error>) {
        self.ended.store(true, Ordering::Relaxed);
        let waited = state.streams.waiter(self.stream).take();
        if !state.is_over() {
            state.connection.stop_stream(self.stream, why);
        }
        state.let_go();
        drop(state);
        drop(waited);
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        self.close(None);
    }
}

impl fmt::Debug for RecvStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvStream").field(&self.stream).finish()
    }
}
