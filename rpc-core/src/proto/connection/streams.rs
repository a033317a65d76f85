//! Streams of items, and the lists of what messages carry.

use bytes::Bytes;

use super::{Body, Connection};
use crate::{
    Error,
    proto::{Attachment, Flow, StreamId},
};

/// What a sender may do now.
#[derive(Debug)]
pub(crate) enum Capacity {
    /// One more item, whatever its size.
    Room,
    /// Nothing until [`Event::Sendable`](super::Event::Sendable).
    Full,
    /// Nothing any more: the receiver has gone, or says why it stopped.
    Stopped(Error),
}

/// Whole items that came, one after another as they stand on the wire: for each its length in four bytes (the top bit
/// says that it carries something), then its bytes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Bytes,
    /// What the items with the top bit carry, in order.
    pub(crate) attachments: std::collections::VecDeque<Vec<Attachment>>,
}

/// What a receiver gets.
#[derive(Debug)]
pub(crate) enum Received {
    Items(Batch),
    /// Nothing until [`Event::Receivable`](super::Event::Receivable).
    Nothing,
    /// The sender finished.
    Finished,
    /// The sender failed.
    Failed(Error),
}

#[expect(unused_variables, clippy::unused_self, reason = "to come")]
impl Connection {
    /// Chooses a number for a stream that the next message will carry.
    ///
    /// # Errors
    /// `ResourceExhausted` and not executed, when the peer takes no more streams.
    pub(crate) fn open_stream(&mut self, flow: Flow) -> Result<StreamId, Error> {
        Err(Error::unimplemented("to come"))
    }

    /// Takes back a stream that no message has carried.
    pub(crate) fn discard_stream(&mut self, stream: StreamId) {}

    /// One more reference to an object of this side goes to the peer: to one that it has been given before, or to a new one.
    ///
    /// # Errors
    /// `ResourceExhausted` and not executed, when there are too many objects.
    pub(crate) fn export(&mut self, object: Option<u32>) -> Result<u32, Error> {
        Err(Error::unimplemented("to come"))
    }

    /// Takes back a reference that no message has carried.
    pub(crate) fn unexport(&mut self, object: u32) {}

    /// A reference to an object of the peer's is gone; it was named `uses` times, as the target of a call or going back.
    pub(crate) fn release_object(&mut self, object: u32, uses: u32) {}

    /// What the reply to a call carries, just before [`reply`](Self::reply); see [`can_reply`](Self::can_reply).
    pub(crate) fn attach_reply(&mut self, call: u32, attachments: &[Attachment]) {}

    /// Whether a reply would be sent as it is.
    pub(crate) fn can_reply(&mut self, call: u32, metadata: &Bytes, length: usize) -> bool {
        true
    }

    /// What this side may send on a stream now.
    pub(crate) fn capacity(&mut self, stream: StreamId) -> Capacity {
        Capacity::Full
    }

    /// Sends one item. To be asked for before: [`Capacity::Room`].
    ///
    /// # Errors
    /// When the item is longer than the peer's `max_message`: nothing was queued.
    pub(crate) fn send_item(
        &mut self,
        stream: StreamId,
        attachments: &[Attachment],
        body: Body<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Sends items that stand as they go on the wire, each behind its length, carry nothing and keep to the peer's `max_message`.
    pub(crate) fn send_items(&mut self, stream: StreamId, items: &[u8]) {}

    /// Sends one item in the place of those that have not begun to leave.
    ///
    /// # Errors
    /// As [`send_item`](Self::send_item).
    pub(crate) fn replace_items(&mut self, stream: StreamId, body: Body<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// The sender is done: well, or with an error.
    pub(crate) fn end_stream(&mut self, stream: StreamId, end: Result<(), &Error>) {}

    /// Takes the items that came; with it those of the batch before are used up.
    pub(crate) fn receive(&mut self, stream: StreamId) -> Received {
        Received::Nothing
    }

    /// The receiver takes nothing any more, and may say why.
    pub(crate) fn stop_stream(&mut self, stream: StreamId, why: Option<&Error>) {}
}
