//! What goes out.

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;

use super::{Connection, Event};
use crate::proto::outbox::{Departed, MessageKind};

impl Connection {
    /// Takes what is to be written next, in order.
    pub(crate) fn poll_transmit(&mut self, chunks: &mut VecDeque<Bytes>) {
        if !self.wants_write() {
            return;
        }
        // All small frames leave with every turn.
        self.watchdog.handle_taken();
        self.references.handle_taken();
        self.outbox.take(&mut self.streams, chunks);
        while let Some(Departed { kind, call, end }) = self.outbox.pop_departed() {
            match kind {
                MessageKind::Reply => self.end_incoming(call, end),
                MessageKind::Request => self.outgoing.departed(call, end),
            }
        }
        self.events
            .extend(self.streams.roomy().map(|stream| Event::Sendable { stream }));
    }

    /// Takes all that never leaves, because the connection is over.
    pub(crate) fn take_unsent(&mut self) -> impl Sized + use<> {
        self.outbox.take_all()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to give.
    pub(crate) fn wants_write(&self) -> bool {
        self.outbox.is_ready() || self.streams.has_ready()
    }

    /// The transport took `length` of the bytes; `waits` when it has more to take.
    pub(crate) fn handle_written(&mut self, length: usize, waits: bool, now: Instant) {
        self.outbox.handle_written(length);
        while let Some(call) = self.outgoing.pop_left(self.outbox.written()) {
            self.events.push_back(Event::Left { call });
        }
        self.idleness.handle_written(now);
        self.watchdog.handle_written(waits, now);
    }

    /// The transport takes nothing now.
    pub(crate) fn handle_blocked(&mut self, now: Instant) {
        self.watchdog.handle_blocked(now);
    }

    /// Tells with an [event](Event::Left) when all of a call's request has left.
    pub(crate) fn watch_leaving(&mut self, id: u32) {
        self.outgoing.watch_leaving(id);
    }

    /// Whether all of a call's request was taken by the transport, or the call is over.
    pub(crate) fn has_left(&mut self, id: u32) -> bool {
        let written = self.outbox.written();
        self.outgoing
            .find(id)
            .is_none_or(|call| call.end.is_some_and(|end| end <= written))
    }

    /// How many bytes the peer must take before more answers are made for it. Large answers take turns, so they do not
    /// count until all of them together exceed `max_buffered`. Large requests never count: they may wait for calls to
    /// end whose handlers wait for those answers.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.pressing(self.terms.ours.max_buffered)
    }

    /// The bytes of answers that the transport has not taken. Other small frames count as well, and what is being
    /// written may count twice.
    pub(crate) fn unread(&self) -> usize {
        self.outbox.unread()
    }

    /// Whether a request of this length would wait for other calls to end while the peer has calls here: if a handler
    /// made it, each side could wait for the other for ever.
    pub(crate) fn may_lock(&self, length: usize) -> bool {
        self.incoming.len() > 0 && !self.outbox.has_room(MessageKind::Request, length)
    }
}
