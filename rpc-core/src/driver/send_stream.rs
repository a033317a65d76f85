//! The sending end of a stream on a connection.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{
    Link,
    link::{Attaching, LinkGuard, wait},
};
use crate::{
    Error,
    driver::attachments::{OutgoingAttachment, Payload, Wire},
    proto::{Body, COPIED, Capacity, StreamId},
};

/// The end of a stream that sends. If it is dropped before it [ended](Self::end), the receiver hears that the stream
/// broke.
pub(crate) struct SendStream {
    link: Arc<Link>,
    stream: StreamId,
    /// The number may be another stream's already. Touched only under the connection's lock.
    ended: AtomicBool,
}

impl SendStream {
    /// To be made under the lock that counts it.
    pub(super) fn new(link: Arc<Link>, stream: StreamId) -> Self {
        Self {
            link,
            stream,
            ended: AtomicBool::new(false),
        }
    }

    /// How items are written.
    pub(crate) fn wire(&self) -> Wire {
        self.link.wire()
    }

    /// The longest item that can be sent.
    pub(crate) fn max_item(&self) -> usize {
        self.link.max_item()
    }

    /// Waits until one more item, or one more batch, may be sent; for one task at a time. Cancel safe. The error says
    /// why the receiver takes no more, or that the connection is gone.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.link.lock();
        match self.room(&mut state) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => {
                let earlier = wait(&mut state.streams.waiter(self.stream).ready, cx.waker());
                drop(state);
                drop(earlier);
                Poll::Pending
            }
        }
    }

    /// Waits until the receiver takes no more; for one task at a time. Cancel safe.
    pub(crate) fn poll_stopped(&self, cx: &Context<'_>) -> Poll<Error> {
        let mut state = self.link.lock();
        if let Err(error) = self.room(&mut state) {
            return Poll::Ready(error);
        }
        let earlier = wait(&mut state.streams.waiter(self.stream).stopped, cx.waker());
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// Why the receiver takes no more, if it does not.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.room(&mut self.link.lock()).err()
    }

    /// Sends one item; to be called once after [`poll_ready`](Self::poll_ready).
    ///
    /// # Errors
    /// The item cannot be sent, and the stream is as it was; or the stream takes no more items.
    pub(crate) fn send(&self, mut item: Payload) -> Result<(), Error> {
        let offered = item.take_offered();
        self.put(item.take_body(), offered)
    }

    /// [`send`](Self::send) from a buffer of the caller's.
    pub(crate) fn send_bytes(&self, item: Vec<u8>, offered: ThinVec<OutgoingAttachment>) -> Result<(), Error> {
        if item.len() <= COPIED {
            self.put(Body::Small(&item), offered)
        } else {
            self.put(Body::from(Bytes::from(item)), offered)
        }
    }

    fn put(&self, item: Body<'_>, offered: ThinVec<OutgoingAttachment>) -> Result<(), Error> {
        let mut state = self.link.lock();
        if let Err(error) = self.room(&mut state) {
            state.forsake(offered);
            return Err(error);
        }
        let sent = Attaching::new(&mut state, offered).and_then(|attaching| {
            let connection = &mut attaching.held.connection;
            connection.send_item(self.stream, &attaching.attachments, item)?;
            attaching.settle();
            Ok(())
        });
        state.wake_for_output();
        sent
    }

    /// Sends items that carry nothing, each behind its length in four bytes; together not much more than 32 KiB.
    pub(crate) fn send_batch(&self, items: &[u8]) -> Result<(), Error> {
        let mut state = self.link.lock();
        self.room(&mut state)?;
        state.connection.send_items(self.stream, items);
        state.wake_for_output();
        Ok(())
    }

    /// Sends one item, which carries nothing, in the place of those that have not begun to leave; needs no room.
    pub(crate) fn replace(&self, item: &[u8]) -> Result<(), Error> {
        let item = if item.len() <= COPIED {
            Body::Small(item)
        } else {
            Body::from(Bytes::copy_from_slice(item))
        };
        let mut state = self.link.lock();
        self.room(&mut state)?;
        let sent = state.connection.replace_items(self.stream, item);
        state.wake_for_output();
        sent
    }

    /// Whether there is room for one more item.
    ///
    /// # Errors
    /// There will never be room.
    fn room(&self, state: &mut LinkGuard<'_>) -> Result<bool, Error> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(Error::failed_precondition(
                "the stream has ended, with an item that could not be sent",
            ));
        }
        match (state.connection.capacity(self.stream), state.end_reason()) {
            // What the receiver said counts, even if the connection has ended since.
            (Capacity::Stopped(why), _) => Err(why),
            (_, Some(end)) => Err(end.clone()),
            (Capacity::Room, None) => Ok(true),
            (Capacity::Full, None) => Ok(false),
        }
    }

    /// Ends the stream, once: normally, or with an error, which the receiver gets after the items sent before.
    pub(crate) fn end(&self, end: Result<(), &Error>) {
        let mut state = self.link.lock();
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let waited = state.streams.waiter(self.stream).take();
        if !state.is_over() {
            state.connection.end_stream(self.stream, end);
        }
        state.let_go();
        drop(state);
        drop(waited);
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        // The error is not made for a finished stream.
        if self.ended.load(Ordering::Relaxed) {
            return;
        }
        self.end(Err(&broken()));
    }
}

/// Why a stream ends if its sender is dropped without `finish` or `fail`.
pub(crate) fn broken() -> Error {
    if std::thread::panicking() {
        Error::internal("the sender panicked")
    } else {
        Error::aborted("the sender was dropped before it finished")
    }
}

impl fmt::Debug for SendStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendStream").field(&self.stream).finish()
    }
}
