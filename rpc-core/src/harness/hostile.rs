//! One connection whose peer sends anything at all: nothing panics, memory is bounded, every local call ends once.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use ::bytes::{Bytes, BytesMut};
use thin_vec::{ThinVec, thin_vec};

use super::{
    pair::{body, read},
    script::Script,
};
use crate::{
    Error, Limits,
    proto::{
        Announced, Attachment, Capacity, Carrier, Connection, Event, Flow, Landing, Lost, Received, RequestHead,
        Settings, StreamId,
        frame::{Kind, MAX_PAYLOAD, PIECE, Subject, put_header},
        items::ItemHeader,
    },
};

const MESSAGE: usize = 80 << 10;
const BUFFERED: usize = 100 << 10;
const CALLS: usize = 8;
const STREAMS: usize = 5;
const WINDOW: usize = 16 << 10;
/// What is said about calls, and about streams and objects.
const CALL_KINDS: [Kind; 6] = [
    Kind::Request,
    Kind::RequestData,
    Kind::Reply,
    Kind::ReplyData,
    Kind::Failure,
    Kind::Cancel,
];
const STREAM_KINDS: [Kind; 10] = [
    Kind::RequestAttach,
    Kind::ReplyAttach,
    Kind::ItemAttach,
    Kind::Items,
    Kind::End,
    Kind::Credit,
    Kind::Stop,
    Kind::Release,
    Kind::Watch,
    Kind::Revoked,
];
/// The longest answer that the handlers here make, with its head.
const ANSWER: usize = 256;

/// A local side that makes and answers calls, and a peer made of the script's bytes.
pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let limits = Limits::default()
        .max_message(MESSAGE)
        .max_buffered(BUFFERED)
        .max_calls(CALLS)
        .max_streams(STREAMS)
        .stream_window(WINDOW);
    let announced = Announced {
        max_metadata: u32::MAX,
        ..Announced::over(Carrier::Stream, &limits)
    };
    let settings = Settings {
        ours: limits,
        peer: announced,
        carrier: Carrier::Stream,
        idle: Some(Duration::from_secs(60)),
    };
    let mut local = Local {
        connection: Connection::new(settings, now),
        now,
        wire: BytesMut::new(),
        input: BytesMut::new(),
        landing: None,
        waiting: BTreeSet::new(),
        answered: Vec::new(),
        serving: Vec::new(),
    };
    while let Some(action) = script.byte() {
        if let Err(lost) = local.act(action, &mut script) {
            assert!(!format!("{lost:?}").is_empty());
            break;
        }
        local.check_bounds();
    }
    local.end();
}

struct Local {
    connection: Connection,
    now: Instant,
    /// What the peer has written.
    wire: BytesMut,
    input: BytesMut,
    landing: Option<Landing>,
    waiting: BTreeSet<u32>,
    answered: Vec<u32>,
    serving: Vec<u32>,
}

impl Local {
    fn act(&mut self, action: u8, script: &mut Script<'_>) -> Result<(), Lost> {
        match action % 16 {
            0..=4 => {
                self.frame(script);
                self.handle_input()?;
            }
            5..=7 => {
                self.stream_frame(script);
                self.handle_input()?;
            }
            8 => {
                let length = script.below(32);
                self.wire.extend_from_slice(script.bytes(length));
                self.handle_input()?;
            }
            9 => {
                let content = Bytes::from(vec![1; script.length(MESSAGE)]);
                let timeout = (script.below(3) == 0).then(|| Duration::from_millis(100));
                let deadline = timeout.map(|timeout| self.now + timeout);
                if let Ok(id) = self.connection.start(&RequestHead::default(), body(&content), deadline) {
                    assert!(self.waiting.insert(id), "the id {id} is in use");
                }
            }
            10 => {
                if let Some(&id) = self.waiting.iter().nth(script.below(self.waiting.len())) {
                    self.waiting.remove(&id);
                    self.connection.abandon(id);
                }
            }
            11 if !self.serving.is_empty() => {
                let id = self.serving.swap_remove(script.below(self.serving.len()));
                let content = [1; ANSWER - 32];
                let answer = Bytes::copy_from_slice(&content[..script.below(content.len())]);
                self.connection.reply(id, &Bytes::new(), Ok(body(&answer)));
            }
            12 => {
                let mut chunks = VecDeque::new();
                self.connection.poll_transmit(&mut chunks);
                let length = chunks.iter().map(Bytes::len).sum();
                if length > 0 {
                    self.connection.handle_written(length, false, self.now);
                }
            }
            13 => {
                self.now += Duration::from_millis(50 * script.below(64) as u64);
                self.connection.handle_timeout(self.now)?;
                self.take_events();
            }
            14 if script.below(2) == 0 => self.use_stream(script),
            14 if script.below(16) == 0 => self.connection.go_away(),
            _ => {
                if let Some(id) = self.answered.pop() {
                    self.connection.release(id);
                }
            }
        }
        Ok(())
    }

