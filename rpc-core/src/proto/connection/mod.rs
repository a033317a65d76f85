//! One open connection, seen from one of its two equal ends.

mod callee;
mod caller;
mod lists;
mod references;
mod streams;
mod terms;
mod time;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use thin_vec::ThinVec;

pub(crate) use streams::{Capacity, Received};

use terms::Terms;

use super::{
    Announced, Attachment, Carrier, Limits, StreamId, Violation,
    frame::{Frame, Kind, deframe, put_empty},
    head::{RequestHead, decode_failure, put_failure},
    idleness::Idleness,
    incoming::{IncomingCalls, Stop},
    limits::MAX_METADATA,
    outbox::{Departed, MessageKind, Outbox},
    outgoing::OutgoingCalls,
    references::References,
    stream::StreamTable,
    watchdog::Watchdog,
};
use crate::{Error, Outcome};

/// What a connection is opened with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What this side allows.
    pub(crate) ours: Limits,
    /// What the peer announced.
    pub(crate) peer: Announced,
    pub(crate) carrier: Carrier,
    /// After how long without a call the connection ends; `None` for never.
    pub(crate) idle: Option<Duration>,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A call that this side made ended well.
    Reply {
        call: u32,
        metadata: Bytes,
        body: Bytes,
        attachments: ThinVec<Attachment>,
    },
    /// A call that this side made ended badly.
    Failed { call: u32, error: Error },
    /// The peer makes a call, to be answered by its [`deadline`](Connection::deadline).
    Request { call: u32, head: RequestHead, body: Bytes },
    /// The handler of the peer's call is to stop; the call still ends with [`Connection::reply`].
    Stop { call: u32, why: Stop },
    /// No new calls are to be made: the peer takes none, or the connection ends because neither side has any use for
    /// it.
    GoAway,
    /// A sender that found no room has some, or its receiver has stopped.
    Sendable { stream: StreamId },
    /// A receiver that found nothing has something.
    Receivable { stream: StreamId },
    /// The peer has no reference to an object of this side any more.
    Released { object: u32 },
    /// The peer wants to know when an object of this side is revoked. Only its latest watch of an object counts.
    Watched { object: u32, watch: u64 },
    /// The object of a [watch](Connection::watch_object) is revoked.
    Revoked { watch: u64 },
    /// The transport took all of a request that was [watched](Connection::watch_leaving).
    Left { call: u32 },
}

/// What a connection holds for calls in flight, in bytes.
#[cfg(any(test, farcall_fuzzing))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Large requests of the peer, as announced.
    pub(crate) requests: usize,
    /// Large replies of the peer, as announced.
    pub(crate) replies: usize,
    /// Large requests and replies that count against the peer's budgets.
    pub(crate) spent: [usize; 2],
    /// The memory of messages that have not arrived entirely.
    pub(crate) assembled: usize,
    /// Streams, in number.
    pub(crate) streams: usize,
    /// What the windows of streams have grown by, and what items beyond them take.
    pub(crate) beyond: usize,
    /// What items beyond their windows take that were asked for, came and were not taken.
    pub(crate) asked: usize,
    /// Items that came and were not taken.
    pub(crate) arrived: usize,
    /// References in both directions, in number.
    pub(crate) objects: usize,
    /// Lists of requests that did not come yet, in number.
    pub(crate) lists: usize,
    /// How many events were not taken.
    pub(crate) events: usize,
}

/// Why the connection is over.
#[derive(Clone, Debug)]
pub(crate) enum Lost {
    /// The peer broke the protocol.
    Violation(Violation),
    /// The peer closed, and said why.
    Closed(Error),
    /// The peer no longer answers.
    Silent(Duration),
    /// The peer no longer reads.
    Stalled(Duration),
}

impl From<Violation> for Lost {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// One open connection, without I/O.
///
/// Feed bytes with [`handle_input`](Self::handle_input) and take what happened with [`poll_event`](Self::poll_event);
/// make and answer calls with [`start`](Self::start), [`abandon`](Self::abandon) and [`reply`](Self::reply); after any
/// of these write what [`poll_transmit`](Self::poll_transmit) gives, report it with
/// [`handle_written`](Self::handle_written), and call [`handle_timeout`](Self::handle_timeout) at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub(crate) struct Connection {
    terms: Terms,
    /// The calls that this side made, and those that the peer made.
    outgoing: OutgoingCalls,
    incoming: IncomingCalls,
    streams: StreamTable,
    references: References,
    /// What goes out, and what its user is to hear of.
    outbox: Outbox,
    events: VecDeque<Event>,
    /// Whether the peer is there, and whether the connection is used.
    watchdog: Watchdog,
    idleness: Idleness,
}

