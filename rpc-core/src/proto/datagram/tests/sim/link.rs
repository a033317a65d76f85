//! One end of a session with the connection above it, as a driver runs them.

mod bounds;

use core::net::SocketAddr;
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use ::bytes::{Buf, Bytes, BytesMut};
use fastrand::Rng;

use super::{
    conditions::SharedTerms,
    ledger::{CallFate, Ledger},
    over::LinkEnd,
    streams::Message,
    users::Users,
};
use crate::harness::body;
use crate::{
    Code, Error, Outcome,
    proto::{
        Announced, Carrier, ClientHello, Connection, Event, Features, HelloError, RequestHead, ServerHello, Settings,
        Target,
        datagram::{Role, Session},
    },
};

/// How long the handshake may take, and the end of a connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
const LINGER: Duration = Duration::from_secs(3);

/// What may wait beyond the window.
const SLACK: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct SimLink {
    pub(super) session: Session,
    /// The session's id, which both sides know.
    pub(super) id: u64,
    /// What has come and was not looked at, and how much that is.
    inbox: VecDeque<(SocketAddr, Vec<u8>)>,
    mail: usize,
    role: Role,
    terms: SharedTerms,
    /// Once the peer's hello has come.
    connection: Option<Connection>,
    begun: Instant,
    /// What is written before anything else.
    hello: Bytes,
    /// What the connection gave.
    output: VecDeque<Bytes>,
    input: BytesMut,
    /// Calls that this side made, by id, and those whose answers were not released yet.
    waiting: BTreeMap<u32, usize>,
    answered: Vec<u32>,
    /// When the handlers of the peer's calls will have an answer.
    serving: BTreeMap<(Instant, u32), usize>,
    users: Users,
    /// It reads nothing before.
    pause: Option<Instant>,
    /// No new calls: leave when all is done.
    closing: bool,
    leaving: Option<Instant>,
    rng: Rng,
}

impl SimLink {
    pub(super) fn new(session: Session, id: u64, role: Role, terms: SharedTerms, seed: u64, now: Instant) -> Self {
        let hello = ClientHello {
            codec: 1,
            limits: Announced::over(Carrier::Datagrams, &terms.limits),
            features: Features::default(),
        };
        Self {
            session,
            id,
            inbox: VecDeque::new(),
            mail: 0,
            role,
            connection: None,
            begun: now,
            hello: if role == Role::Client {
                hello.encode()
            } else {
                Bytes::new()
            },
            output: VecDeque::new(),
            input: BytesMut::new(),
            waiting: BTreeMap::new(),
            answered: Vec::new(),
            serving: BTreeMap::new(),
            pause: None,
            closing: false,
            leaving: None,
            rng: Rng::with_seed(seed),
            users: Users::new(Rng::with_seed(!seed)),
            terms,
        }
    }

    // ---- calls
    // -------------------------------------------------------------------------------------------------------

    /// Whether a call may be made now.
    pub(super) fn has_room(&self) -> bool {
        let room = |connection: &Connection| connection.outgoing() < self.terms.limits.max_calls;
        !self.closing && self.connection.as_ref().is_some_and(room)
    }

    pub(super) fn start(&mut self, number: usize, ledger: &mut Ledger, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        let call = &ledger.calls[number];
        let deadline = call.timeout.map(|timeout| call.at + timeout);
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let target = self.users.choose();
        let parcel = self.users.pack(connection, &mut ledger.streams, Some(number), now);
        let head = RequestHead {
            method: number as u64,
            timeout,
            target: target.map_or(Target::Service, |(object, _)| Target::Object(object)),
            attachments: parcel.list.clone(),
            ..RequestHead::default()
        };
        match connection.start(&head, body(&ledger.request(number)), deadline) {
            Ok(id) => {
                assert_eq!(self.waiting.insert(id, number), None, "the id {id} is in use");
                self.users.sent(Message::Request(number), parcel, &mut ledger.streams);
                if let Some((object, target)) = target {
                    self.users.called(object, target, number, &mut ledger.streams);
                }
            }
            Err(error) => {
                self.users.unpack(&parcel, connection, &mut ledger.streams);
                ledger.told(number, told(error.outcome()));
            }
        }
    }

