//! Streams that this side receives from.

use super::Received;
use crate::{
    Error,
    proto::{
        Connection, Flow, StreamId,
        frame::{Kind, put_header},
        stream::StreamHalf,
    },
};

impl Connection {
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

    /// Gives the sender of a stream the credit that it is due.
    pub(super) fn grant(&mut self, stream: StreamId) {
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
    pub(in crate::proto::connection) fn lend(&mut self) {
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
    pub(in crate::proto::connection) fn greet(&mut self, id: StreamId) {
        let credit = match self.streams.find(id).map(|stream| &stream.role) {
            Some(StreamHalf::Receives(receiver)) => receiver.first_credit(),
            _ => 0,
        };
        self.put_credit(id, credit);
    }
}