impl Connection {
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let Settings {
            ours,
            mut peer,
            carrier,
            idle,
        } = settings;
        // A peer may announce more, and still every head must fit into one frame.
        peer.max_metadata = peer.max_metadata.min(MAX_METADATA as u32);
        Self {
            outgoing: OutgoingCalls::new((peer.max_calls as usize).min(ours.max_calls), carrier),
            incoming: IncomingCalls::new(ours.max_calls),
            streams: StreamTable::new(carrier, &ours, &peer),
            references: References::new(ours.max_objects),
            outbox: Outbox::new(peer.max_buffered as usize),
            events: VecDeque::new(),
            watchdog: Watchdog::new(ours.keepalive, ours.write_stall, now),
            idleness: Idleness::new(idle, now),
            terms: Terms { ours, peer, carrier },
        }
    }

    /// The longest item that both sides take.
    pub(crate) fn max_item(&self) -> usize {
        self.terms.max_item()
    }

    /// What is held for calls in flight.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn held(&self) -> Usage {
        let [beyond, asked] = self.streams.budget.held();
        Usage {
            beyond,
            asked,
            requests: self.incoming.cost(),
            replies: self.outgoing.reply_cost(),
            spent: self.outbox.spent(),
            streams: self.streams.len(),
            arrived: self.streams.arrived(),
            objects: self.references.len(),
            lists: self.incoming.lists(),
            assembled: self.outgoing.assembled() + self.incoming.assembled(),
            events: self.events.len(),
        }
    }

    /// The streams whose users have not let go.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn streams(&self) -> Vec<StreamId> {
        self.streams.held()
    }

    /// Tells the peer that this side takes no new calls; running calls go on.
    pub(crate) fn go_away(&mut self) {
        if !std::mem::replace(&mut self.incoming.going_away, true) {
            put_empty(self.outbox.small(), Kind::GoAway, 0);
        }
    }

    /// Tells the peer why the connection ends. [`Outcome::NotExecuted`] says that this side has answered everything
    /// that it looked at, and will look at nothing else.
    pub(crate) fn close(&mut self, why: &Error) {
        put_failure(self.outbox.small(), Kind::Close, 0, why, 0);
    }

    /// Takes whole frames off `input`, at most `frames` of them, and says whether there may be more.
    ///
    /// # Errors
    /// The connection is over.
    pub(crate) fn handle_input(&mut self, input: &mut BytesMut, frames: usize, now: Instant) -> Result<bool, Lost> {
        for _ in 0..frames {
            let Some(frame) = deframe(input)? else { return Ok(false) };
            self.handle_frame(frame, now)?;
        }
        Ok(true)
    }

    /// Something came from the peer at that time: bytes, or a sign of life that only the transport sees. This may be
    /// called as late as just before [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn handle_heard(&mut self, at: Instant) {
        self.watchdog.handle_heard(at);
    }

    fn handle_frame(&mut self, frame: Frame, now: Instant) -> Result<(), Lost> {
        let Frame {
            kind,
            more,
            id,
            payload,
        } = frame;
        let used = self.is_used();
        match kind {
            Kind::Reply => self.handle_reply(id, payload, more)?,
            Kind::ReplyData => self.handle_reply_data(id, &payload, more)?,
            Kind::Request => self.handle_request(id, payload, more, now)?,
            Kind::RequestData => self.handle_request_data(id, &payload, more)?,
            Kind::Failure => self.handle_failure(id, payload)?,
            Kind::Cancel => self.handle_cancel(id)?,
            Kind::Items => self.handle_items(id, &payload, more)?,
            Kind::Credit => self.handle_credit(id, payload)?,
            Kind::End => self.handle_end(id, payload)?,
            Kind::Stop => self.handle_stop(id, payload)?,
            Kind::RequestAttach => self.handle_request_attach(id, payload)?,
            Kind::ReplyAttach => self.handle_reply_attach(id, payload)?,
            Kind::ItemAttach => self.handle_item_attach(id, payload)?,
            Kind::Release => self.handle_release(id, payload)?,
            Kind::Watch => self.handle_watch(id, payload)?,
            Kind::Revoked => self.handle_revoked(payload)?,
            Kind::Ping => {
                if self.watchdog.handle_ping() {
                    put_empty(self.outbox.small(), Kind::Pong, 0);
                }
                return Ok(());
            }
            Kind::Pong => return Ok(()),
            Kind::GoAway => {
                if !std::mem::replace(&mut self.outgoing.refused, true) {
                    self.events.push_back(Event::GoAway);
                }
            }
            Kind::Unused => {
                // Where it crosses with a call, the connection is in use, and the peer finds that out by the call.
                if !self.is_needed() {
                    self.events.push_back(Event::GoAway);
                }
            }
            Kind::Close => {
                let error = decode_failure(payload, 0)?;
                self.outgoing.finished = error.outcome() == Outcome::NotExecuted;
                return Err(Lost::Closed(error));
            }
        }
        // Only calls, streams and references keep a connection, and not frames about those that have ended.
        if used || self.is_used() {
            self.idleness.touch(now);
        }
        Ok(())
    }

    /// The next event. There are none about calls whose callers are gone meanwhile.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        loop {
            let stands = match *self.events.front()? {
                Event::Reply { call, .. } | Event::Failed { call, .. } => self.outgoing.hand_out(call),
                Event::Released { object } => self.references.forget(object),
                _ => true,
            };
            let event = self.events.pop_front();
            if stands {
                return event;
            }
            if let Some(Event::Reply { attachments, .. }) = event {
                self.give_back(attachments);
            }
        }
    }

    /// Whether [`poll_event`](Self::poll_event) may have something to give: what users do makes events, too.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

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

    /// The calls in flight that this side made, given-up ones included.
    pub(crate) fn outgoing(&self) -> usize {
        self.outgoing.len()
    }

    /// The calls in flight that the peer made.
    pub(crate) fn incoming(&self) -> usize {
        self.incoming.len()
    }

    /// Whether no call waits for an answer in either direction, and the transport has taken everything that may go,
    /// including all that was sent on streams whose users have let go.
    pub(crate) fn is_drained(&self) -> bool {
        self.incoming.len() == 0
            && self.outbox.len() == 0
            && !self.wants_write()
            && !self.outgoing.is_awaited()
            && !self.streams.has_unsaid()
    }
}

/// The failure of a call whose handler was asked to stop.
fn stopped(why: Stop) -> Error {
    match why {
        Stop::Cancelled => Error::cancelled("the caller gave the call up"),
        Stop::Expired => Error::deadline_exceeded("the handler was stopped at the deadline"),
    }
}
