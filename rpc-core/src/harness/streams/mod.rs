//! Two honest peers that send each other streams and references, in calls, answers and items: every item comes once,
//! whole and in order, every stream ends once, every object lives as long as there is a reference, and in the end
//! nothing is left.

mod net;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use ::bytes::{BufMut, Bytes, BytesMut};
use thin_vec::ThinVec;

pub(super) use self::net::Net;

use super::{pair::body, script::Script};
use crate::{
    Code, Error, Limits,
    proto::{
        Attachment, Capacity, Carrier, Event, Flow, ItemReader, ItemWriter, Lost, Received, RequestHead, StreamId,
        Target, connection::Usage,
    },
};

const MESSAGE: usize = 200 << 10;
const BUFFERED: usize = 500 << 10;
const WINDOW: usize = 16 << 10;
const CALLS: usize = 8;
const STREAMS: usize = 12;
/// What stands at the beginning of an item: its stream, its number there, and the first stream that it carries.
const HEAD: usize = 12;

/// Both sides do what the script says until it ends, then finish.
pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let carrier = match script.below(2) {
        0 => Carrier::Stream,
        _ => Carrier::Datagrams,
    };
    let limits = Limits::default()
        .max_message(MESSAGE)
        .max_udp_message(MESSAGE)
        .max_buffered(BUFFERED)
        .max_calls(CALLS)
        .max_streams(STREAMS)
        .stream_window(WINDOW)
        .max_stream_window(100 << 10);
    let mut model = StreamModel {
        net: Net::new(carrier, &[limits.clone(), limits].map(Limits::normalised), now),
        sides: Default::default(),
        streams: Vec::new(),
        watched: 0,
    };
    while let Some(action) = script.byte() {
        model.act(action, &mut script).expect("both are honest");
    }
    model.finish().expect("both are honest");
}

/// What is true of a stream, even if no user knows all of it.
#[derive(Debug, Default)]
struct Truth {
    sent: u32,
    received: u32,
    /// How its sender ended it.
    ended: Option<Result<(), ()>>,
}

/// What one side has.
#[derive(Default)]
struct StreamSide {
    senders: Vec<(StreamId, usize)>,
    receivers: Vec<(StreamId, usize)>,
    /// Calls that wait for an answer.
    calls: Vec<u32>,
    /// Calls of the peer that wait for one.
    serving: Vec<u32>,
    /// References to the peer's objects, with how often each was named.
    imports: Vec<(u32, u64)>,
    /// Objects that the peer has references to.
    exports: BTreeSet<u32>,
    /// Watches of the peer's objects that were not answered.
    watches: BTreeSet<u64>,
}

struct StreamModel {
    net: Net,
    sides: [StreamSide; 2],
    streams: Vec<Truth>,
    /// Watches, of both sides.
    watched: u64,
}

impl StreamModel {
    fn act(&mut self, action: u8, script: &mut Script<'_>) -> Result<(), Lost> {
        let end = usize::from(action & 1);
        match action / 2 % 12 {
            0 => self.call(end, script),
            1 => self.abandon(end, script),
            2 => self.answer(end, script),
            3 | 4 => self.send(end, script),
            5 => self.end(end, script),
            6 | 7 => self.receive_some(end, script),
            8 => self.release(end, script),
            9 => self.net.write(end),
            10 => drop(self.net.read(end, script)?),
            _ => {
                for _ in 0..script.below(16) {
                    self.net.write(end);
                    self.net.read(1 - end, script)?;
                }
            }
        }
        self.take_events(end);
        self.check_bounds(end);
        Ok(())
    }

