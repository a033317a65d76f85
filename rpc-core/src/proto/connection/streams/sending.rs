//! Streams that this side sends on.

use super::Capacity;
use crate::{
    Code, Error,
    proto::{
        Attachment, Body, Connection, Flow, StreamId,
        items::MAX_ITEM,
        stream::{SendHalf, StreamHalf},
    },
};

impl Connection {
    /// What this side may send on a stream now.
    pub(crate) fn capacity(&mut self, stream: StreamId) -> Capacity {
        match self.sender(stream) {
            Some(sender) => match sender.stopped.clone() {
                Some(why) => Capacity::Stopped(why),
                None if sender.has_room() => Capacity::Room,
                None => Capacity::Full,
            },
            None => Capacity::Stopped(Error::cancelled("the stream is over")),
        }
    }

    /// Sends one item. There must be room for it: [`Capacity::Room`].
    ///
    /// # Errors
    /// When the item is longer than the peer's `max_message`: nothing was queued.
    pub(crate) fn send_item(
        &mut self,
        stream: StreamId,
        attachments: &[Attachment],
        body: Body<'_>,
    ) -> Result<(), Error> {
        self.check_item(body.len())?;
        let Some(sender) = self.sender(stream) else {
            return Ok(());
        };
        if sender.stopped.is_none() {
            sender.queue().push(attachments, body);
            self.proceed(stream);
        } else if !attachments.is_empty() {
            // What it carries is known to this side already: the receiver gives it back.
            self.streams.put_list(stream, attachments, self.outbox.writer());
        }
        Ok(())
    }

    /// Sends items that stand as they go on the wire, each behind its length, carry nothing and keep to the peer's
    /// `max_message`.
    pub(crate) fn send_items(&mut self, stream: StreamId, items: &[u8]) {
        if let Some(sender) = self.sender(stream).filter(|sender| sender.stopped.is_none()) {
            sender.queue().push_encoded(items);
            self.proceed(stream);
        }
    }

    /// Sends one item in the place of the one that was sent last, if nothing of it has left.
    ///
    /// # Errors
    /// As [`send_item`](Self::send_item).
    pub(crate) fn replace_items(&mut self, stream: StreamId, body: Body<'_>) -> Result<(), Error> {
        self.check_item(body.len())?;
        if let Some(sender) = self.sender(stream).filter(|sender| sender.stopped.is_none()) {
            sender.queue().pop_last();
            sender.queue().push(&[], body);
            self.proceed(stream);
        }
        Ok(())
    }

    fn check_item(&self, length: usize) -> Result<(), Error> {
        let why = if length > MAX_ITEM {
            Some(format!("the item takes {length} bytes, the most is {MAX_ITEM}"))
        } else {
            self.terms.too_large("the item takes", length)
        };
        why.map_or(Ok(()), |why| Err(Error::refused_for_good(Code::ResourceExhausted, why)))
    }

    /// The sender ends the stream: normally, or with an error.
    pub(crate) fn end_stream(&mut self, stream: StreamId, end: Result<(), &Error>) {
        let last = self.last_word(end.err());
        self.let_go(stream, Flow::Sends, last);
    }

    fn sender(&mut self, stream: StreamId) -> Option<&mut SendHalf> {
        match &mut self.streams.find(stream)?.role {
            StreamHalf::Sends(sender) => Some(sender),
            StreamHalf::Receives(_) => None,
        }
    }
}
