//! What the peer says about streams.

use bytes::{Buf, Bytes};

use crate::{
    Error,
    proto::{
        Connection, Event, StreamId, Violation,
        head::decode_failure,
        stream::{Readiness, StreamHalf, StreamState},
    },
};

impl Connection {
    /// The stream that a frame of the peer's is about; `None` for one that had the number before.
    pub(in crate::proto::connection) fn heard(&mut self, id: StreamId) -> Result<Option<&mut StreamState>, Violation> {
        let stream = self.streams.named(id)?;
        if stream.hold == Readiness::Unheard {
            stream.hold = Readiness::None;
            self.proceed(id);
        }
        Ok(self.streams.find(id).filter(|stream| stream.stale == 0))
    }

    pub(in crate::proto::connection) fn handle_items(
        &mut self,
        wire: u32,
        payload: &[u8],
        more: bool,
    ) -> Result<(), Violation> {
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

    pub(in crate::proto::connection) fn handle_end(&mut self, wire: u32, payload: Bytes) -> Result<(), Violation> {
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

    pub(in crate::proto::connection) fn handle_credit(
        &mut self,
        wire: u32,
        mut payload: Bytes,
    ) -> Result<(), Violation> {
        let id = StreamId::received(wire);
        let more = payload.try_get_u32_le()?;
        let greeted = self.terms.carrier.overtakes() && id.is_ours() && more == 0;
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

    pub(in crate::proto::connection) fn handle_stop(&mut self, wire: u32, payload: Bytes) -> Result<(), Violation> {
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
