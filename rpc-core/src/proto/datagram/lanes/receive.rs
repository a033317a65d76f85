//! From chunks of lanes to a stream of whole frames.

use std::collections::{HashMap, VecDeque};

use super::{
    super::Role,
    budget::{Account, Budget},
    lane::{Lane, ONE_FRAME},
    ready::Ready,
};
use crate::proto::lanes::{CONTROL, Expected, MAX_LANES, message_length, whole};

/// What bytes out of order cost in addition: if a lane has no others yet, they need a tree and the structure around it.
const OVERHEAD: usize = 512;
/// The room for what comes out of order that each session has in any case.
const EARLY: usize = 32 << 10;

/// Why a chunk was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proto::datagram) enum Rejection {
    /// Not now: it counts as lost, and is sent again.
    Later,
    /// An honest peer never sends it.
    Broken(&'static str),
}

impl From<&'static str> for Rejection {
    fn from(what: &'static str) -> Self {
        Self::Broken(what)
    }
}

/// What has come on all lanes.
#[derive(Debug)]
pub(in crate::proto::datagram) struct Reassembly {
    /// The side that sends what comes.
    sender: Role,
    lanes: HashMap<u32, Lane>,
    ready: Ready,
    /// The bytes delivered on all lanes.
    delivered: u64,
    /// For frames that have begun, and for what came out of order.
    frames: Account,
    early: Account,
    /// Lanes where what came out of order begins a frame that there was no room for.
    stuck: VecDeque<u32>,
    /// The hello has come.
    greeted: bool,
    /// Bytes that came before are dropped: what makes a call run at most once.
    suppresses: bool,
}

impl Reassembly {
    pub(in crate::proto::datagram) fn new(sender: Role, budget: Budget, window: usize) -> Self {
        Self {
            sender,
            lanes: HashMap::new(),
            ready: Ready::default(),
            delivered: 0,
            frames: Account::new(budget.clone(), ONE_FRAME, window),
            // What waits out of order costs more than its bytes, hence the half more.
            early: Account::new(budget, EARLY, window + window / 2),
            stuck: VecDeque::new(),
            greeted: false,
            suppresses: !cfg!(feature = "_mutant"),
        }
    }

    /// The mutant that every test of "at most once" must find.
    #[cfg(test)]
    pub(in crate::proto::datagram) fn deliver_duplicates(&mut self) {
        self.suppresses = false;
    }

    /// Whether what came before is dropped.
    pub(in crate::proto::datagram) fn suppresses(&self) -> bool {
        self.suppresses
    }

