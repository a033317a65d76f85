//! Who has ends of streams and references at one end of a session, and what they do with them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use ::bytes::{BufMut, Bytes, BytesMut};
use fastrand::Rng;
use thin_vec::ThinVec;

use super::streams::{Message, StreamLedger, StreamOutcome, Thing};
use crate::harness::body;
use crate::{
    Error,
    proto::{Attachment, Capacity, Connection, Flow, Received, StreamId},
};

/// The bit of an item's length that says that it carries something.
const CARRIES: u32 = 1 << 31;

/// An end of a stream.
#[derive(Clone, Copy, Debug)]
struct HeldEnd {
    number: usize,
    flow: Flow,
    /// It is dropped with this call.
    call: Option<usize>,
    /// When its user does something again; `None` until the connection says that there is something to do.
    next: Option<Instant>,
}

/// A reference to an object of the peer's.
#[derive(Clone, Copy, Debug)]
struct HeldReference {
    object: u32,
    number: usize,
    /// How often a message named it.
    uses: u64,
    until: Instant,
}

/// What a message is about to carry.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    pub(super) list: ThinVec<Attachment>,
    things: Vec<Thing>,
}

#[derive(Debug)]
pub(super) struct Users {
    ends: BTreeMap<u32, HeldEnd>,
    imports: Vec<HeldReference>,
    /// The objects that the peer has references to, by their ids on the connection.
    exports: BTreeMap<u32, usize>,
    /// Watches of the peer's objects that were not answered, and how many there were.
    watches: BTreeSet<u64>,
    watched: u64,
    rng: Rng,
}

