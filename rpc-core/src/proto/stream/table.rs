//! The streams of a connection by their numbers.

use bytes::Bytes;
use slab::Slab;

use super::{ReceiveHalf, SendHalf, budget::WindowBudget, receiver::Windows};
use crate::proto::{Announced, Carrier, Flow, Limits, StreamId, Violation};

/// Why this side may not send frames on a stream yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proto) enum Readiness {
    /// The message that announces it has not left.
    Unannounced,
    /// It was announced, and the peer has said nothing on it: where frames overtake each other it may not know of it.
    Unheard,
    None,
}

/// What this side does on a stream.
#[derive(Debug)]
pub(in crate::proto) enum StreamHalf {
    Sends(SendHalf),
    Receives(ReceiveHalf),
}

/// One stream.
#[derive(Debug)]
pub(in crate::proto) struct StreamState {
    pub(in crate::proto) role: StreamHalf,
    pub(in crate::proto) hold: Readiness,
    /// The user let go; what this side says last.
    pub(in crate::proto) last: Option<Bytes>,
    /// The position behind it, once it was said.
    pub(in crate::proto) said_last: Option<u64>,
    pub(in crate::proto) heard_last: bool,
    /// The last words of streams that had the number before and are still on their way.
    pub(in crate::proto) stale: u32,
}

impl StreamState {
    fn new(role: StreamHalf, hold: Readiness) -> Self {
        Self {
            role,
            hold,
            last: None,
            said_last: None,
            heard_last: false,
            stale: 0,
        }
    }

    /// Whether its user has let go.
    pub(in crate::proto) fn is_let_go(&self) -> bool {
        self.last.is_some() || self.said_last.is_some()
    }
}

/// A number of the peer's.
#[derive(Debug, Default)]
struct PeerSlot {
    stream: Option<Box<StreamState>>,
    /// The position behind this side's last word on the stream that had it before.
    said: u64,
}

/// The streams of a connection.
#[derive(Debug)]
pub(in crate::proto) struct StreamTable {
    ours: Slab<Box<StreamState>>,
    theirs: Vec<PeerSlot>,
    live: usize,
    /// How many the peer lets this side number, and the other way round.
    limits: [usize; 2],
    windows: Windows,
    /// What a sender has to begin with.
    credit: u32,
    pub(super) carrier: Carrier,
    pub(in crate::proto) budget: WindowBudget,
    /// Streams that want their place in the circle of turns.
    pub(super) ready: Vec<StreamId>,
    /// Streams whose users must look again, because they have room.
    pub(super) roomy: Vec<StreamId>,
}

impl StreamTable {
    pub(in crate::proto) fn new(carrier: Carrier, ours: &Limits, peer: &Announced) -> Self {
        Self {
            ours: Slab::new(),
            theirs: Vec::new(),
            live: 0,
            limits: [
                carrier.laned(peer.max_streams as usize),
                carrier.laned(ours.max_streams),
            ],
            windows: Windows {
                first: ours.stream_window,
                most: ours.max_stream_window,
            },
            credit: peer.stream_window,
            carrier,
            budget: WindowBudget::new(ours.max_buffered, carrier.max_message(ours)),
            ready: Vec::new(),
            roomy: Vec::new(),
        }
    }

    /// The streams that are not over.
    pub(in crate::proto) fn len(&self) -> usize {
        self.ours.len() + self.live
    }

    /// How many streams the peer lets this side number.
    pub(in crate::proto) fn limit(&self) -> usize {
        self.limits[0]
    }

    /// Opens a stream that this side numbers, unless there are too many.
    pub(in crate::proto) fn open(&mut self, flow: Flow) -> Option<StreamId> {
        if self.ours.len() >= self.limits[0] {
            return None;
        }
        // Between lanes there is no order: credit comes with the peer's first frame.
        let credit = if self.carrier.overtakes() { 0 } else { self.credit };
        let stream = StreamState::new(self.role(flow, credit), Readiness::Unannounced);
        // The limit keeps every key below the top bit.
        Some(StreamId::ours(self.ours.insert(Box::new(stream)) as u32))
    }

