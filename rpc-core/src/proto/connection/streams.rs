//! Streams of items.

use bytes::{Buf, Bytes};

use super::{Connection, Event};
use crate::{
    Code, Error,
    proto::{
        Attachment, Body, Carrier, Flow, StreamId, Violation,
        frame::{Kind, put_header},
        head::{decode_failure, encode_failure},
        incoming::IncomingCall,
        items::MAX_ITEM,
        stream::{ItemBatch, Readiness, SendHalf, StreamHalf, StreamState},
    },
};

/// What a sender may do now.
#[derive(Debug)]
pub(crate) enum Capacity {
    /// One more item, of any size.
    Room,
    /// Nothing until [`Event::Sendable`](super::Event::Sendable).
    Full,
    /// Nothing any more: the receiver is gone, or said why it stopped.
    Stopped(Error),
}

/// What a receiver gets.
#[derive(Debug)]
pub(crate) enum Received {
    Items(ItemBatch),
    /// Nothing until [`Event::Receivable`](super::Event::Receivable).
    Nothing,
    /// The sender finished.
    Finished,
    /// The sender failed.
    Failed(Error),
}

impl Connection {
    /// Chooses a number for a stream that the next message will carry.
    ///
    /// # Errors
    /// `ResourceExhausted` and not executed, when the peer takes no more streams.
    pub(crate) fn open_stream(&mut self, flow: Flow) -> Result<StreamId, Error> {
        self.streams.open(flow).ok_or_else(|| {
            let limit = self.streams.limit();
            let more = if limit == 0 { "no" } else { "no more" };
            // It may be read on either side: where the message carries an answer, the caller reads it.
            let text = format!(
                "the message's receiver takes {more} streams on this connection: its limit (`max_streams`) is {limit}"
            );
            Error::refused(Code::ResourceExhausted, text)
        })
    }

    /// Takes back a stream that no message has carried.
    pub(crate) fn discard_stream(&mut self, stream: StreamId) {
        self.streams.discard(stream);
    }

    /// Whether a reply would be sent as it is.
    pub(crate) fn can_reply(&mut self, call: u32, metadata: &Bytes, length: usize) -> bool {
        matches!(self.incoming.find(call), Some(IncomingCall::Active { stop: None, .. }))
            && self.check_reply(metadata, length).is_ok()
    }

    // ---- sending -------------------------------------------------------------------------------------------------

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

    // ---- receiving -----------------------------------------------------------------------------------------------

    /// Takes items that came; those of the batch before are used up then. A reader that gets nothing waits for more,
    /// and a long item of its stream comes before items of streams without a waiting reader.
    pub(crate) fn receive(&mut self, stream: StreamId) -> Received {
        self.take_items(stream, true)
    }

    /// Takes items that came, as [`receive`](Self::receive) does, and waits for nothing.
    pub(crate) fn try_receive(&mut self, stream: StreamId) -> Received {
        self.take_items(stream, false)
    }

    fn take_items(&mut self, id: StreamId, waits: bool) -> Received {
        let Some((stream, budget)) = self.streams.find_with_budget(id) else {
            return Received::Finished;
        };
        let StreamHalf::Receives(receiver) = &mut stream.role else {
            return Received::Finished;
        };
        let batch = receiver.take(budget);
        let end = receiver.end.clone();
        receiver.waits = (receiver.waits || waits) && batch.is_none() && end.is_none();
        self.grant(id);
        match (batch, end) {
            (Some(batch), _) => {
                for list in &batch.attachments {
                    let released = self.hand_out(list);
                    self.events.extend(released);
                }
                Received::Items(batch)
            }
            (None, Some(Ok(()))) => Received::Finished,
            (None, Some(Err(error))) => Received::Failed(error),
            (None, None) => Received::Nothing,
        }
    }

    /// The receiver stops, and may say why.
    pub(crate) fn stop_stream(&mut self, stream: StreamId, why: Option<&Error>) {
        let last = self.last_word(why);
        for list in self.let_go(stream, Flow::Receives, last) {
            self.dispose(list);
        }
    }

    fn last_word(&self, why: Option<&Error>) -> Bytes {
        why.map(|why| encode_failure(why, self.terms.peer.max_metadata as usize).freeze())
            .unwrap_or_default()
    }

    /// Gives the sender of a stream the credit that it is due.
    fn grant(&mut self, stream: StreamId) {
        self.put_grant(stream);
        self.lend();
    }

    fn put_grant(&mut self, id: StreamId) {
        let Some((stream, budget)) = self.streams.find_with_budget(id) else {
            return;
        };
        if let StreamHalf::Receives(receiver) = &mut stream.role
            && !stream.heard_last
        {
            let more = receiver.grant(id, budget);
            if more > 0 {
                self.put_credit(id, more);
            }
        }
    }

    /// Long items have room now that others were handed out.
    pub(super) fn lend(&mut self) {
        while let Some(id) = self.streams.budget.next() {
            // A stream that is over was taken out of the queue.
            let Some((stream, budget)) = self.streams.find_with_budget(id) else {
                return;
            };
            if let StreamHalf::Receives(receiver) = &mut stream.role
                && !receiver.serve(id, budget)
            {
                return;
            }
            self.put_grant(id);
        }
    }