    /// A frame that looks like one, so that the script gets behind the first checks.
    fn frame(&mut self, script: &mut Script<'_>) {
        let kind = CALL_KINDS[script.below(CALL_KINDS.len())];
        let more = script.below(2) != 0;
        let id = script.below(CALLS + 1) as u32;
        let mut payload = Vec::new();
        let total = match script.below(8) {
            0 => script.length(2 * MESSAGE),
            small => 200 * small,
        };
        match kind {
            Kind::Request => payload.extend([0; 9]),
            Kind::Reply => payload.push(0),
            Kind::Failure => payload.extend([5, script.below(3) as u8, 0]),
            _ => {}
        }
        if more && matches!(kind, Kind::Request | Kind::Reply) {
            payload.extend((total as u32).to_le_bytes());
        }
        payload.extend(std::iter::repeat_n(b'x', script.length(PIECE)));
        self.put(kind, more, id, &payload);
    }

    /// A frame about streams or objects, as one that knows the rules would write it, or nearly.
    fn stream_frame(&mut self, script: &mut Script<'_>) {
        let kind = STREAM_KINDS[script.below(STREAM_KINDS.len())];
        let more = script.below(4) == 0;
        let number = script.below(STREAMS + 1) as u32;
        let by_recipient = script.below(3) == 0;
        let mut payload = Vec::new();
        match kind {
            Kind::RequestAttach | Kind::ReplyAttach | Kind::ItemAttach => {
                for _ in 0..script.below(4) {
                    let tag = script.below(4) as u8;
                    payload.extend([tag, script.below(STREAMS) as u8, 0, 0, 0]);
                    if tag == 2 {
                        payload.extend([7; 4]);
                    }
                }
            }
            Kind::Items => {
                for _ in 0..=script.below(3) {
                    let length = script.length(PIECE / 4);
                    let carries = script.below(4) == 0;
                    payload.extend(ItemHeader { length, carries }.encode());
                    payload.extend(std::iter::repeat_n(b'x', length));
                }
                payload.truncate(payload.len() - script.below(3));
            }
            Kind::End | Kind::Stop if script.below(2) == 0 => payload.extend([10, 2, 0]),
            Kind::End | Kind::Stop => {}
            Kind::Credit => payload.extend((100 * script.below(1000) as u32).to_le_bytes()),
            _ => payload.extend((script.below(2) as u64).to_le_bytes()),
        }
        let id = match kind.subject() {
            Subject::Stream if by_recipient => StreamId::theirs(number).0,
            _ => number,
        };
        self.put(kind, more, id, &payload);
    }

    fn put(&mut self, kind: Kind, more: bool, id: u32, payload: &[u8]) {
        put_header(&mut self.wire, kind, more, id, payload.len());
        self.wire.extend_from_slice(payload);
    }

    /// What a user of streams does: opens some, and goes on with one of those that there are.
    fn use_stream(&mut self, script: &mut Script<'_>) {
        if script.below(4) == 0 {
            self.announce(script);
        }
        let streams = self.connection.streams();
        let Some(&stream) = streams.get(script.below(streams.len())) else {
            return;
        };
        match script.below(6) {
            0 => self.connection.end_stream(stream, Ok(())),
            1 => self.connection.stop_stream(stream, Some(&Error::aborted("enough"))),
            2 | 3 => {
                let item = Bytes::from(vec![1; script.length(MESSAGE)]);
                if let Capacity::Room = self.connection.capacity(stream) {
                    let sent = self.connection.send_item(stream, &[], body(&item));
                    sent.expect("it is within the limits");
                }
            }
            _ => {
                if let Received::Items(batch) = self.connection.receive(stream) {
                    let lists = batch.attachments.into_iter().flatten();
                    self.connection_takes(lists.collect());
                }
            }
        }
    }