    /// What a message of `end` carries, and the first of the streams in it.
    fn list(&mut self, end: usize, script: &mut Script<'_>) -> (ThinVec<Attachment>, usize) {
        let first = self.streams.len();
        let side = &mut self.sides[end];
        let connection = &mut self.net.ends[end];
        let mut list = ThinVec::new();
        for _ in 0..[0, 0, 1, 3][script.below(4)] {
            let flow = match script.below(5) {
                0 | 1 => Flow::Sends,
                2 => Flow::Receives,
                3 => {
                    let known = side.exports.first().copied().filter(|_| script.below(2) == 0);
                    let object = connection.export(known).expect("there are few");
                    side.exports.insert(object);
                    list.push(Attachment::Object { object, service: 7 });
                    continue;
                }
                _ => {
                    if let Some((object, uses)) = side.imports.last_mut() {
                        *uses += 1;
                        list.push(Attachment::Returned { object: *object });
                    }
                    continue;
                }
            };
            let Ok(stream) = connection.open_stream(flow) else {
                continue;
            };
            let ends = match flow {
                Flow::Sends => &mut side.senders,
                Flow::Receives => &mut side.receivers,
            };
            ends.push((stream, self.streams.len()));
            self.streams.push(Truth::default());
            list.push(Attachment::Stream { stream, flow });
        }
        (list, first)
    }

    /// What a message brought to `end`.
    fn claim(&mut self, end: usize, list: ThinVec<Attachment>, first: usize) {
        let side = &mut self.sides[end];
        let mut number = first..;
        for entry in list {
            match entry {
                Attachment::Stream { stream, flow } => {
                    let ends = match flow {
                        Flow::Sends => &mut side.senders,
                        Flow::Receives => &mut side.receivers,
                    };
                    ends.push((stream, number.next().expect("there is no last number")));
                }
                Attachment::Object { object, service } => {
                    assert_eq!(service, 7);
                    side.imports.push((object, 0));
                }
                Attachment::Returned { object } => {
                    assert!(
                        side.exports.contains(&object),
                        "object {object} came back when it was gone"
                    );
                }
            }
        }
    }

    fn call(&mut self, end: usize, script: &mut Script<'_>) {
        if self.sides[end].calls.len() >= CALLS || self.net.ends[end].outgoing() >= CALLS {
            return;
        }
        let (attachments, first) = self.list(end, script);
        let mut head = RequestHead {
            method: first as u64,
            attachments,
            ..RequestHead::default()
        };
        if script.below(3) == 0
            && let Some((object, uses)) = self.sides[end].imports.first_mut()
        {
            *uses += 1;
            head.target = Target::Object(*object);
        }
        let content = Bytes::from(vec![1; script.length(MESSAGE)]);
        let call = self.net.ends[end].start(&head, body(&content), None);
        self.sides[end].calls.push(call.expect("it is within the limits"));
    }

    fn abandon(&mut self, end: usize, script: &mut Script<'_>) {
        let calls = &mut self.sides[end].calls;
        if !calls.is_empty() {
            let call = calls.swap_remove(script.below(calls.len()));
            self.net.ends[end].abandon(call);
        }
    }

    fn answer(&mut self, end: usize, script: &mut Script<'_>) {
        let serving = &mut self.sides[end].serving;
        if serving.is_empty() {
            return;
        }
        let call = serving.swap_remove(script.below(serving.len()));
        let length = 8 + script.length(MESSAGE - 8);
        let mut content = BytesMut::new();
        if self.net.ends[end].can_reply(call, &Bytes::new(), length) {
            let (list, first) = self.list(end, script);
            self.net.ends[end].attach_reply(call, &list);
            content.put_u64_le(first as u64);
        }
        content.resize(length, 1);
        let content = content.freeze();
        self.net.ends[end].reply(call, &Bytes::new(), Ok(body(&content)));
    }

    fn send(&mut self, end: usize, script: &mut Script<'_>) {
        let senders = &mut self.sides[end].senders;
        if senders.is_empty() {
            return;
        }
        let place = script.below(senders.len());
        let (stream, number) = senders[place];
        match self.net.ends[end].capacity(stream) {
            Capacity::Full => {}
            Capacity::Stopped(_) => self.finish_sender(end, place, Ok(())),
            Capacity::Room if script.below(4) == 0 => {
                let mut batch = ItemWriter::default();
                for _ in 0..script.below(20) {
                    let item = self.item(number, 0, script.below(50));
                    batch.begin().extend_from_slice(&item);
                    batch.end();
                }
                self.net.ends[end].send_items(stream, batch.items());
            }
            Capacity::Room => {
                let (list, first) = self.list(end, script);
                let item = self.item(number, first, script.length(MESSAGE - HEAD));
                let sent = self.net.ends[end].send_item(stream, &list, body(&item));
                sent.expect("it is within the limits");
            }
        }
    }

