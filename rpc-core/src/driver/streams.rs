//! The ends of streams that a connection carries, and the references to the peer's objects.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;

use super::Link;
use crate::{
    Error,
    carry::{Carried, Wire},
    proto::StreamId,
    service::Payload,
};

/// The end of a stream that sends. Dropped before it [finished](Self::finish), the receiver is told that the stream broke.
pub(crate) struct Outlet {
    link: Arc<Link>,
    stream: StreamId,
}

/// The end of a stream that receives. Dropped, the sender is told.
pub(crate) struct Inlet {
    link: Arc<Link>,
    stream: StreamId,
}

/// A reference to an object of the peer's. The peer is told when it is dropped.
pub(crate) struct Import {
    link: Arc<Link>,
    object: u32,
    /// The hash of its service's name.
    service: u32,
    /// How often a message has named it.
    uses: AtomicU32,
}

/// Whole items, each behind its length (see [`proto::Batch`](crate::proto::Batch)), and what those that carry something carry.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Bytes,
    pub(crate) carried: VecDeque<Vec<Carried>>,
}

#[expect(unused_variables, clippy::unused_self, clippy::needless_pass_by_value, reason = "to come")]
impl Outlet {
    /// How items are written.
    pub(crate) fn wire(&self) -> Wire {
        self.link.wire()
    }

    /// Waits until one more item, or one more batch, may be sent. Cancel safe. The error says why the receiver takes no more, or
    /// that the connection is gone.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Pending
    }

    /// Waits until the receiver takes no more.
    pub(crate) fn poll_stopped(&self, cx: &Context<'_>) -> Poll<Error> {
        Poll::Pending
    }

    /// Sends one item; to be called once after [`poll_ready`](Self::poll_ready).
    pub(crate) fn send(&self, item: Payload) -> Result<(), Error> {
        Ok(())
    }

    /// Sends items that carry nothing, each behind its length in four bytes; together not much more than 32 KiB.
    pub(crate) fn send_batch(&self, items: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    /// Sends one item in the place of those that have not begun to leave; needs no room.
    pub(crate) fn replace(&self, item: Payload) -> Result<(), Error> {
        Ok(())
    }

    /// Ends the stream well.
    pub(crate) fn finish(self) {}

    /// Ends the stream with an error, which the receiver gets after the items sent before.
    pub(crate) fn fail(self, error: &Error) {}
}

#[expect(unused_variables, clippy::unused_self, clippy::needless_pass_by_value, reason = "to come")]
impl Inlet {
    pub(crate) fn wire(&self) -> Wire {
        self.link.wire()
    }

    /// Waits for items; those of the batch before are used up then, and the sender may send as many more. `None` when the sender
    /// has finished. Cancel safe.
    pub(crate) fn poll_batch(&self, cx: &Context<'_>) -> Poll<Option<Result<Batch, Error>>> {
        Poll::Pending
    }

    /// Takes nothing any more and tells the sender why.
    pub(crate) fn stop(self, why: &Error) {}
}

impl Import {
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn object(&self) -> u32 {
        self.object
    }

    pub(crate) fn service(&self) -> u32 {
        self.service
    }

    /// A message that names the object is on its way. To be called under the same lock that sends it, so [`Link`] does.
    pub(crate) fn used(&self) {
        self.uses.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outlet").field(&self.stream).finish()
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inlet").field(&self.stream).finish()
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Import").field(&self.object).finish()
    }
}
