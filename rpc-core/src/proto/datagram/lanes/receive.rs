//! From chunks of lanes to a stream of whole frames.

use std::collections::{BTreeMap, HashMap};

use bytes::BytesMut;

use super::{
    CONTROL, MAX_LANES,
    budget::{Account, Budget},
    ready::Ready,
};
use crate::proto::{
    frame::{HEADER, MAX_PAYLOAD},
    handshake::{HELLO_HEADER, hello_rest, is_hello},
};

/// What bytes out of order cost beyond themselves.
const OVERHEAD: usize = 128;
/// Why a chunk was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proto::datagram) enum Refused {
    /// Not now: it counts as lost, and comes again.
    Later,
    /// No honest peer sends it.
    Broken(&'static str),
}

/// What has come on all lanes.
#[derive(Debug)]
pub(in crate::proto::datagram) struct Received {
    lanes: HashMap<u32, Lane>,
    ready: Ready,
    /// The bytes delivered on all lanes.
    delivered: u64,
    account: Account,
    /// The hello has come.
    greeted: bool,
    /// Bytes that came before are dropped: what makes a call run at most once.
    suppresses: bool,
}

/// One lane: all before `next` is delivered or in `rest.partial`.
#[derive(Debug, Default)]
struct Lane {
    next: u64,
    /// Most lanes have none most of the time.
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Rest {
    /// The beginning of a frame.
    partial: BytesMut,
    /// What came out of order, by offset.
    early: BTreeMap<u64, Box<[u8]>>,
}

impl Received {
    pub(in crate::proto::datagram) fn new(budget: Budget, window: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            ready: Ready::default(),
            delivered: 0,
            account: Account::new(budget, window),
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
    pub(in crate::proto::datagram) fn held(&self) -> usize {
        self.account.held()
    }

    /// The memory of everything, with what buffers have in reserve.
    #[cfg(any(test, feature = "_fuzzing"))]
    pub(in crate::proto::datagram) fn footprint(&self) -> usize {
        let rests = self.lanes.values().filter_map(|lane| lane.rest.as_deref());
        let early = |rest: &Rest| rest.early.values().map(|bytes| bytes.len() + OVERHEAD).sum::<usize>();
        let rests = rests.map(|rest| size_of::<Rest>() + rest.partial.capacity() + early(rest));
        self.ready.capacity() + self.lanes.capacity() * (size_of::<(u32, Lane)>() + 1) + rests.sum::<usize>()
    }

    pub(in crate::proto::datagram) fn ready(&self) -> &[u8] {
        self.ready.front()
    }

    pub(in crate::proto::datagram) fn consume(&mut self, length: usize) {
        self.ready.consume(length);
    }

    /// Takes the bytes of a chunk; a refusal changes nothing.
    pub(in crate::proto::datagram) fn take(
        &mut self,
        number: u32,
        offset: u64,
        after: Option<u64>,
        bytes: &[u8],
    ) -> Result<(), Refused> {
        if number >= MAX_LANES {
            return Err(Refused::Broken("a lane above the limit"));
        }
        if number != CONTROL && !self.greeted {
            // The hello was lost or overtaken, and is what must be read first.
            return Err(Refused::Later);
        }
        let next = self.lanes.get(&number).map_or(0, |lane| lane.next);
        let Some(end) = offset.checked_add(bytes.len() as u64).filter(|&end| end < 1 << 62) else {
            return Err(Refused::Broken("a lane without end"));
        };
        let bytes = if end <= next && self.suppresses {
            return Ok(());
        } else if end <= next {
            return self.append(number, bytes, 0);
        } else if offset < next {
            // The difference is shorter than the chunk.
            &bytes[(next - offset) as usize..]
        } else {
            bytes
        };
        if after.is_some_and(|position| self.delivered < position) {
            return Err(Refused::Later);
        }
        if offset > next {
            return self.keep(number, offset, bytes);
        }
        self.advance(number, bytes, 0)?;
        self.take_early(number)
    }

    /// Keeps what came out of order.
    fn keep(&mut self, number: u32, offset: u64, bytes: &[u8]) -> Result<(), Refused> {
        // The same again, or less: the peer split it otherwise.
        let rest = self.lanes.get(&number).and_then(|lane| lane.rest.as_ref());
        if rest.is_some_and(|rest| rest.early.get(&offset).is_some_and(|kept| kept.len() >= bytes.len())) {
            return Ok(());
        }
        if !self.account.charge(bytes.len() + OVERHEAD) {
            return Err(Refused::Later);
        }
        let rest = self.lanes.entry(number).or_default().rest.get_or_insert_default();
        if let Some(shorter) = rest.early.insert(offset, bytes.into()) {
            self.account.release(shorter.len() + OVERHEAD);
        }
        Ok(())
    }

    /// Delivers what has waited for the bytes before it.
    fn take_early(&mut self, number: u32) -> Result<(), Refused> {
        while let Some(lane) = self.lanes.get_mut(&number) {
            let Some(rest) = &mut lane.rest else { break };
            let Some(first) = rest.early.first_entry().filter(|first| *first.key() <= lane.next) else {
                break;
            };
            let (offset, bytes) = first.remove_entry();
            let known = (lane.next - offset) as usize;
            match bytes.get(known..) {
                // What it has cost so far is more than what it costs from here on, so it is not refused.
                Some(new) if !new.is_empty() => self.advance(number, new, bytes.len() + OVERHEAD)?,
                _ => self.account.release(bytes.len() + OVERHEAD),
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

    /// The next bytes of a lane, of whose memory `paid` is counted already.
    fn advance(&mut self, number: u32, bytes: &[u8], paid: usize) -> Result<(), Refused> {
        self.append(number, bytes, paid)?;
        self.lanes.entry(number).or_default().next += bytes.len() as u64;
        self.delivered += bytes.len() as u64;
        Ok(())
    }

    /// Moves whole frames to what is ready and keeps the beginning of one.
    fn append(&mut self, number: u32, bytes: &[u8], paid: usize) -> Result<(), Refused> {
        let lane = self.lanes.entry(number).or_default();
        let greeting = number == CONTROL && !self.greeted;
        let Some(rest) = lane.rest.as_deref_mut().filter(|rest| !rest.partial.is_empty()) else {
            let whole = whole(bytes, greeting)?;
            let (ready, partial) = bytes.split_at(whole);
            if !self.account.pay(partial.len(), paid) {
                return Err(Refused::Later);
            }
            if !partial.is_empty() {
                lane.rest.get_or_insert_default().partial.extend_from_slice(partial);
            }
            self.greeted |= greeting && whole > 0;
            self.ready.push(ready);
            return Ok(());
        };
        if !self.account.pay(bytes.len(), paid) {
            return Err(Refused::Later);
        }
        rest.partial.extend_from_slice(bytes);
        let whole = whole(&rest.partial, greeting)?;
        if whole > 0 {
            self.greeted |= greeting;
            self.ready.push_whole(rest.partial.split_to(whole));
            self.account.release(whole);
        }
        Ok(())
    }
}

/// How many of the bytes are whole frames, or the whole hello and what follows it.
fn whole(bytes: &[u8], greeting: bool) -> Result<usize, Refused> {
    let mut whole = 0;
    if greeting {
        match greeting_length(bytes) {
            Some(length) => whole = length,
            None => return Ok(0),
        }
    }
    while let Some(header) = bytes[whole..].first_chunk::<HEADER>() {
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
        if length > MAX_PAYLOAD {
            return Err(Refused::Broken("a frame above the limit"));
        }
        if bytes.len() - whole < HEADER + length {
            break;
        }
        whole += HEADER + length;
    }
    Ok(whole)
}

/// The length of the hello at the beginning of `bytes`; what is no hello is handed on as it is, for the handshake to refuse.
fn greeting_length(bytes: &[u8]) -> Option<usize> {
    if !is_hello(bytes) {
        return Some(bytes.len());
    }
    let header = bytes.first_chunk::<HELLO_HEADER>()?;
    let length = HELLO_HEADER + hello_rest(header);
    (bytes.len() >= length).then_some(length)
}
