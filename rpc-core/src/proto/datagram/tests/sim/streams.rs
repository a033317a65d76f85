//! What is true of the streams and objects of a world, even if no user knows all of it.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use fastrand::Rng;

use crate::Code;

/// The bytes of all items, and the streams: what the time of a test has room for.
const MOST_BYTES: usize = 200 << 10;
const MOST_STREAMS: usize = 40;

/// What a message carries, by its number in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Stream(usize),
    Object(usize),
    /// An object that comes back to where it is.
    Returned(usize),
}

/// A message that carries things: that of a call, or an item by its stream and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Message {
    Request(usize),
    Reply(usize),
    Item(usize, usize),
}

/// What the users of a stream mean to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) items: usize,
    longest: usize,
    /// The sender ends with an error.
    pub(super) fails: bool,
    /// After so many items the receiver stops.
    pub(super) enough: Option<usize>,
    /// The user with an end of it drops it with the call that carried it.
    pub(super) with_call: bool,
    /// How long the sender and the receiver rest between two items, or batches of them.
    pub(super) rests: [Duration; 2],
}

impl Plan {
    fn draw(rng: &mut Rng) -> Self {
        let mut one = |values: &[usize]| *rng.choice(values).expect("a value");
        let items = one(&[0, 1, 2, 5, 20, 50]);
        let longest = one(&[0, 16, 16, 1 << 10, 10 << 10, 100 << 10]);
        let mut rest = || Duration::from_millis(one(&[0, 0, 0, 1, 5, 40]) as u64);
        Self {
            items,
            longest,
            rests: [rest(), rest()],
            fails: rng.u32(..4) == 0,
            enough: (rng.u32(..5) == 0).then(|| rng.usize(..=items)),
            with_call: rng.u32(..3) == 0,
        }
    }
}

/// How a stream ended for one of its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamOutcome {
    Finished,
    Failed,
    /// The receiver stopped.
    Stopped,
    /// The message that carried it was discarded.
    Undelivered,
    /// With the connection.
    Lost,
}

#[derive(Debug)]
struct StreamRecord {
    plan: Plan,
    /// The lengths of the items that were sent.
    sent: Vec<usize>,
    received: usize,
    sender: Option<StreamOutcome>,
    receiver: Option<StreamOutcome>,
    /// The end that its message carried has a user.
    claimed: bool,
    /// The side that announced it was told that the other end has no user.
    undelivered: bool,
}

#[derive(Debug, Default)]
struct ObjectRecord {
    /// References that users have.
    held: usize,
    /// Its owner was told that there are no references.
    gone: bool,
}

/// What came of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StreamCounts {
    pub(super) streams: usize,
    pub(super) items: usize,
    pub(super) finished: usize,
    pub(super) failed: usize,
    pub(super) stopped: usize,
    pub(super) undelivered: usize,
    pub(super) lost: usize,
    pub(super) objects: usize,
    pub(super) names: usize,
}

/// Every stream and object by its number.
#[derive(Debug)]
pub(super) struct StreamLedger {
    all: Vec<StreamRecord>,
    objects: Vec<ObjectRecord>,
    /// What messages that were sent carry.
    parcels: BTreeMap<Message, Vec<Thing>>,
    /// The objects that are called, by call.
    targets: BTreeMap<usize, usize>,
    noise: Bytes,
    /// How many bytes of items there may be yet.
    left: usize,
    /// Ends of streams and references that users have.
    open: usize,
    names: usize,
}

impl StreamLedger {
    pub(super) fn new(noise: Bytes) -> Self {
        Self {
            all: Vec::new(),
            objects: Vec::new(),
            parcels: BTreeMap::new(),
            targets: BTreeMap::new(),
            noise,
            left: MOST_BYTES,
            open: 0,
            names: 0,
        }
    }

    /// Whether users have anything left.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The bytes of all items that were sent, and what goes with each and with each stream.
    pub(super) fn planned(&self) -> usize {
        let each = |stream: &StreamRecord| 200 + stream.sent.iter().map(|length| length + 12).sum::<usize>();
        self.all.iter().map(each).sum::<usize>() + 100 * (self.objects.len() + self.names)
    }

    pub(super) fn counts(&self) -> StreamCounts {
        let ended = |ending| {
            let ends = self.all.iter().flat_map(|stream| [stream.sender, stream.receiver]);
            ends.filter(|end| *end == Some(ending)).count()
        };
        StreamCounts {
            streams: self.all.len(),
            items: self.all.iter().map(|stream| stream.received).sum(),
            finished: ended(StreamOutcome::Finished),
            failed: ended(StreamOutcome::Failed),
            stopped: ended(StreamOutcome::Stopped),
            undelivered: ended(StreamOutcome::Undelivered),
            lost: ended(StreamOutcome::Lost),
            objects: self.objects.len(),
            names: self.names,
        }
    }

    // ---- messages
    // ----------------------------------------------------------------------------------------------------

    /// A message was sent that carries this.
    pub(super) fn sent(&mut self, message: Message, things: Vec<Thing>) {
        let returned = |thing: &&Thing| matches!(thing, Thing::Returned(_));
        self.names += things.iter().filter(returned).count();
        assert_eq!(self.parcels.insert(message, things), None, "{message:?} was sent twice");
    }

    /// A message came: gives what it carries, once.
    pub(super) fn came(&mut self, message: Message) -> Vec<Thing> {
        self.parcels.remove(&message).unwrap_or_default()
    }

    // ---- streams
    // -----------------------------------------------------------------------------------------------------