    fn item(&mut self, number: usize, first: usize, length: usize) -> Bytes {
        let truth = &mut self.streams[number];
        let mut item = BytesMut::with_capacity(HEAD + length);
        for part in [number as u32, truth.sent, first as u32] {
            item.put_u32_le(part);
        }
        item.resize(HEAD + length, truth.sent as u8);
        truth.sent += 1;
        item.freeze()
    }

    fn end(&mut self, end: usize, script: &mut Script<'_>) {
        let (senders, receivers) = (self.sides[end].senders.len(), self.sides[end].receivers.len());
        match script.below(4) {
            0 if senders > 0 => self.finish_sender(end, script.below(senders), Ok(())),
            1 if senders > 0 => self.finish_sender(end, script.below(senders), Err(())),
            2 if receivers > 0 => {
                let (stream, _) = self.sides[end].receivers.swap_remove(script.below(receivers));
                self.net.ends[end].stop_stream(stream, Some(&Error::aborted("enough")));
            }
            _ => {}
        }
    }

    fn finish_sender(&mut self, end: usize, place: usize, how: Result<(), ()>) {
        let (stream, number) = self.sides[end].senders.swap_remove(place);
        self.streams[number].ended = Some(how);
        let error = Error::data_loss("half of it is gone");
        self.net.ends[end].end_stream(stream, how.map_err(|()| &error));
    }

    fn receive_some(&mut self, end: usize, script: &mut Script<'_>) {
        let receivers = self.sides[end].receivers.len();
        if receivers > 0 {
            self.receive(end, script.below(receivers));
        }
    }

    /// Takes what has come on a stream; says whether there was anything.
    fn receive(&mut self, end: usize, place: usize) -> bool {
        let (stream, number) = self.sides[end].receivers[place];
        let ended = match self.net.ends[end].receive(stream) {
            Received::Nothing => return false,
            Received::Items(batch) => {
                let mut lists = batch.attachments;
                let mut items = ItemReader::new(batch.items);
                while let Some(item) = items.next() {
                    let first = self.check_item(number, item.bytes);
                    if item.carries {
                        let list = lists.pop_front().expect("the item's list");
                        self.claim(end, list, first);
                    }
                }
                assert!(items.is_over(), "a part of an item");
                assert!(lists.is_empty(), "lists without items");
                return true;
            }
            Received::Finished => Ok(()),
            Received::Failed(error) => Err(error.code()),
        };
        let truth = &self.streams[number];
        if ended == Err(Code::Cancelled) {
            let untouched = (truth.received, truth.ended);
            assert_eq!(untouched, (0, None), "a stream that went to nobody");
        } else {
            assert_eq!(truth.ended, Some(ended.map_err(drop)), "{truth:?}");
            assert_eq!(truth.received, truth.sent, "items before the end");
        }
        self.sides[end].receivers.swap_remove(place);
        self.net.ends[end].stop_stream(stream, None);
        true
    }

