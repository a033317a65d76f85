//! One open connection, seen from one of its two equal ends.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use super::{
    Announced, Limits, Violation,
    assembly::Assembly,
    frame::{Frame, Kind, PIECE, deframe, put_empty, put_header},
    head::{RequestHead, decode_failure, encode_failure, put_reply_head, reply_head_len, take_reply_head},
    incoming::{Incoming, IncomingCall, Stop},
    limits::MAX_METADATA,
    liveness::{Liveness, Verdict},
    outbox::{Departed, Outbox, Withdrawn},
    outgoing::{Outgoing, OutgoingCall, earlier},
};
use crate::{Code, Error, Outcome};

/// What a connection is opened with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What this side allows.
    pub(crate) ours: Limits,
    /// What the peer announced.
    pub(crate) peer: Announced,
    /// After how long without a call the connection ends; `None` for never.
    pub(crate) idle: Option<Duration>,
}

/// Encoded arguments or an encoded result on their way out.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// Copied behind its header: at most [`COPIED`](super::COPIED) bytes.
    Small(&'a [u8]),
    /// Written from where it is.
    Large(Bytes),
}

impl Body<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Small(bytes) => bytes.len(),
            Self::Large(bytes) => bytes.len(),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A call that this side made ended well.
    Reply { call: u32, metadata: Bytes, body: Bytes },
    /// A call that this side made ended badly.
    Failed { call: u32, error: Error },
    /// The peer makes a call.
    Request {
        call: u32,
        head: RequestHead,
        deadline: Option<Instant>,
        body: Bytes,
    },
    /// The handler of the peer's call is to stop; the call still ends with [`Connection::reply`].
    Stop { call: u32, why: Stop },
    /// No new calls are to be made: the peer takes none, or this side ends a connection that had none for long.
    GoAway,
}

/// What a connection holds for calls in flight, in bytes.
#[cfg(any(test, feature = "_fuzzing"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Large requests of the peer, as announced.
    pub(super) requests: usize,
    /// Large replies of the peer, as announced.
    pub(super) replies: usize,
    /// Large requests and replies that count against the peer's budgets.
    pub(super) spent: [usize; 2],
    /// The memory of messages that have not arrived entirely.
    pub(super) assembled: usize,
    /// Events that nobody took, in number.
    pub(super) events: usize,
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
/// Feed bytes with [`handle_input`](Self::handle_input) and take what happened with [`poll_event`](Self::poll_event); make and
/// answer calls with [`start`](Self::start), [`abandon`](Self::abandon) and [`reply`](Self::reply); after any of these write
/// what [`poll_transmit`](Self::poll_transmit) gives, report it with [`handle_written`](Self::handle_written), and call
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state in disguise"
)]
pub(crate) struct Connection {
    ours: Limits,
    peer: Announced,
    idle: Option<Duration>,
    outgoing: Outgoing,
    incoming: Incoming,
    outbox: Outbox,
    liveness: Liveness,
    events: VecDeque<Event>,
    departed: Vec<Departed>,
    /// What large requests under way from the peer cost, and its large replies that are still coming.
    request_cost: usize,
    reply_cost: usize,
    /// How many bytes the transport took.
    written: u64,
    last_call: Instant,
    /// A call was made or answered since then; the instant is known when it is written.
    called: bool,
    /// A pong waits to be written: any number of pings is answered by one.
    pong_waits: bool,
    /// This side takes no new calls.
    going_away: bool,
    /// The peer takes no new calls.
    peer_going_away: bool,
    /// The peer closed after it had answered all that it looked at.
    peer_finished: bool,
}