    fn put_credit(&mut self, stream: StreamId, more: u32) {
        let small = self.outbox.small();
        put_header(small, Kind::Credit, false, stream.0, 4);
        small.extend_from_slice(&more.to_le_bytes());
    }

    /// The first frame on a stream that the peer announced over datagrams. The peer waits for it before it sends
    /// anything on the stream.
    pub(super) fn greet(&mut self, id: StreamId) {
        let credit = match self.streams.find(id).map(|stream| &stream.role) {
            Some(StreamHalf::Receives(receiver)) => receiver.first_credit(),
            _ => 0,
        };
        self.put_credit(id, credit);
    }

    // ---- what the peer says --------------------------------------------------------------------------------------

    /// The stream that a frame of the peer's is about; `None` for one that had the number before.
    pub(super) fn heard(&mut self, id: StreamId) -> Result<Option<&mut StreamState>, Violation> {
        let stream = self.streams.named(id)?;
        if stream.hold == Readiness::Unheard {
            stream.hold = Readiness::None;
            self.proceed(id);
        }
        Ok(self.streams.find(id).filter(|stream| stream.stale == 0))
    }

    fn proceed(&mut self, id: StreamId) {
        self.streams.proceed(id, self.outbox.writer());
    }

    pub(super) fn handle_items(&mut self, wire: u32, payload: &[u8], more: bool) -> Result<(), Violation> {
        let id = StreamId::received(wire);
        if self.heard(id)?.is_none() {
            return Ok(());
        }
        let Some((stream, budget)) = self.streams.find_with_budget(id) else {
            return Ok(());
        };
        let let_go = stream.is_let_go();
        let StreamHalf::Receives(receiver) = &mut stream.role else {
            return Err(Violation::new("an item to the sender of a stream"));
        };
        if payload.is_empty() {
            return Err(Violation::new("an empty piece of a stream"));
        }
        receiver.count(payload.len())?;
        if let_go {
            return Ok(());
        }
        let terms = &self.terms;
        receiver.arrive(payload, more, |length| terms.check_received("an item", length))?;
        let (wakes, short) = (receiver.wake(budget), receiver.is_short());
        if wakes {
            self.events.push_back(Event::Receivable { stream: id });
            self.lend();
        }
        if short {
            self.grant(id);
        }
        Ok(())
    }

    pub(super) fn handle_end(&mut self, wire: u32, payload: Bytes) -> Result<(), Violation> {
        let id = StreamId::received(wire);
        let end = if payload.is_empty() {
            Ok(())
        } else {
            Err(decode_failure(payload, self.terms.ours.max_metadata)?)
        };
        if self.heard(id)?.is_none() {
            return self.forget_stale(id);
        }
        let Some((stream, budget)) = self.streams.find_with_budget(id) else {
            return Ok(());
        };
        let let_go = stream.is_let_go();
        let StreamHalf::Receives(receiver) = &mut stream.role else {
            return Err(Violation::new("the end of a stream to its sender"));
        };
        if !let_go && receiver.is_within() {
            return Err(Violation::new("the end of a stream within an item"));
        }
        stream.heard_last = true;
        receiver.end = Some(end);
        if receiver.wake(budget) {
            self.events.push_back(Event::Receivable { stream: id });
        }
        self.idleness.touch_later();
        self.streams.settle(id);
        Ok(())
    }

    pub(super) fn handle_credit(&mut self, wire: u32, mut payload: Bytes) -> Result<(), Violation> {
        let id = StreamId::received(wire);
        let more = payload.try_get_u32_le()?;
        let greeted = self.terms.carrier == Carrier::Datagrams && id.is_ours() && more == 0;
        let Some(stream) = self.heard(id)? else {
            return Ok(());
        };
        match &mut stream.role {
            StreamHalf::Sends(sender) => {
                sender.add_credit(more)?;
                self.proceed(id);
                Ok(())
            }
            StreamHalf::Receives(_) if greeted => Ok(()),
            StreamHalf::Receives(_) => Err(Violation::new("credit to the receiver of a stream")),
        }
    }

    pub(super) fn handle_stop(&mut self, wire: u32, payload: Bytes) -> Result<(), Violation> {
        let id = StreamId::received(wire);
        let why = if payload.is_empty() {
            Error::cancelled("the receiver takes no more items")
        } else {
            decode_failure(payload, self.terms.ours.max_metadata)?
        };
        if self.heard(id)?.is_none() {
            return self.forget_stale(id);
        }
        let stream = self.streams.named(id)?;
        let StreamHalf::Sends(sender) = &mut stream.role else {
            return Err(Violation::new("a stop to the receiver of a stream"));
        };
        let lists = sender.stop(why);
        stream.heard_last = true;
        if !stream.is_let_go() {
            self.events.push_back(Event::Sendable { stream: id });
        }
        for list in lists {
            self.streams.put_list(id, &list, self.outbox.writer());
        }
        self.idleness.touch_later();
        self.proceed(id);
        self.streams.settle(id);
        Ok(())
    }

    /// The last word on a stream that had the number before.
    fn forget_stale(&mut self, id: StreamId) -> Result<(), Violation> {
        let stream = self.streams.named(id)?;
        stream.stale = stream.stale.saturating_sub(1);
        Ok(())
    }
}