    /// A new stream, if there may be one more: the side that announces it has one end.
    pub(super) fn open_stream(&mut self, rng: &mut Rng) -> Option<usize> {
        if self.all.len() >= MOST_STREAMS {
            return None;
        }
        self.open += 1;
        self.all.push(StreamRecord {
            plan: Plan::draw(rng),
            sent: Vec::new(),
            received: 0,
            sender: None,
            receiver: None,
            claimed: false,
            undelivered: false,
        });
        Some(self.all.len() - 1)
    }

    /// A stream that no message carried after all.
    pub(super) fn discard_stream(&mut self, number: usize) {
        self.all[number].undelivered = true;
        self.open -= 1;
    }

    pub(super) fn plan(&self, number: usize) -> Plan {
        self.all[number].plan
    }

    /// The side that got the message has the other end.
    pub(super) fn claim_stream(&mut self, number: usize) {
        let stream = &mut self.all[number];
        assert!(!stream.claimed, "stream {number} was handed out twice");
        assert!(
            !stream.undelivered,
            "stream {number} was handed out after its other end was told that it never would be"
        );
        stream.claimed = true;
        self.open += 1;
    }

    /// How many items were sent.
    pub(super) fn sent_items(&self, number: usize) -> usize {
        self.all[number].sent.len()
    }

    /// The next item.
    pub(super) fn send(&mut self, number: usize, rng: &mut Rng) -> Bytes {
        let stream = &mut self.all[number];
        let length = rng.usize(..=stream.plan.longest).min(self.left);
        self.left -= length;
        stream.sent.push(length);
        self.item(number, self.all[number].sent.len() - 1)
    }

    fn item(&self, number: usize, place: usize) -> Bytes {
        let length = self.all[number].sent[place];
        // Items of one length that are not the same begin elsewhere in the noise.
        let from = (number * 61 + place * 7) % super::ledger::MOST;
        self.noise.slice(from..from + length)
    }

    /// An item came; gives its place.
    pub(super) fn receive(&mut self, number: usize, item: &Bytes) -> usize {
        let stream = &mut self.all[number];
        let place = stream.received;
        assert!(
            place < stream.sent.len(),
            "item {place} of stream {number}, of which only {place} were sent"
        );
        stream.received += 1;
        assert!(
            *item == self.item(number, place),
            "item {place} of stream {number} is not what was sent: it has {} bytes",
            item.len()
        );
        place
    }

    pub(super) fn received_items(&self, number: usize) -> usize {
        self.all[number].received
    }

    /// The sender lets go.
    pub(super) fn sender_ends(&mut self, number: usize, how: StreamOutcome) {
        let stream = &mut self.all[number];
        assert_eq!(stream.sender, None, "the sender of stream {number} ended twice");
        let how = match how {
            StreamOutcome::Stopped if stream.receiver != Some(StreamOutcome::Stopped) => {
                assert!(
                    !stream.claimed,
                    "stream {number} was stopped, and its receiver did not stop: {stream:?}"
                );
                stream.undelivered = true;
                StreamOutcome::Undelivered
            }
            how => how,
        };
        stream.sender = Some(how);
        self.open -= 1;
    }

    /// The receiver lets go, because it was told how the stream ended or of its own accord.
    pub(super) fn receiver_ends(&mut self, number: usize, how: Result<StreamOutcome, Code>) {
        let stream = &mut self.all[number];
        assert_eq!(stream.receiver, None, "the receiver of stream {number} ended twice");
        let how = match how {
            Ok(how) => how,
            // No sender of this world says so.
            Err(Code::Cancelled) => StreamOutcome::Undelivered,
            Err(_) => StreamOutcome::Failed,
        };
        match how {
            StreamOutcome::Finished | StreamOutcome::Failed => {
                assert_eq!(stream.sender, Some(how), "a false end of stream {number}: {stream:?}");
                assert_eq!(
                    stream.received,
                    stream.sent.len(),
                    "items are missing before the end of stream {number}"
                );
            }
            StreamOutcome::Undelivered => {
                assert!(
                    !stream.claimed && stream.received == 0,
                    "a stream that went to nobody: {stream:?}"
                );
                stream.undelivered = true;
            }
            StreamOutcome::Stopped | StreamOutcome::Lost => {}
        }
        stream.receiver = Some(how);
        self.open -= 1;
    }

    // ---- objects
    // -----------------------------------------------------------------------------------------------------

    pub(super) fn new_object(&mut self) -> usize {
        self.objects.push(ObjectRecord::default());
        self.objects.len() - 1
    }

    /// A user has one more reference.
    pub(super) fn hold(&mut self, number: usize) {
        let object = &mut self.objects[number];
        assert!(!object.gone, "a reference to object {number}, which is gone");
        object.held += 1;
        self.open += 1;
    }

    pub(super) fn let_go(&mut self, number: usize) {
        self.objects[number].held -= 1;
        self.open -= 1;
    }

    /// A call is one to an object.
    pub(super) fn target(&mut self, call: usize, number: usize) {
        self.names += 1;
        self.targets.insert(call, number);
    }

    pub(super) fn target_of(&self, call: usize) -> Option<usize> {
        self.targets.get(&call).copied()
    }

    /// Its owner was told that there are no references any more.
    pub(super) fn gone(&mut self, number: usize) {
        let object = &mut self.objects[number];
        assert_eq!(
            object.held, 0,
            "object {number} went while somebody had a reference to it"
        );
        object.gone = true;
    }
}