    fn announce(&mut self, script: &mut Script<'_>) {
        if self.waiting.len() + self.answered.len() >= CALLS || self.connection.outgoing() >= CALLS {
            return;
        }
        let flow = [Flow::Sends, Flow::Receives][script.below(2)];
        let Ok(stream) = self.connection.open_stream(flow) else {
            return;
        };
        let mut attachments = thin_vec![Attachment::Stream { stream, flow }];
        if let Ok(object) = self.connection.export(None) {
            attachments.push(Attachment::Object { object, service: 7 });
        }
        let head = RequestHead {
            attachments,
            ..RequestHead::default()
        };
        let content = Bytes::from(vec![1; script.length(MESSAGE)]);
        match self.connection.start(&head, body(&content), None) {
            Ok(id) => assert!(self.waiting.insert(id), "the id {id} is in use"),
            Err(_) => self.connection.discard_stream(stream),
        }
    }

    /// Half of what came is let go at once; streams are found again by asking for them.
    fn connection_takes(&mut self, list: ThinVec<Attachment>) {
        for (place, entry) in list.into_iter().enumerate() {
            match entry {
                Attachment::Object { object, .. } => self.connection.release_object(object, 0),
                Attachment::Stream {
                    stream,
                    flow: Flow::Sends,
                } if place % 2 == 0 => {
                    self.connection.end_stream(stream, Ok(()));
                }
                Attachment::Stream { stream, .. } if place % 2 == 0 => self.connection.stop_stream(stream, None),
                _ => {}
            }
        }
    }

    fn handle_input(&mut self) -> Result<(), Lost> {
        self.connection.handle_heard(self.now);
        let handled = loop {
            let (input, landing) = (&mut self.input, &mut self.landing);
            match self.connection.handle_read(input, landing, 3, self.now) {
                Ok(true) => {}
                Ok(false) if self.wire.is_empty() => break Ok(()),
                Ok(false) => {
                    // The first half comes alone, and then the first half of what is left.
                    let rest = self.wire.split_off(self.wire.len().div_ceil(2));
                    read(&mut self.wire, input, landing);
                    self.wire.unsplit(rest);
                }
                Err(lost) => break Err(lost),
            }
        };
        self.take_events();
        handled
    }

    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Reply { call, .. } | Event::Failed { call, .. } => {
                    if let Event::Reply { attachments, .. } = event {
                        self.connection_takes(attachments);
                    }
                    assert!(
                        self.waiting.remove(&call),
                        "an answer to call {call}, which nobody waits for"
                    );
                    self.answered.push(call);
                }
                Event::Request { call, head, .. } => {
                    self.connection_takes(head.attachments);
                    assert!(!self.serving.contains(&call), "two calls with the id {call}");
                    self.serving.push(call);
                }
                Event::Stop { .. }
                | Event::GoAway
                | Event::Sendable { .. }
                | Event::Receivable { .. }
                | Event::Released { .. }
                | Event::Watched { .. }
                | Event::Revoked { .. }
                | Event::Left { .. } => {}
            }
        }
    }

    fn check_bounds(&self) {
        let held = self.connection.held();
        assert!(held.requests <= BUFFERED && held.replies <= BUFFERED, "{held:?}");
        // What is allocated for messages that are coming; one of them at a time may not count, if it is a single frame.
        let announced = held.requests + held.replies + MAX_PAYLOAD;
        assert!(held.assembled <= 2 * announced + 64, "{held:?}");
        assert!(held.streams <= 2 * STREAMS && held.lists <= CALLS, "{held:?}");
        assert!(held.beyond <= BUFFERED, "{held:?}");
        // A list counts against the window, too, and so does what is under way of an item.
        assert!(held.arrived <= 2 * STREAMS * WINDOW + held.beyond, "{held:?}");
        assert!(self.connection.outgoing() <= CALLS && self.connection.incoming() <= CALLS);
        assert!(
            self.input.len() <= MAX_PAYLOAD + 64,
            "{} bytes wait for a frame",
            self.input.len()
        );
        // Each id has at most one answer that did not leave; each local call one request and one cancellation.
        // Streams say a last word of 64 bytes at most, and little else; scripts are too short for many references.
        let bound = CALLS * ANSWER + 2 * CALLS * (MESSAGE + 64) + (32 << 10);
        assert!(
            self.connection.queued() <= bound,
            "{} bytes wait",
            self.connection.queued()
        );
    }

    fn end(&mut self) {
        self.take_events();
        for (id, _) in self.connection.drain_lost() {
            assert!(self.waiting.remove(&id), "call {id} ended twice");
        }
        assert!(self.waiting.is_empty(), "calls {:?} never ended", self.waiting);
        // A handler may answer a connection that is over.
        for id in self.serving.drain(..) {
            self.connection
                .reply(id, &Bytes::new(), Err(&Error::internal("too late")));
        }
    }
}