    /// The memory of what is not ready, besides the lanes themselves.
    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto::datagram) fn held(&self) -> usize {
        self.frames.held() + self.early.held()
    }

    /// The memory of everything but the table of lanes, with what buffers have in reserve.
    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto::datagram) fn footprint(&self) -> usize {
        use super::lane::LaneBuffer;

        let rests = self.lanes.values().filter_map(|lane| lane.rest.as_deref());
        // Half of a tree's places may be empty.
        let node = size_of::<[(u64, Box<[u8]>); 11]>() + 16;
        let early = |rest: &LaneBuffer| {
            let nodes = rest.early.len().div_ceil(5) * node;
            nodes + rest.early.values().map(|bytes| bytes.len() + 16).sum::<usize>()
        };
        let rests = rests.map(|rest| size_of::<LaneBuffer>() + rest.partial.capacity() + 32 + early(rest));
        self.ready.capacity() + rests.sum::<usize>()
    }

    pub(in crate::proto::datagram) fn ready(&self) -> &[u8] {
        self.ready.front()
    }

    pub(in crate::proto::datagram) fn consume(&mut self, length: usize) {
        self.ready.consume(length);
    }

    /// Takes the bytes of a chunk. If it refuses, it has taken nothing, or whole frames at the beginning.
    pub(in crate::proto::datagram) fn take(
        &mut self,
        number: u32,
        offset: u64,
        after: Option<u64>,
        bytes: &[u8],
    ) -> Result<(), Rejection> {
        if number >= MAX_LANES {
            return Err(Rejection::Broken("a lane above the limit"));
        }
        if number != CONTROL && !self.greeted {
            // The hello was lost or overtaken, and must be read first.
            return Err(Rejection::Later);
        }
        let expected = self.expected(number);
        let lane = self.lanes.get_mut(&number);
        let next = lane.as_ref().map_or(0, |lane| lane.next);
        let Some(end) = offset.checked_add(bytes.len() as u64).filter(|&end| end < 1 << 62) else {
            return Err(Rejection::Broken("a lane without end"));
        };
        let bytes = if end <= next && self.suppresses {
            return Ok(());
        } else if end <= next {
            return self.append(number, bytes).map(|_| ());
        } else if offset < next {
            // The difference is shorter than the chunk.
            &bytes[(next - offset) as usize..]
        } else {
            bytes
        };
        if after.is_some_and(|position| self.delivered < position) {
            return Err(Rejection::Later);
        }
        if offset > next {
            return self.keep(number, offset, bytes);
        }
        // Most chunks are whole frames for a lane on which nothing waits: one look at the table is enough for them.
        if let Some(lane) = lane.filter(|lane| lane.rest.is_none())
            && self.stuck.is_empty()
            && !expected.greeting
            && whole(bytes, expected)? == bytes.len()
        {
            self.ready.push(bytes);
            lane.next += bytes.len() as u64;
            self.delivered += bytes.len() as u64;
            return Ok(());
        }
        let taken = self.advance(number, bytes);
        self.take_early(number)?;
        self.go_on()?;
        taken
    }

    /// Keeps what came out of order.
    fn keep(&mut self, number: u32, offset: u64, bytes: &[u8]) -> Result<(), Rejection> {
        // The same again, or less: the peer split it otherwise.
        let rest = self.lanes.get(&number).and_then(|lane| lane.rest.as_ref());
        if rest.is_some_and(|rest| rest.early.get(&offset).is_some_and(|kept| kept.len() >= bytes.len())) {
            return Ok(());
        }
        if !self.early.charge(bytes.len() + OVERHEAD) {
            return Err(Rejection::Later);
        }
        let rest = self.lanes.entry(number).or_default().rest.get_or_insert_default();
        if let Some(shorter) = rest.early.insert(offset, bytes.into()) {
            self.early.release(shorter.len() + OVERHEAD);
        }
        Ok(())
    }

    /// Delivers what has waited for the bytes before it.
    fn take_early(&mut self, number: u32) -> Result<(), Rejection> {
        while let Some(lane) = self.lanes.get_mut(&number) {
            let Some(rest) = &mut lane.rest else { break };
            let Some(first) = rest.early.first_entry().filter(|first| *first.key() <= lane.next) else {
                break;
            };
            let (offset, bytes) = first.remove_entry();
            let known = (lane.next - offset) as usize;
            match self.advance(number, bytes.get(known..).unwrap_or_default()) {
                Ok(()) => self.early.release(bytes.len() + OVERHEAD),
                Err(Rejection::Later) => {
                    // It was acknowledged, and will not come again.
                    self.put_back(number, offset, bytes);
                    return Ok(());
                }
                broken => return broken,
            }
        }
        if let Some(lane) = self.lanes.get_mut(&number)
            && lane
                .rest
                .as_ref()
                .is_some_and(|rest| rest.partial.is_empty() && rest.early.is_empty())
        {
            lane.rest = None;
        }
        Ok(())
    }

    fn put_back(&mut self, number: u32, offset: u64, bytes: Box<[u8]>) {
        let rest = self.lanes.entry(number).or_default().rest.get_or_insert_default();
        rest.early.insert(offset, bytes);
        if !std::mem::replace(&mut rest.stuck, true) {
            self.stuck.push_back(number);
        }
    }

    /// There may be room now for frames that had none. It stops at the first refusal: each lane gets its turn.
    fn go_on(&mut self) -> Result<(), Rejection> {
        while let Some(number) = self.stuck.pop_front() {
            if let Some(rest) = self.lanes.get_mut(&number).and_then(|lane| lane.rest.as_mut()) {
                rest.stuck = false;
            }
            self.take_early(number)?;
            if self.stuck.back() == Some(&number) {
                break;
            }
        }
        Ok(())
    }

    /// The next bytes of a lane.
    fn advance(&mut self, number: u32, bytes: &[u8]) -> Result<(), Rejection> {
        let taken = self.append(number, bytes)?;
        self.lanes.entry(number).or_default().next += taken as u64;
        self.delivered += taken as u64;
        if taken < bytes.len() {
            return Err(Rejection::Later);
        }
        Ok(())
    }

    fn expected(&self, number: u32) -> Expected {
        Expected {
            greeting: number == CONTROL && !self.greeted,
            lane: number,
            sender: self.sender,
        }
    }

    /// Moves whole frames to what is ready and keeps the beginning of one if there is room; says how many bytes were
    /// taken.
    fn append(&mut self, number: u32, bytes: &[u8]) -> Result<usize, Rejection> {
        let expected = self.expected(number);
        let ended = match self.lanes.get_mut(&number).and_then(|lane| lane.rest.as_deref_mut()) {
            Some(rest) if !rest.partial.is_empty() => {
                let taken = rest.fill(bytes, expected, &mut self.frames)?;
                if message_length(&rest.partial, expected)? != Some(rest.partial.len()) {
                    return Ok(taken);
                }
                self.greeted |= expected.greeting;
                self.ready.push_whole(std::mem::take(&mut rest.partial));
                self.frames.release(std::mem::take(&mut rest.reserved));
                taken
            }
            _ => 0,
        };
        let bytes = bytes.get(ended..).unwrap_or_default();
        let expected = self.expected(number);
        let (whole, begun) = bytes.split_at(whole(bytes, expected)?);
        self.greeted |= expected.greeting && !whole.is_empty();
        self.ready.push(whole);
        Ok(ended + whole.len() + self.begin(number, begun)?)
    }

    /// Keeps the beginning of a frame if there is room for all of it; says how many bytes were taken.
    fn begin(&mut self, number: u32, bytes: &[u8]) -> Result<usize, Rejection> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let expected = self.expected(number);
        let rest = self.lanes.entry(number).or_default().rest.get_or_insert_default();
        rest.fill(bytes, expected, &mut self.frames)
    }
}
