//! What streams write: their pieces in turns, and everything else in order.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Readiness, StreamHalf, StreamTable, sender::TurnOutcome};
use crate::proto::{
    Attachment, StreamId,
    attachment::put_list,
    frame::{Kind, put_header},
    writer::Writer,
};

impl StreamTable {
    /// Whether some streams want their place in the circle of turns.
    pub(in crate::proto) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The streams that want their place.
    pub(in crate::proto) fn ready(&mut self) -> impl Iterator<Item = StreamId> {
        self.ready.drain(..)
    }

    /// The streams that waited for room and have some.
    pub(in crate::proto) fn roomy(&mut self) -> impl Iterator<Item = StreamId> {
        self.roomy.drain(..)
    }

    /// A list leaves: this side may send frames on its streams from now on.
    pub(in crate::proto) fn announce(&mut self, list: &[Attachment], writer: &mut Writer) {
        for entry in list {
            let &Attachment::Stream { stream, .. } = entry else {
                continue;
            };
            let heard = if self.carrier.overtakes() {
                Readiness::Unheard
            } else {
                Readiness::None
            };
            if let Some(announced) = self.find(stream).filter(|stream| stream.hold == Readiness::Unannounced) {
                announced.hold = heard;
                self.proceed(stream, writer);
            }
        }
    }

    /// Something has changed for a stream: writes the frames that it may send now.
    pub(in crate::proto) fn proceed(&mut self, id: StreamId, writer: &mut Writer) {
        let Some(stream) = self.find(id).filter(|stream| stream.hold == Readiness::None) else {
            return;
        };
        match &mut stream.role {
            StreamHalf::Sends(sender) if !sender.is_empty() => {
                if !sender.has_turn && sender.is_ready() {
                    sender.has_turn = true;
                    self.ready.push(id);
                }
            }
            StreamHalf::Sends(_) => self.say_last(id, Kind::End, writer),
            StreamHalf::Receives(_) => self.say_last(id, Kind::Stop, writer),
        }
    }

    fn say_last(&mut self, id: StreamId, kind: Kind, writer: &mut Writer) {
        if let Some(stream) = self.find(id)
            && let Some(payload) = stream.last.take()
        {
            put_header(writer.small(), kind, false, id.0, payload.len());
            writer.small().extend_from_slice(&payload);
            stream.said_last = Some(writer.position());
            self.settle(id);
        }
    }

    /// Writes a piece of a stream; returns whether it gets another turn.
    pub(in crate::proto) fn turn(&mut self, id: StreamId, writer: &mut Writer, chunks: &mut VecDeque<Bytes>) -> bool {
        loop {
            let stream = self.find(id).filter(|stream| stream.hold == Readiness::None);
            let Some(StreamHalf::Sends(sender)) = stream.map(|stream| &mut stream.role) else {
                return false;
            };
            match sender.take(id.0, writer, chunks) {
                TurnOutcome::List(list) => {
                    self.put_list(id, &list, writer);
                    continue;
                }
                TurnOutcome::Piece if sender.is_ready() => return self.wake(id),
                TurnOutcome::Piece | TurnOutcome::Over => {}
            }
            sender.has_turn = false;
            self.wake(id);
            self.proceed(id, writer);
            return false;
        }
    }

    fn wake(&mut self, id: StreamId) -> bool {
        if let Some(StreamHalf::Sends(sender)) = self.find(id).map(|stream| &mut stream.role)
            && sender.wake()
        {
            self.roomy.push(id);
        }
        true
    }

    /// Writes the list of an item.
    pub(in crate::proto) fn put_list(&mut self, id: StreamId, list: &[Attachment], writer: &mut Writer) {
        put_list(writer.small(), Kind::ItemAttach, id.0, list);
        self.announce(list, writer);
    }
}