impl Users {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            ends: BTreeMap::new(),
            imports: Vec::new(),
            exports: BTreeMap::new(),
            watches: BTreeSet::new(),
            watched: 0,
            rng,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let ends = self.ends.values().filter_map(|end| end.next);
        ends.chain(self.imports.iter().map(|import| import.until)).min()
    }

    /// Whether no user has anything.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.imports.is_empty() && self.exports.is_empty() && self.watches.is_empty()
    }

    // ---- what messages carry
    // -----------------------------------------------------------------------------------------

    /// What the next message is to carry, which is that of the call if there is one. Either [`sent`](Self::sent) or
    /// [`unpack`](Self::unpack) follows.
    pub(super) fn pack(
        &mut self,
        connection: &mut Connection,
        streams: &mut StreamLedger,
        call: Option<usize>,
        now: Instant,
    ) -> Cargo {
        let mut parcel = Cargo::default();
        for _ in 0..[0, 0, 0, 1, 1, 2, 4][self.rng.usize(..7)] {
            let entry = match self.rng.u32(..6) {
                0 | 1 => self.open(Flow::Sends, connection, streams, call, now),
                2 | 3 => self.open(Flow::Receives, connection, streams, call, now),
                4 => self.export(connection, streams),
                _ => self.rng.choice(&self.imports).map(|import| {
                    let object = import.object;
                    (Attachment::Returned { object }, Thing::Returned(import.number))
                }),
            };
            if let Some((attachment, thing)) = entry {
                parcel.list.push(attachment);
                parcel.things.push(thing);
            }
        }
        parcel
    }

    fn open(
        &mut self,
        flow: Flow,
        connection: &mut Connection,
        streams: &mut StreamLedger,
        call: Option<usize>,
        now: Instant,
    ) -> Option<(Attachment, Thing)> {
        // The limit on streams is a fact of life.
        let stream = connection.open_stream(flow).ok()?;
        let Some(number) = streams.open_stream(&mut self.rng) else {
            connection.discard_stream(stream);
            return None;
        };
        self.take(stream, number, flow, call, streams, now);
        Some((Attachment::Stream { stream, flow }, Thing::Stream(number)))
    }

    fn export(&mut self, connection: &mut Connection, streams: &mut StreamLedger) -> Option<(Attachment, Thing)> {
        let known = self.exports.keys().copied().nth(self.rng.usize(..4));
        let object = connection.export(known).ok()?;
        let number = *self.exports.entry(object).or_insert_with(|| streams.new_object());
        Some((Attachment::Object { object, service: 7 }, Thing::Object(number)))
    }

    /// A user has an end of a stream from now on.
    fn take(
        &mut self,
        stream: StreamId,
        number: usize,
        flow: Flow,
        call: Option<usize>,
        streams: &StreamLedger,
        now: Instant,
    ) {
        let end = HeldEnd {
            number,
            flow,
            call: call.filter(|_| streams.plan(number).with_call),
            next: Some(now),
        };
        let before = self.ends.insert(stream.0, end);
        assert!(
            before.is_none(),
            "{stream:?} is used again while somebody has it: {before:?}"
        );
    }

    /// The message that carries this is on its way.
    pub(super) fn sent(&mut self, message: Message, parcel: Cargo, streams: &mut StreamLedger) {
        for entry in &parcel.list {
            if let &Attachment::Returned { object } = entry {
                self.name(object);
            }
        }
        if !parcel.things.is_empty() {
            streams.sent(message, parcel.things);
        }
    }

    fn name(&mut self, object: u32) {
        let named = self.imports.iter_mut().find(|import| import.object == object);
        named.expect("whoever names it has it").uses += 1;
    }

    /// There is no such message after all.
    pub(super) fn unpack(&mut self, parcel: &Cargo, connection: &mut Connection, streams: &mut StreamLedger) {
        for entry in &parcel.list {
            match *entry {
                Attachment::Stream { stream, .. } => {
                    connection.discard_stream(stream);
                    if let Some(end) = self.ends.remove(&stream.0) {
                        streams.discard_stream(end.number);
                    }
                }
                Attachment::Object { object, .. } => connection.unexport(object),
                Attachment::Returned { .. } => {}
            }
        }
    }

    /// A message came with this.
    pub(super) fn claim(
        &mut self,
        message: Message,
        list: &[Attachment],
        call: Option<usize>,
        streams: &mut StreamLedger,
        now: Instant,
    ) {
        let things = streams.came(message);
        assert_eq!(
            things.len(),
            list.len(),
            "{message:?} came with {list:?} and was sent with {things:?}"
        );
        for (entry, thing) in list.iter().zip(things) {
            match (*entry, thing) {
                (Attachment::Stream { stream, flow }, Thing::Stream(number)) => {
                    streams.claim_stream(number);
                    self.take(stream, number, flow, call, streams, now);
                }
                (Attachment::Object { object, .. }, Thing::Object(number)) => {
                    streams.hold(number);
                    self.imports.push(HeldReference {
                        object,
                        number,
                        uses: 0,
                        until: now + Duration::from_millis(self.rng.u64(..2000)),
                    });
                }
                (Attachment::Returned { object }, Thing::Returned(number)) => self.check_named(object, number),
                _ => panic!("{message:?} came with {entry:?}, which was {thing:?}"),
            }
        }
    }

    fn check_named(&self, object: u32, number: usize) {
        let is_it = self.exports.get(&object) == Some(&number);
        assert!(
            is_it,
            "object {number} was named as {object}, here are {:?}",
            self.exports
        );
    }

    // ---- calls
    // -------------------------------------------------------------------------------------------------------

    /// An object of the peer's that is to be called, with its number in the world.
    pub(super) fn choose(&mut self) -> Option<(u32, usize)> {
        let import = self.rng.choice(&self.imports).filter(|_| self.rng.u32(..2) == 0);
        import.map(|import| (import.object, import.number))
    }

    /// A call to an object of the peer's was made.
    pub(super) fn called(&mut self, object: u32, number: usize, call: usize, streams: &mut StreamLedger) {
        self.name(object);
        streams.target(call, number);
    }

    /// A call came, to an object of this side or not.
    pub(super) fn check_target(&self, call: usize, object: Option<u32>, streams: &StreamLedger) {
        let target = streams.target_of(call);
        assert_eq!(
            object.is_some(),
            target.is_some(),
            "the target of call {call} is not what it was"
        );
        if let (Some(object), Some(number)) = (object, target) {
            self.check_named(object, number);
        }
    }

    /// A call is over on this side: what belongs to it is dropped.
    pub(super) fn call_ends(&mut self, call: usize, connection: &mut Connection, streams: &mut StreamLedger) {
        self.ends.retain(|&id, end| {
            let goes = end.call == Some(call);
            if goes {
                drop_end(StreamId(id), *end, connection, streams);
            }
            !goes
        });
    }

    // ---- what the connection says
    // ------------------------------------------------------------------------------------

    /// There is room on a stream, or an item.
    pub(super) fn wake(&mut self, stream: StreamId, now: Instant) {
        if let Some(end) = self.ends.get_mut(&stream.0) {
            end.next = Some(now);
        }
    }

    /// The peer has no reference to an object any more.
    pub(super) fn released(&mut self, object: u32, streams: &mut StreamLedger) {
        let number = self.exports.remove(&object).expect("an object goes once");
        streams.gone(number);
    }

    /// The peer watches an object, and learns at once that it is revoked.
    pub(super) fn watched(&self, object: u32, watch: u64, connection: &mut Connection) {
        assert!(
            self.exports.contains_key(&object),
            "object {object} was watched and is not here"
        );
        connection.tell_revoked(watch);
    }

    /// The answer to a watch.
    pub(super) fn revoked(&mut self, watch: u64) {
        assert!(
            self.watches.remove(&watch),
            "watch {watch} was answered without a question"
        );
    }

    /// The connection is over: all that anybody had on it is. What had come before is still there for those who look
    /// first.
    pub(super) fn end(&mut self, connection: &mut Connection, streams: &mut StreamLedger, now: Instant) {
        if self.rng.bool() {
            let receives = |(id, end): (&u32, &HeldEnd)| (end.flow == Flow::Receives).then_some(*id);
            let receivers: Vec<_> = self.ends.iter().filter_map(receives).collect();
            for id in receivers {
                self.act(id, connection, streams, now);
            }
        }
        for (_, end) in std::mem::take(&mut self.ends) {
            match end.flow {
                Flow::Sends => streams.sender_ends(end.number, StreamOutcome::Lost),
                Flow::Receives => streams.receiver_ends(end.number, Ok(StreamOutcome::Lost)),
            }
        }
        for import in self.imports.drain(..) {
            streams.let_go(import.number);
        }
        self.exports.clear();
        self.watches.clear();
    }

    // ---- the users
    // ---------------------------------------------------------------------------------------------------

    /// Those act whose time has come, and those who have got something from them.
    pub(super) fn run(&mut self, connection: &mut Connection, streams: &mut StreamLedger, now: Instant) {
        let due = |(&id, end): (&u32, &HeldEnd)| end.next.is_some_and(|next| next <= now).then_some(id);
        loop {
            let ids: Vec<_> = self.ends.iter().filter_map(due).collect();
            if ids.is_empty() {
                break;
            }
            for id in ids {
                self.act(id, connection, streams, now);
            }
        }
        for import in self.imports.extract_if(.., |import| import.until <= now) {
            self.watched += 1;
            self.watches.insert(self.watched);
            connection.watch_object(import.object, self.watched);
            connection.release_object(import.object, import.uses);
            streams.let_go(import.number);
        }
    }

    fn act(&mut self, id: u32, connection: &mut Connection, streams: &mut StreamLedger, now: Instant) {
        let Some(mut end) = self.ends.remove(&id) else { return };
        let stream = StreamId(id);
        let rest = streams.plan(end.number).rests[usize::from(end.flow == Flow::Receives)];
        loop {
            let step = match end.flow {
                Flow::Sends => self.send(stream, end.number, connection, streams, now),
                Flow::Receives => self.receive(stream, end.number, connection, streams, now),
            };
            end.next = match step {
                LookResult::Over => return,
                LookResult::Waits => None,
                LookResult::Done if rest.is_zero() => continue,
                LookResult::Done => Some(now + rest),
            };
            break;
        }
        self.ends.insert(id, end);
    }

    fn send(
        &mut self,
        stream: StreamId,
        number: usize,
        connection: &mut Connection,
        streams: &mut StreamLedger,
        now: Instant,
    ) -> LookResult {
        let plan = streams.plan(number);
        let left = plan.items - streams.sent_items(number);
        match connection.capacity(stream) {
            Capacity::Full => LookResult::Waits,
            Capacity::Stopped(_) => {
                streams.sender_ends(number, StreamOutcome::Stopped);
                connection.end_stream(stream, Ok(()));
                LookResult::Over
            }
            Capacity::Room if left == 0 => {
                let error = Error::data_loss("half of it is gone");
                let how = if plan.fails {
                    StreamOutcome::Failed
                } else {
                    StreamOutcome::Finished
                };
                streams.sender_ends(number, how);
                connection.end_stream(stream, if plan.fails { Err(&error) } else { Ok(()) });
                LookResult::Over
            }
            Capacity::Room if self.rng.u32(..4) == 0 => {
                let mut batch = BytesMut::new();
                for _ in 0..left.min(self.rng.usize(1..10)) {
                    let item = streams.send(number, &mut self.rng);
                    batch.put_u32_le(item.len() as u32);
                    batch.put_slice(&item);
                }
                connection.send_items(stream, &batch);
                LookResult::Done
            }
            Capacity::Room => {
                let parcel = match self.rng.u32(..12) {
                    0 => self.pack(connection, streams, None, now),
                    _ => Cargo::default(),
                };
                let message = Message::Item(number, streams.sent_items(number));
                let item = streams.send(number, &mut self.rng);
                let sent = connection.send_item(stream, &parcel.list, body(&item));
                sent.expect("it is within the limits");
                self.sent(message, parcel, streams);
                LookResult::Done
            }
        }
    }

    fn receive(
        &mut self,
        stream: StreamId,
        number: usize,
        connection: &mut Connection,
        streams: &mut StreamLedger,
        now: Instant,
    ) -> LookResult {
        let ended = match connection.receive(stream) {
            Received::Nothing => return LookResult::Waits,
            Received::Items(batch) => {
                self.look(number, batch.items, batch.attachments, streams, now);
                let enough = streams.plan(number).enough;
                if enough.is_none_or(|enough| streams.received_items(number) < enough) {
                    return LookResult::Done;
                }
                let why = Error::aborted("enough");
                connection.stop_stream(stream, self.rng.bool().then_some(&why));
                streams.receiver_ends(number, Ok(StreamOutcome::Stopped));
                return LookResult::Over;
            }
            Received::Finished => Ok(StreamOutcome::Finished),
            Received::Failed(error) => Err(error.code()),
        };
        streams.receiver_ends(number, ended);
        connection.stop_stream(stream, None);
        LookResult::Over
    }

    /// Looks at a batch of items.
    fn look(
        &mut self,
        number: usize,
        mut items: Bytes,
        mut lists: VecDeque<ThinVec<Attachment>>,
        streams: &mut StreamLedger,
        now: Instant,
    ) {
        while !items.is_empty() {
            let length = u32::from_le_bytes(items.split_to(4)[..].try_into().expect("four bytes"));
            let item = items.split_to((length & !CARRIES) as usize);
            let place = streams.receive(number, &item);
            let list = if length & CARRIES == 0 {
                ThinVec::new()
            } else {
                lists.pop_front().expect("the list of an item that carries something")
            };
            self.claim(Message::Item(number, place), &list, None, streams, now);
        }
        assert!(lists.is_empty(), "lists without items");
    }
}

/// What came of a look at a stream.
enum LookResult {
    /// The user goes on.
    Done,
    Waits,
    Over,
}

/// A user goes away in the middle.
fn drop_end(stream: StreamId, end: HeldEnd, connection: &mut Connection, streams: &mut StreamLedger) {
    match end.flow {
        Flow::Sends => {
            let why = Error::aborted("the sender was dropped before it finished");
            connection.end_stream(stream, Err(&why));
            streams.sender_ends(end.number, StreamOutcome::Failed);
        }
        Flow::Receives => {
            connection.stop_stream(stream, None);
            streams.receiver_ends(end.number, Ok(StreamOutcome::Stopped));
        }
    }
}
