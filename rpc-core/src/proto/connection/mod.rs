//! One open connection, seen from one of its two equal ends.

mod callee;
mod caller;
mod event;
mod landing;
mod lists;
mod output;
mod references;
mod streams;
mod terms;
mod time;
#[cfg(any(test, farcall_fuzzing))]
mod usage;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::BytesMut;

pub(crate) use event::{Event, Lost};
pub(crate) use streams::{Capacity, Received};
#[cfg(any(test, farcall_fuzzing))]
pub(crate) use usage::Usage;

use terms::Terms;

use super::{
    Announced, Carrier, Limits,
    agreements::Agreements,
    assembly::Piece,
    frame::{Frame, Kind, deframe, put_empty},
    head::{decode_failure, put_failure},
    idleness::Idleness,
    incoming::{IncomingCalls, Stop},
    limits::MAX_METADATA,
    outbox::Outbox,
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
    /// What the answers to calls said of the peer's methods.
    agreements: Agreements,
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
            agreements: Agreements::default(),
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
            Kind::ReplyData => self.handle_reply_data(id, Piece::Apart(&payload), more)?,
            Kind::Request => self.handle_request(id, payload, more, now)?,
            Kind::RequestData => self.handle_request_data(id, Piece::Apart(&payload), more)?,
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

    /// The next event. Events about calls whose callers are gone meanwhile are left out.
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

    /// The calls in flight that this side made, given-up ones included.
    pub(crate) fn outgoing(&self) -> usize {
        self.outgoing.len()
    }

    /// The calls in flight that the peer made.
    pub(crate) fn incoming(&self) -> usize {
        self.incoming.len()
    }

    /// About how many calls are in flight at once: those that this side has made, and the most that the peer ever had.
    pub(crate) fn crowd(&self) -> usize {
        self.outgoing.len() + self.incoming.peak()
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
