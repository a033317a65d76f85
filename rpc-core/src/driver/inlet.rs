//! The receiving end of a stream on a connection.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{
    Link,
    link::{State, wait, wake},
};
use crate::{
    Error,
    driver::attachments::{Carried, Wire},
    proto::{self, Received, StreamId},
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

/// Whole items, as in a [`proto::ItemBatch`](crate::proto::ItemBatch), and what those that carry something carry.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Counts the batches of a stream, from 1.
    pub(crate) number: u64,
    pub(crate) items: Bytes,
    pub(crate) carried: VecDeque<ThinVec<Carried>>,
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

    /// Waits for items, for one task at a time; those of the batch before are used up then, and the sender may send as
    /// many more. They are to be decoded at once: a long item is one by itself, whose room others have now. `None` when
    /// the sender has finished. Cancel safe. When the connection is gone, what came before is given first.
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
        // The other side hears that its last word has reached the user.
        self.let_go(state, None);
        Poll::Ready(last)
    }

    fn take(&self, mut state: MutexGuard<'_, State>, batch: proto::ItemBatch) -> Batch {
        let lists = batch.attachments.into_iter();
        let batch = Batch {
            number: self.batches.fetch_add(1, Ordering::Relaxed) + 1,
            items: batch.items,
            carried: lists.map(|list| state.carried(&self.link, list)).collect(),
        };
        let driver = state.wake_for_output(false);
        drop(state);
        wake(driver);
        batch
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, cx: Option<&Context<'_>>) {
        let earlier = cx.and_then(|cx| wait(&mut state.streams.slot(self.stream).ready, cx.waker()));
        // What was used up may be worth credit.
        let driver = state.wake_for_output(false);
        drop(state);
        wake(driver);
        drop(earlier);
    }

    /// Takes nothing any more, and may tell the sender why.
    pub(crate) fn close(&self, why: Option<&Error>) {
        let state = self.link.lock();
        if !self.ended.load(Ordering::Relaxed) {
            self.let_go(state, why);
        }
    }

    fn let_go(&self, mut state: MutexGuard<'_, State>, why: Option<&Error>) {
        self.ended.store(true, Ordering::Relaxed);
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