    /// The caller gives a call up if it is one of this link.
    pub(super) fn cancel(&mut self, number: usize, ledger: &mut Ledger) -> bool {
        let Some(&id) = self
            .waiting
            .iter()
            .find(|(_, waiting)| **waiting == number)
            .map(|(id, _)| id)
        else {
            return false;
        };
        self.waiting.remove(&id);
        if let Some(connection) = &mut self.connection {
            ledger.told(number, told(connection.abandon(id)));
            self.users.call_ends(number, connection, &mut ledger.streams);
        }
        true
    }

    /// Takes no more calls from the peer, and ends when all is done.
    pub(super) fn go_away(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.go_away();
        }
        self.closing = true;
    }

    /// It reads nothing for a while.
    pub(super) fn pause(&mut self, until: Instant) {
        if self.leaving.is_none() {
            self.pause = Some(until);
        }
    }

    /// The link is over: those who wait are told.
    pub(super) fn end(&mut self, ledger: &mut Ledger) {
        self.take_events(ledger, self.begun);
        let Some(connection) = &mut self.connection else { return };
        for (id, outcome) in connection.drain_lost() {
            if let Some(number) = self.waiting.remove(&id) {
                ledger.told(number, told(outcome));
            }
        }
        assert!(self.waiting.is_empty(), "calls {:?} never ended", self.waiting);
        self.users.end(connection, &mut ledger.streams, self.begun);
    }

    /// Whether both sides are there and may have something.
    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some() && self.leaving.is_none()
    }

    /// A datagram came. Without room it is lost.
    pub(super) fn deliver(&mut self, from: SocketAddr, bytes: Vec<u8>) {
        if self.mail + bytes.len() <= self.terms.window as usize + SLACK {
            self.mail += bytes.len();
            self.inbox.push_back((from, bytes));
        }
    }

    // ---- the driver
    // --------------------------------------------------------------------------------------------------

    pub(super) fn due(&self) -> Option<Instant> {
        let hello = self.connection.is_none().then(|| self.begun + HANDSHAKE);
        let connection = self.connection.as_ref().filter(|_| self.leaving.is_none());
        [
            hello,
            self.leaving,
            connection.and_then(Connection::poll_timeout),
            connection.and_then(|_| self.users.due()),
            self.session.poll_timeout(),
            self.serving.first_key_value().map(|(&(at, _), _)| at),
            self.pause,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Who wants to act, and how soon.
    pub(super) fn timers(&self, now: Instant) -> String {
        let soon = |due: Option<Instant>| due.map(|due| due.saturating_duration_since(now));
        let connection = self.connection.as_ref().and_then(Connection::poll_timeout);
        let (session, leaving) = (soon(self.session.poll_timeout()), soon(self.leaving));
        format!(
            "session {session:?}, connection {:?}, leaving {leaving:?}",
            soon(connection)
        )
    }

    /// Does all that can be done now.
    pub(super) fn turn(&mut self, ledger: &mut Ledger, now: Instant) -> Result<(), LinkEnd> {
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        if let Some(until) = self.leaving {
            return self.leave(until, now);
        }
        if self.connection.is_none() && now >= self.begun + HANDSHAKE {
            return Err(LinkEnd::Late);
        }
        self.pause = self.pause.filter(|&until| now < until);
        self.release();
        loop {
            let read = self.read(ledger, now)?;
            self.reply(ledger, now);
            if let Some(connection) = &mut self.connection {
                self.users.run(connection, &mut ledger.streams, now);
            }
            let written = self.write(now);
            self.let_go(ledger);
            // What leaves makes room on streams, and what users do makes events, too.
            let happened = self.take_events(ledger, now);
            if let Some(connection) = self.connection.as_mut().filter(|connection| is_due(connection, now)) {
                if let Some(at) = self.session.heard() {
                    connection.handle_heard(at);
                }
                connection.handle_timeout(now)?;
                self.take_events(ledger, now);
                continue;
            }
            if !read && !written && !happened {
                break;
            }
        }
        if let Some(end) = self.session.end() {
            return Err(LinkEnd::Session(end));
        }
        self.check_bounds();
        self.finish(now);
        Ok(())
    }

    /// Looks at what has come until there is something to read.
    fn gather(&mut self, now: Instant) {
        while self.session.unread().is_empty()
            && let Some((from, bytes)) = self.inbox.pop_front()
        {
            self.mail -= bytes.len();
            self.session.handle_datagram(from, &bytes, now);
        }
    }

    fn read(&mut self, ledger: &mut Ledger, now: Instant) -> Result<bool, LinkEnd> {
        if self.pause.is_some() {
            return Ok(false);
        }
        self.gather(now);
        let unread = self.session.unread();
        let length = unread.len().min(self.rng.usize(1..64 << 10));
        if length == 0 {
            return Ok(false);
        }
        self.input.extend_from_slice(&unread[..length]);
        self.session.consume(length);
        if self.connection.is_none() && !self.greet(now) {
            return Ok(true);
        }
        let Some(connection) = &mut self.connection else {
            return Ok(true);
        };
        connection.handle_heard(now);
        loop {
            let more = connection.handle_input(&mut self.input, 16, now);
            if !more? {
                break;
            }
        }
        self.take_events(ledger, now);
        Ok(true)
    }

    /// Takes the peer's hello, and answers it.
    fn greet(&mut self, now: Instant) -> bool {
        let honest = |hello: HelloError| -> ! { panic!("{hello:?} in an honest hello") };
        let peer = match self.role {
            Role::Client => match ServerHello::take(&mut self.input).unwrap_or_else(|hello| honest(hello)) {
                None => None,
                Some(ServerHello::Accepted { limits, .. }) => Some(limits),
                Some(ServerHello::Rejected(error)) => panic!("{error}"),
            },
            Role::Server => {
                let hello = ClientHello::take(&mut self.input).unwrap_or_else(|hello| honest(hello));
                hello.map(|hello| hello.limits)
            }
        };
        let Some(peer) = peer else { return false };
        let ours = self.terms.limits.clone();
        if self.role == Role::Server {
            let limits = Announced::over(Carrier::Datagrams, &ours);
            self.hello = ServerHello::Accepted {
                codec: 1,
                limits,
                features: Features::default(),
            }
            .encode();
        }
        let idle = self.terms.idle.filter(|_| self.role == Role::Server);
        self.connection = Some(Connection::new(
            Settings {
                ours,
                peer,
                carrier: Carrier::Datagrams,
                idle,
            },
            now,
        ));
        true
    }

    /// Gives the session what it takes.
    fn write(&mut self, now: Instant) -> bool {
        let taken = self.session.write(&self.hello);
        self.hello.advance(taken);
        let Some(connection) = self.connection.as_mut().filter(|_| self.hello.is_empty()) else {
            return taken > 0;
        };
        let mut wrote = false;
        loop {
            if self.output.is_empty() {
                connection.poll_transmit(&mut self.output);
            }
            let Some(chunk) = self.output.front_mut() else {
                return wrote;
            };
            let length = self.session.write(chunk);
            if length == 0 {
                connection.handle_blocked(now);
                return wrote;
            }
            wrote = true;
            chunk.advance(length);
            if chunk.is_empty() {
                self.output.pop_front();
            }
            connection.handle_written(length, !self.output.is_empty(), now);
        }
    }

    /// Says whether anything has happened.
    fn take_events(&mut self, ledger: &mut Ledger, now: Instant) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let mut happened = false;
        while let Some(event) = connection.poll_event() {
            happened = true;
            match event {
                Event::Reply {
                    call,
                    body,
                    attachments,
                    ..
                } => {
                    let number = self.waiting.remove(&call).expect("a reply that nobody waits for");
                    ledger.answered(number, &body);
                    let streams = &mut ledger.streams;
                    self.users
                        .claim(Message::Reply(number), &attachments, None, streams, now);
                    self.users.call_ends(number, connection, streams);
                    self.answered.push(call);
                }
                Event::Failed { call, error } => {
                    let number = self.waiting.remove(&call).expect("a failure that nobody waits for");
                    assert_ne!(
                        error.code(),
                        Code::NotFound,
                        "call {number} was made to an object: {error}"
                    );
                    ledger.told(number, told(error.outcome()));
                    self.users.call_ends(number, connection, &mut ledger.streams);
                    self.answered.push(call);
                }
                Event::Request { call, head, body, .. } => {
                    let number = head.method as usize;
                    ledger.ran(number, &body);
                    let (streams, message) = (&mut ledger.streams, Message::Request(number));
                    self.users.check_target(number, head.target.object(), streams);
                    self.users.claim(message, &head.attachments, Some(number), streams, now);
                    let at = now + self.rng.u32(0..=50) * Duration::from_millis(1);
                    self.serving.insert((at, call), number);
                }
                Event::Stop { call, .. } => {
                    let stopped = self.serving.iter().find(|((_, serving), _)| *serving == call);
                    if let Some((&key, &number)) = stopped {
                        self.serving.remove(&key);
                        self.serving.insert((now, call), number);
                    }
                }
                Event::GoAway => self.closing = true,
                Event::Sendable { stream } | Event::Receivable { stream } => self.users.wake(stream, now),
                Event::Released { object } => self.users.released(object, &mut ledger.streams),
                Event::Watched { object, watch } => self.users.watched(object, watch, connection),
                Event::Revoked { watch } => self.users.revoked(watch),
                Event::Left { .. } => {}
            }
        }
        happened
    }

    /// Answers the calls whose handlers are done.
    fn reply(&mut self, ledger: &mut Ledger, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        while let Some(first) = self.serving.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, call), number) = first.remove_entry();
            let (reply, streams) = (ledger.reply(number), &mut ledger.streams);
            if connection.can_reply(call, &Bytes::new(), reply.len()) {
                let parcel = self.users.pack(connection, streams, None, now);
                connection.attach_reply(call, &parcel.list);
                self.users.sent(Message::Reply(number), parcel, streams);
            }
            connection.reply(call, &Bytes::new(), Ok(body(&reply)));
            self.users.call_ends(number, connection, streams);
        }
    }

    /// The answers were looked at.
    fn release(&mut self) {
        if let Some(connection) = &mut self.connection {
            self.answered.drain(..).for_each(|id| connection.release(id));
        }
    }

    /// Calls without an answer are over when they have left.
    fn let_go(&mut self, ledger: &mut Ledger) {
        let Some(connection) = &mut self.connection else { return };
        self.waiting.retain(|&id, &mut number| {
            let left = ledger.calls[number].one_way && connection.has_left(id);
            if left {
                ledger.told(number, CallFate::Unknown);
                connection.release(id);
                self.users.call_ends(number, connection, &mut ledger.streams);
            }
            !left
        });
    }

    fn finish(&mut self, now: Instant) {
        let done = |connection: &Connection| connection.is_drained();
        if !self.closing || !self.output.is_empty() || !self.connection.as_ref().is_some_and(done) {
            return;
        }
        if let Some(connection) = &mut self.connection {
            connection.close(&Error::refused(Code::Unavailable, "its last call has ended"));
            self.write(now);
        }
        self.leaving = Some(now + LINGER);
        self.pause = None;
    }

    fn leave(&mut self, until: Instant, now: Instant) -> Result<(), LinkEnd> {
        self.write(now);
        while !self.inbox.is_empty() {
            self.gather(now);
            self.session.consume(self.session.unread().len());
        }
        if now >= until || self.session.end().is_some() {
            return Err(LinkEnd::Left);
        }
        Ok(())
    }
}

fn is_due(connection: &Connection, now: Instant) -> bool {
    connection.poll_timeout().is_some_and(|due| due <= now)
}

fn told(outcome: Outcome) -> CallFate {
    match outcome {
        Outcome::Executed => CallFate::Executed,
        Outcome::NotExecuted => CallFate::NotExecuted,
        Outcome::Unknown => CallFate::Unknown,
    }
}