    fn check_item(&mut self, number: usize, item: &[u8]) -> usize {
        let truth = &mut self.streams[number];
        let part = |at: usize| u32::from_le_bytes(item[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(
            (part(0) as usize, part(4)),
            (number, truth.received),
            "an item out of its place"
        );
        assert!(
            item[HEAD..].iter().all(|&byte| byte == truth.received as u8),
            "bytes mixed up"
        );
        truth.received += 1;
        part(8) as usize
    }

    fn release(&mut self, end: usize, script: &mut Script<'_>) {
        let imports = &mut self.sides[end].imports;
        if !imports.is_empty() {
            let (object, uses) = imports.swap_remove(script.below(imports.len()));
            // Some of them were watched before.
            if uses % 2 == 0 {
                self.watched += 1;
                self.sides[end].watches.insert(self.watched);
                self.net.ends[end].watch_object(object, self.watched);
            }
            self.net.ends[end].release_object(object, uses);
        }
    }

    fn take_events(&mut self, end: usize) {
        while let Some(event) = self.net.ends[end].poll_event() {
            match event {
                Event::Request { call, head, .. } => {
                    if let Some(object) = head.target.object() {
                        assert!(
                            self.sides[end].exports.contains(&object),
                            "object {object} was called when it was gone"
                        );
                    }
                    self.claim(end, head.attachments, head.method as usize);
                    self.sides[end].serving.push(call);
                }
                Event::Reply {
                    call,
                    body,
                    attachments,
                    ..
                } => {
                    let first = u64::from_le_bytes(body[..8].try_into().expect("eight bytes"));
                    self.claim(end, attachments, first as usize);
                    self.end_call(end, call);
                }
                Event::Failed { call, error } => {
                    assert_eq!(error.code(), Code::Cancelled, "{error}");
                    self.end_call(end, call);
                }
                Event::Released { object } => {
                    assert!(self.sides[end].exports.remove(&object), "object {object} went twice");
                }
                Event::Watched { object, watch } => {
                    assert!(
                        self.sides[end].exports.contains(&object),
                        "object {object} was watched and is not here"
                    );
                    self.net.ends[end].tell_revoked(watch);
                }
                Event::Revoked { watch } => {
                    assert!(
                        self.sides[end].watches.remove(&watch),
                        "watch {watch} was answered without a question"
                    );
                }
                Event::Stop { .. }
                | Event::GoAway
                | Event::Sendable { .. }
                | Event::Receivable { .. }
                | Event::Left { .. } => {}
            }
        }
    }

    fn end_call(&mut self, end: usize, call: u32) {
        self.sides[end].calls.retain(|&waiting| waiting != call);
        self.net.ends[end].release(call);
    }

    fn check_bounds(&mut self, end: usize) {
        let connection = &self.net.ends[end];
        let held = connection.held();
        assert!(held.streams <= 2 * STREAMS, "{held:?}");
        assert!(held.beyond <= BUFFERED && held.asked <= BUFFERED + MESSAGE, "{held:?}");
        assert!(
            held.arrived <= 2 * STREAMS * WINDOW + held.beyond + held.asked,
            "{held:?}"
        );
    }

    /// Ends everything, and takes all that comes.
    fn finish(&mut self) -> Result<(), Lost> {
        for _ in 0..10_000 {
            self.net.settle()?;
            let mut busy = false;
            for end in 0..2 {
                self.take_events(end);
                for call in std::mem::take(&mut self.sides[end].serving) {
                    let nothing = self.streams.len().to_le_bytes();
                    let body = crate::proto::Body::Small(&nothing);
                    self.net.ends[end].reply(call, &Bytes::new(), Ok(body));
                    busy = true;
                }
                while !self.sides[end].senders.is_empty() {
                    self.finish_sender(end, 0, Ok(()));
                    busy = true;
                }
                for (object, uses) in std::mem::take(&mut self.sides[end].imports) {
                    self.net.ends[end].release_object(object, uses);
                    busy = true;
                }
                for place in (0..self.sides[end].receivers.len()).rev() {
                    while place < self.sides[end].receivers.len() && self.receive(end, place) {
                        busy = true;
                    }
                }
                // Credit for what was taken last.
                busy |= self.net.ends[end].wants_write();
            }
            if !busy {
                break;
            }
        }
        self.assert_empty();
        Ok(())
    }

    fn assert_empty(&mut self) {
        for (side, connection) in self.sides.iter().zip(&mut self.net.ends) {
            let left: BTreeMap<_, _> = [
                ("senders", side.senders.len()),
                ("receivers", side.receivers.len()),
                ("calls", side.calls.len()),
                ("objects", side.exports.len()),
                ("watches", side.watches.len()),
            ]
            .into_iter()
            .filter(|&(_, count)| count > 0)
            .collect();
            assert!(left.is_empty(), "{left:?} are left");
            assert_eq!(connection.held(), Usage::default());
            assert!(connection.is_drained());
        }
    }
}