    /// Opens a stream that the peer has announced; `taken` is what has left so far.
    pub(in crate::proto) fn accept(&mut self, stream: StreamId, flow: Flow, taken: u64) -> Result<(), Violation> {
        let (number, limit) = (stream.number(), self.limits[1]);
        let index = number as usize;
        if index >= limit {
            return Err(Violation::new(format!(
                "stream {number}, with a limit of {limit} streams"
            )));
        }
        let mut new = Box::new(StreamState::new(self.role(flow, self.credit), Readiness::None));
        if index >= self.theirs.len() {
            // Honest numbers are dense; the table never grows past the limit.
            self.theirs.resize_with(index + 1, PeerSlot::default);
        }
        let place = &mut self.theirs[index];
        let is_free = match &place.stream {
            None => place.said <= taken,
            // The peer heard the last word, and its own is still on its way here.
            Some(old) => self.carrier.overtakes() && old.said_last.is_some_and(|said| said <= taken),
        };
        if !is_free {
            return Err(Violation::new(format!("stream {number} again, which is not over")));
        }
        if let Some(old) = place.stream.take() {
            new.stale = old.stale.saturating_add(1);
            self.live -= 1;
        }
        self.live += 1;
        place.stream = Some(new);
        Ok(())
    }

    fn role(&self, flow: Flow, credit: u32) -> StreamHalf {
        match flow {
            Flow::Sends => StreamHalf::Sends(SendHalf::new(credit)),
            Flow::Receives => StreamHalf::Receives(ReceiveHalf::new(self.windows)),
        }
    }

    pub(in crate::proto) fn find(&mut self, stream: StreamId) -> Option<&mut StreamState> {
        self.find_with_budget(stream).map(|(stream, _)| stream)
    }

    /// A stream, and what it shares with all others.
    pub(in crate::proto) fn find_with_budget(
        &mut self,
        stream: StreamId,
    ) -> Option<(&mut StreamState, &mut WindowBudget)> {
        let number = stream.number() as usize;
        let found = if stream.is_ours() {
            self.ours.get_mut(number)
        } else {
            self.theirs.get_mut(number).and_then(|place| place.stream.as_mut())
        };
        found.map(|found| (&mut **found, &mut self.budget))
    }

    /// The stream that a frame of the peer's names.
    pub(in crate::proto) fn named(&mut self, stream: StreamId) -> Result<&mut StreamState, Violation> {
        match self.find(stream) {
            Some(found) if !found.heard_last && found.hold != Readiness::Unannounced => Ok(found),
            _ => Err(Violation::new(format!(
                "a frame on stream {}, which is not open",
                stream.number()
            ))),
        }
    }

    /// Frees the number of a stream when both sides have said their last words.
    pub(in crate::proto) fn settle(&mut self, stream: StreamId) {
        let number = stream.number() as usize;
        let Some(said) = self
            .find(stream)
            .filter(|stream| stream.heard_last)
            .and_then(|stream| stream.said_last)
        else {
            return;
        };
        if stream.is_ours() {
            self.ours.remove(number);
        } else if let Some(place) = self.theirs.get_mut(number) {
            *place = PeerSlot { stream: None, said };
            self.live -= 1;
        }
    }

    /// Takes back a stream that no message has carried.
    pub(in crate::proto) fn discard(&mut self, stream: StreamId) {
        let number = stream.number() as usize;
        if stream.is_ours()
            && self
                .ours
                .get(number)
                .is_some_and(|stream| stream.hold == Readiness::Unannounced)
        {
            self.ours.remove(number);
        }
    }

    /// Whether the user of a stream has let go and what it sent has not left.
    pub(in crate::proto) fn has_unsaid(&self) -> bool {
        let theirs = self.theirs.iter().filter_map(|place| place.stream.as_ref());
        let mut all = self.ours.iter().map(|(_, stream)| stream).chain(theirs);
        all.any(|stream| stream.last.is_some())
    }

    /// The streams whose users have not let go.
    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto) fn held(&self) -> Vec<StreamId> {
        let ours = self
            .ours
            .iter()
            .map(|(number, stream)| (StreamId::ours(number as u32), stream));
        let theirs = self.theirs.iter().enumerate();
        let theirs =
            theirs.filter_map(|(number, place)| Some((StreamId::theirs(number as u32), place.stream.as_ref()?)));
        let held = ours.chain(theirs).filter(|(_, stream)| !stream.is_let_go());
        held.map(|(id, _)| id).collect()
    }

    /// The bytes that have come and were not taken.
    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto) fn arrived(&self) -> usize {
        let ours = self.ours.iter().map(|(_, stream)| &**stream);
        let all = ours.chain(self.theirs.iter().filter_map(|place| place.stream.as_deref()));
        let held = |stream: &StreamState| match &stream.role {
            StreamHalf::Receives(receiver) => receiver.held(),
            StreamHalf::Sends(_) => 0,
        };
        all.map(held).sum()
    }
}