impl Connection {
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let Settings { ours, mut peer, idle } = settings;
        // A peer may announce more, and still every head must fit into one frame.
        peer.max_metadata = peer.max_metadata.min(MAX_METADATA as u32);
        Self {
            outgoing: Outgoing::new((peer.max_calls as usize).min(ours.max_calls)),
            incoming: Incoming::new(ours.max_calls),
            outbox: Outbox::new(peer.max_buffered as usize),
            liveness: Liveness::new(ours.keepalive, ours.write_stall, now),
            ours,
            peer,
            idle,
            events: VecDeque::new(),
            departed: Vec::new(),
            request_cost: 0,
            reply_cost: 0,
            written: 0,
            last_call: now,
            called: false,
            pong_waits: false,
            going_away: false,
            peer_going_away: false,
            peer_finished: false,
        }
    }

    // ---- application commands ------------------------------------------------------------------------------------

    /// Makes a call and gives its id.
    ///
    /// # Errors
    /// A refusal, when the peer would refuse it: nothing was queued.
    pub(crate) fn start(
        &mut self,
        head: &RequestHead,
        body: Body<'_>,
        deadline: Option<Instant>,
    ) -> Result<u32, Error> {
        self.check_start(head, body.len())?;
        self.called = true;
        let total = (body.len() > PIECE).then_some(body.len() as u32);
        let mut call = OutgoingCall {
            deadline,
            timeout: head.timeout,
            ..OutgoingCall::default()
        };
        match body {
            Body::Small(bytes) => {
                let id = self.outgoing.insert(call);
                let small = self.outbox.small();
                put_header(small, Kind::Request, false, id, head.len(None) + bytes.len());
                head.put(small, None);
                small.extend_from_slice(bytes);
                let end = self.outbox.position();
                if let Some(call) = self.outgoing.find(id) {
                    call.end = Some(end);
                }
                Ok(id)
            }
            Body::Large(bytes) => {
                call.cost = total.map_or(0, |total| total as usize);
                let id = self.outgoing.insert(call);
                let mut encoded = BytesMut::with_capacity(head.len(total));
                head.put(&mut encoded, total);
                self.outbox.push_large(Kind::Request, id, encoded.freeze(), bytes);
                Ok(id)
            }
        }
    }

    /// What is held for calls in flight.
    #[cfg(any(test, feature = "_fuzzing"))]
    pub(super) fn held(&self) -> Held {
        Held {
            requests: self.request_cost,
            replies: self.reply_cost,
            spent: self.outbox.spent(),
            assembled: self.outgoing.assembled() + self.incoming.assembled(),
            events: self.events.len(),
        }
    }

    fn check_start(&self, head: &RequestHead, length: usize) -> Result<(), Error> {
        if self.peer_going_away {
            return Err(Error::refused(
                Code::Unavailable,
                "the server is shutting down and takes no new calls",
            ));
        }
        if self.outgoing.len() >= self.outgoing.limit() {
            return Err(Error::refused(
                Code::ResourceExhausted,
                format!(
                    "{} calls are in flight on this connection already, the limit (`max_calls`)",
                    self.outgoing.limit()
                ),
            ));
        }
        let limit = (self.peer.max_message as usize).min(self.ours.max_message);
        if length > limit {
            return Err(Error::refused(
                Code::ResourceExhausted,
                format!("the arguments take {length} bytes, the limit (`max_message`) is {limit}"),
            ));
        }
        let limit = (self.peer.max_metadata as usize).min(self.ours.max_metadata);
        if head.metadata.len() > limit {
            return Err(Error::refused(
                Code::ResourceExhausted,
                format!(
                    "the metadata takes {} bytes, the limit (`max_metadata`) is {limit}",
                    head.metadata.len()
                ),
            ));
        }
        Ok(())
    }

    /// The caller is gone: the handler is to stop, and the answer goes nowhere.
    pub(crate) fn abandon(&mut self, id: u32) {
        if self
            .outgoing
            .find(id)
            .is_some_and(|call| !call.ended && !call.cancelled)
        {
            self.cancel(id);
        }
        self.release(id);
    }

    /// The caller has the answer or does not want it: the id is free when the call has ended.
    pub(crate) fn release(&mut self, id: u32) {
        if let Some(call) = self.outgoing.find(id) {
            call.released = true;
            self.outgoing.settle(id);
        }
    }

    /// Asks the peer to stop a call, and says whether it certainly never runs: some of it has not left and never will.
    fn cancel(&mut self, id: u32) -> bool {
        let Some(call) = self.outgoing.find(id) else {
            return false;
        };
        call.cancelled = true;
        if let Some((_, assembly)) = call.reply.take() {
            self.reply_cost -= assembly.total();
        }
        let withdrawn = match call.end {
            Some(_) => Withdrawn::Gone,
            None => self.outbox.withdraw(Kind::Request, id),
        };
        match withdrawn {
            Withdrawn::Unbegun => call.ended = true,
            Withdrawn::Begun | Withdrawn::Gone => put_empty(self.outbox.small(), Kind::Cancel, id),
        }
        withdrawn != Withdrawn::Gone
    }

    /// Answers a call of the peer.
    pub(crate) fn reply(&mut self, id: u32, metadata: &Bytes, answer: Result<Body<'_>, &Error>) {
        let Some(&mut IncomingCall::Active { stop, cost, .. }) = self.incoming.find(id) else {
            return;
        };
        match (stop, answer) {
            (Some(stop), answer) => {
                let outcome = answer.map_or_else(Error::outcome, |_| Outcome::Executed);
                self.fail(id, &stopped(stop).with_outcome(outcome));
            }
            (None, Err(error)) => self.fail(id, error),
            (None, Ok(body)) => match self.check_reply(metadata, body.len()) {
                Err(error) => self.fail(id, &error),
                Ok(()) => self.succeed(id, cost, metadata, body),
            },
        }
    }

    fn check_reply(&self, metadata: &Bytes, length: usize) -> Result<(), Error> {
        let limit = (self.peer.max_message as usize).min(self.ours.max_message);
        if length > limit {
            return Err(Error::resource_exhausted(format!(
                "the result takes {length} bytes, the limit (`max_message`) is {limit}"
            )));
        }
        let limit = self.peer.max_metadata as usize;
        if metadata.len() > limit {
            return Err(Error::resource_exhausted(format!(
                "the reply's metadata takes {} bytes, the limit (`max_metadata`) is {limit}",
                metadata.len()
            )));
        }
        Ok(())
    }

    fn succeed(&mut self, id: u32, cost: usize, metadata: &Bytes, body: Body<'_>) {
        let total = (body.len() > PIECE).then_some(body.len() as u32);
        let length = reply_head_len(metadata, total);
        match body {
            Body::Small(bytes) => {
                let small = self.outbox.small();
                put_header(small, Kind::Reply, false, id, length + bytes.len());
                put_reply_head(small, metadata, None);
                small.extend_from_slice(bytes);
                self.end_incoming(id, self.outbox.position());
            }
            Body::Large(bytes) => {
                if let Some(call) = self.incoming.find(id) {
                    *call = IncomingCall::Replying { cost };
                }
                let mut head = BytesMut::with_capacity(length);
                put_reply_head(&mut head, metadata, total);
                self.outbox.push_large(Kind::Reply, id, head.freeze(), bytes);
            }
        }
    }

    fn fail(&mut self, id: u32, error: &Error) {
        let answered = self.put_failure(id, error);
        self.end_incoming(id, answered);
    }

    /// Queues a failure and gives the position behind it.
    fn put_failure(&mut self, id: u32, error: &Error) -> u64 {
        let payload = encode_failure(error, self.peer.max_metadata as usize);
        let small = self.outbox.small();
        put_header(small, Kind::Failure, false, id, payload.len());
        small.extend_from_slice(&payload);
        self.outbox.position()
    }

    /// Tells the peer that this side takes no new calls; those under way go on.
    pub(crate) fn go_away(&mut self) {
        if !self.going_away {
            self.going_away = true;
            put_empty(self.outbox.small(), Kind::GoAway, 0);
        }
    }

    /// Tells the peer why the connection ends. With [`Outcome::NotExecuted`] it says that everything looked at was answered, and
    /// nothing else ever will be looked at.
    pub(crate) fn close(&mut self, why: &Error) {
        let payload = encode_failure(why, 0);
        let small = self.outbox.small();
        put_header(small, Kind::Close, false, 0, payload.len());
        small.extend_from_slice(&payload);
    }

    // ---- input ---------------------------------------------------------------------------------------------------

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

    /// Bytes came from the peer.
    pub(crate) fn handle_heard(&mut self, now: Instant) {
        self.liveness.handle_heard(now);
    }

    fn handle_frame(&mut self, frame: Frame, now: Instant) -> Result<(), Lost> {
        let Frame {
            kind,
            more,
            call,
            payload,
        } = frame;
        match kind {
            Kind::Reply => self.handle_reply(call, payload, more)?,
            Kind::ReplyData => self.handle_reply_data(call, &payload, more)?,
            Kind::Request => self.handle_request(call, payload, more, now)?,
            Kind::RequestData => self.handle_request_data(call, &payload, more)?,
            Kind::Failure => self.handle_failure(call, payload)?,
            Kind::Cancel => self.handle_cancel(call)?,
            Kind::Ping => {
                if !self.pong_waits {
                    self.pong_waits = true;
                    put_empty(self.outbox.small(), Kind::Pong, 0);
                }
                return Ok(());
            }
            Kind::Pong => return Ok(()),
            Kind::GoAway => {
                if !self.peer_going_away {
                    self.peer_going_away = true;
                    self.events.push_back(Event::GoAway);
                }
            }
            Kind::Close => {
                let error = decode_failure(payload, 0)?;
                self.peer_finished = error.outcome() == Outcome::NotExecuted;
                return Err(Lost::Closed(error));
            }
        }
        self.last_call = now;
        Ok(())
    }

    fn handle_reply(&mut self, id: u32, mut payload: Bytes, more: bool) -> Result<(), Violation> {
        let call = self.outgoing.in_flight(id)?;
        if call.reply.is_some() {
            return Err(Violation::new(format!("two replies to call {id}")));
        }
        let (metadata, total) = take_reply_head(&mut payload, more, self.ours.max_metadata)?;
        let Some(total) = total else {
            return self.end_outgoing(id, |call| Event::Reply {
                call,
                metadata,
                body: payload,
            });
        };
        let total = total as usize;
        if total > self.ours.max_message {
            return Err(Violation::new(format!(
                "a reply of {total} bytes, the limit (`max_message`) is {}",
                self.ours.max_message
            )));
        }
        if call.cancelled {
            return Ok(());
        }
        if self.reply_cost + total > self.ours.max_buffered {
            return Err(Violation::new("more unfinished replies than `max_buffered` allows"));
        }
        let mut assembly = Assembly::new(total);
        assembly.push(&payload, true)?;
        call.reply = Some((metadata, assembly));
        self.reply_cost += total;
        Ok(())
    }

    fn handle_reply_data(&mut self, id: u32, piece: &[u8], more: bool) -> Result<(), Violation> {
        let call = self.outgoing.in_flight(id)?;
        let (metadata, body) = match &mut call.reply {
            // What comes for a caller who is gone is not kept.
            _ if call.cancelled => (Bytes::new(), (!more).then(Bytes::new)),
            Some((metadata, assembly)) => (metadata.clone(), assembly.push(piece, more)?),
            None => {
                return Err(Violation::new(format!(
                    "a piece of a reply to call {id} that never began"
                )));
            }
        };
        match body {
            Some(body) => self.end_outgoing(id, |call| Event::Reply { call, metadata, body }),
            None => Ok(()),
        }
    }

    fn handle_failure(&mut self, id: u32, payload: Bytes) -> Result<(), Violation> {
        let error = decode_failure(payload, self.ours.max_metadata)?;
        self.outgoing.in_flight(id)?;
        self.end_outgoing(id, |call| Event::Failed { call, error })
    }

    /// Ends a call that this side made. The event is only for a caller who still waits.
    fn end_outgoing(&mut self, id: u32, event: impl FnOnce(u32) -> Event) -> Result<(), Violation> {
        let call = self.outgoing.in_flight(id)?;
        let withdrawn = match call.end {
            Some(end) if end > self.outbox.taken() => Withdrawn::Unbegun,
            None if !call.cancelled => self.outbox.withdraw(Kind::Request, id),
            _ => Withdrawn::Gone,
        };
        match withdrawn {
            // The call has not ended: its caller is told when the connection is drained.
            Withdrawn::Unbegun => {
                return Err(Violation::new(format!(
                    "an answer to call {id} before any of its request was sent"
                )));
            }
            // The peer answered early and lets the rest of the request go by; this ends it.
            Withdrawn::Begun => put_empty(self.outbox.small(), Kind::Cancel, id),
            Withdrawn::Gone => {}
        }
        call.ended = true;
        let (cost, waits) = (call.cost, !call.cancelled && !call.released);
        call.queued |= waits;
        if let Some((_, assembly)) = call.reply.take() {
            self.reply_cost -= assembly.total();
        }
        self.outbox.release(Kind::Request, cost);
        if waits {
            self.events.push_back(event(id));
        }
        self.outgoing.settle(id);
        Ok(())
    }

    fn handle_request(&mut self, id: u32, mut payload: Bytes, more: bool, now: Instant) -> Result<(), Violation> {
        let taken = self.outbox.taken();
        if !matches!(self.incoming.place(id)?, IncomingCall::Idle { answered } if *answered <= taken) {
            return Err(Violation::new(format!(
                "a request with the id of call {id}, which is in flight"
            )));
        }
        let (head, total) = RequestHead::take(&mut payload, more, self.ours.max_metadata)?;
        let total = total.map(|total| total as usize);
        let length = total.unwrap_or(payload.len());
        if length > self.ours.max_message {
            return Err(Violation::new(format!(
                "a request of {length} bytes, the limit (`max_message`) is {}",
                self.ours.max_message
            )));
        }
        if self.going_away {
            let answered = self.put_failure(
                id,
                &Error::refused(Code::Unavailable, "the server is shutting down and takes no new calls"),
            );
            self.incoming.begin(id, IncomingCall::Discarding { answered }, None);
            if !more {
                self.incoming.end(id, answered);
            }
            return Ok(());
        }
        let deadline = head.timeout.and_then(|timeout| now.checked_add(timeout));
        let Some(total) = total else {
            self.incoming.begin(
                id,
                IncomingCall::Active {
                    deadline,
                    stop: None,
                    cost: 0,
                },
                deadline,
            );
            self.events.push_back(Event::Request {
                call: id,
                head,
                deadline,
                body: payload,
            });
            return Ok(());
        };
        if self.request_cost + total > self.ours.max_buffered {
            return Err(Violation::new("more unfinished requests than `max_buffered` allows"));
        }
        let mut body = Assembly::new(total);
        body.push(&payload, true)?;
        self.request_cost += total;
        self.incoming
            .begin(id, IncomingCall::Receiving { head, deadline, body }, deadline);
        Ok(())
    }

    fn handle_request_data(&mut self, id: u32, piece: &[u8], more: bool) -> Result<(), Violation> {
        match self.incoming.place(id)? {
            IncomingCall::Receiving { head, deadline, body } => {
                let Some(bytes) = body.push(piece, more)? else {
                    return Ok(());
                };
                let (head, deadline, cost) = (std::mem::take(head), *deadline, body.total());
                *self.incoming.place(id)? = IncomingCall::Active {
                    deadline,
                    stop: None,
                    cost,
                };
                self.events.push_back(Event::Request {
                    call: id,
                    head,
                    deadline,
                    body: bytes,
                });
            }
            IncomingCall::Discarding { .. } if more => {}
            &mut IncomingCall::Discarding { answered } => {
                self.incoming.end(id, answered);
            }
            _ => {
                return Err(Violation::new(format!(
                    "a piece of a request of call {id} that never began"
                )));
            }
        }
        Ok(())
    }

    fn handle_cancel(&mut self, id: u32) -> Result<(), Violation> {
        match self.incoming.place(id)? {
            // The answer and the cancellation crossed, or the handler is being stopped already.
            IncomingCall::Idle { .. } | IncomingCall::Active { stop: Some(_), .. } => {}
            &mut IncomingCall::Discarding { answered } => {
                self.incoming.end(id, answered);
            }
            IncomingCall::Receiving { .. } => {
                self.fail(id, &stopped(Stop::Cancelled).with_outcome(Outcome::NotExecuted));
            }
            IncomingCall::Active { stop, .. } => {
                *stop = Some(Stop::Cancelled);
                self.events.push_back(Event::Stop {
                    call: id,
                    why: Stop::Cancelled,
                });
            }
            IncomingCall::Replying { .. } => {
                self.outbox.withdraw(Kind::Reply, id);
                self.fail(id, &stopped(Stop::Cancelled));
            }
        }
        Ok(())
    }

    /// Ends a call of the peer; its answer ends at the position `answered`.
    fn end_incoming(&mut self, id: u32, answered: u64) {
        self.called = true;
        match self.incoming.end(id, answered) {
            Some(IncomingCall::Receiving { body, .. }) => self.request_cost -= body.total(),
            Some(IncomingCall::Active { cost, .. } | IncomingCall::Replying { cost }) => self.request_cost -= cost,
            Some(IncomingCall::Idle { .. } | IncomingCall::Discarding { .. }) | None => {}
        }
    }

    // ---- output --------------------------------------------------------------------------------------------------

    /// The next thing that happened; nothing about a call whose caller has gone meanwhile.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        loop {
            let event = self.events.pop_front()?;
            let (Event::Reply { call, .. } | Event::Failed { call, .. }) = event else {
                return Some(event);
            };
            if self.outgoing.hand_out(call) {
                return Some(event);
            }
        }
    }

    /// Takes what is to be written next, in order.
    pub(crate) fn poll_transmit(&mut self, chunks: &mut VecDeque<Bytes>) {
        if !self.outbox.is_ready() {
            return;
        }
        self.pong_waits = false;
        let mut departed = std::mem::take(&mut self.departed);
        self.outbox.take(chunks, &mut departed);
        for Departed { kind, call, end } in departed.drain(..) {
            if kind == Kind::Reply {
                self.end_incoming(call, end);
            } else if let Some(call) = self.outgoing.find(call) {
                call.end = Some(end);
            }
        }
        self.departed = departed;
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to give.
    pub(crate) fn wants_write(&self) -> bool {
        self.outbox.is_ready()
    }

    /// The transport took `length` of the bytes; `waits` when it has more to take.
    pub(crate) fn handle_written(&mut self, length: usize, waits: bool, now: Instant) {
        self.written += length as u64;
        if std::mem::take(&mut self.called) {
            self.last_call = now;
        }
        self.liveness.handle_written(waits, now);
    }

    /// The transport takes nothing now.
    pub(crate) fn handle_blocked(&mut self, now: Instant) {
        self.liveness.handle_blocked(now);
    }

    /// Whether all of a call's request was taken by the transport, or the call is over.
    pub(crate) fn has_left(&mut self, id: u32) -> bool {
        let written = self.written;
        self.outgoing
            .find(id)
            .is_none_or(|call| call.end.is_some_and(|end| end <= written))
    }

    /// The bytes that wait to be written and hold up what comes behind them: large messages take turns, so of them only what
    /// is more than `max_buffered`.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.len() - self.outbox.large().min(self.ours.max_buffered)
    }

    /// The calls in flight that this side made, given-up ones included.
    pub(crate) fn outgoing(&self) -> usize {
        self.outgoing.len()
    }

    /// The calls in flight that the peer made.
    pub(crate) fn incoming(&self) -> usize {
        self.incoming.len()
    }

    /// Whether nobody waits for anything in either direction and all is handed to the transport.
    pub(crate) fn is_drained(&self) -> bool {
        self.incoming.len() == 0 && self.outbox.len() == 0 && !self.outgoing.is_awaited()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; it may have nothing to do by then.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let calls = earlier(self.outgoing.earliest_deadline(), self.incoming.earliest_deadline());
        earlier(earlier(calls, self.idle_until()), self.liveness.poll_timeout())
    }

    /// Acts on what time has brought.
    ///
    /// # Errors
    /// The connection is over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Lost> {
        for id in self.outgoing.expired(now) {
            let timeout = self.outgoing.find(id).and_then(|call| call.timeout).unwrap_or_default();
            let outcome = if self.cancel(id) {
                Outcome::NotExecuted
            } else {
                Outcome::Unknown
            };
            let error = Error::deadline_exceeded(format!("no answer within {timeout:?}")).with_outcome(outcome);
            if let Some(call) = self.outgoing.find(id) {
                call.queued = true;
            }
            self.events.push_back(Event::Failed { call: id, error });
        }
        for id in self.incoming.expired(now) {
            self.expire_incoming(id);
        }
        match self.liveness.handle_timeout(now) {
            Verdict::Alive => {}
            Verdict::Ping => put_empty(self.outbox.small(), Kind::Ping, 0),
            Verdict::Silent => return Err(Lost::Silent(self.ours.keepalive)),
            Verdict::Stalled => return Err(Lost::Stalled(self.ours.write_stall)),
        }
        if self.outgoing.len() + self.incoming.len() > 0 {
            self.last_call = now;
        }
        if self.idle_until().is_some_and(|until| until <= now) {
            self.go_away();
            self.events.push_back(Event::GoAway);
        }
        Ok(())
    }

    /// When the connection ends for want of calls.
    fn idle_until(&self) -> Option<Instant> {
        let idle = self.idle.filter(|_| !self.going_away)?;
        self.last_call.checked_add(idle)
    }

    fn expire_incoming(&mut self, id: u32) {
        match self.incoming.find(id) {
            Some(IncomingCall::Active { stop, .. }) => {
                *stop = Some(Stop::Expired);
                self.events.push_back(Event::Stop {
                    call: id,
                    why: Stop::Expired,
                });
            }
            Some(IncomingCall::Receiving { body, .. }) => {
                self.request_cost -= body.total();
                let error = stopped(Stop::Expired).with_outcome(Outcome::NotExecuted);
                let answered = self.put_failure(id, &error);
                if let Some(call) = self.incoming.find(id) {
                    *call = IncomingCall::Discarding { answered };
                }
            }
            _ => {}
        }
    }

    /// Ends every call that this side made, because the connection is over: those whose request did not leave entirely
    /// certainly never ran, nor did those that a peer left unanswered which says that it answered all it looked at. Calls that ended before are not among them: take the last events first.
    pub(crate) fn drain_lost(&mut self) -> Vec<(u32, Outcome)> {
        let written = self.written;
        let finished = self.peer_finished;
        let outcome = |end: Option<u64>| match end {
            Some(end) if end <= written && !finished => Outcome::Unknown,
            _ => Outcome::NotExecuted,
        };
        self.outgoing.drain().map(|(id, end)| (id, outcome(end))).collect()
    }
}

/// The failure of a call whose handler was asked to stop.
fn stopped(why: Stop) -> Error {
    match why {
        Stop::Cancelled => Error::cancelled("the caller gave the call up"),
        Stop::Expired => Error::deadline_exceeded("the handler was stopped at the deadline"),
    }
}
