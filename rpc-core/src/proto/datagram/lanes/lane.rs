//! One lane, and where its frames end.

use std::collections::BTreeMap;

use super::{super::Role, Rejection, budget::Account, lane_of};
use crate::{
    buffers::{Buffer, move_to},
    proto::{
        frame::{HEADER, Header, MAX_PAYLOAD},
        handshake::{HELLO_HEADER, hello_rest, is_hello},
    },
};

/// The room for one frame, or a hello, that each session has in any case. A frame gets all of its room when its
/// beginning is taken. So every frame that has begun can end, and the next one may begin: sessions that share memory
/// never wait for each other for ever.
pub(super) const ONE_FRAME: usize = HELLO_HEADER + MAX_PAYLOAD;
/// The least cost of a frame that has begun: its buffer, and the structure around it.
const LEAST_ROOM: usize = 512;

/// What begins after the last frame of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// The hello, before the first frame of all.
    pub(super) greeting: bool,
    /// A frame that belongs on this lane, from this side.
    pub(super) lane: u32,
    pub(super) sender: Role,
}

/// One lane: all before `next` is delivered or in `rest.partial`.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) next: u64,
    /// Most lanes have none most of the time.
    pub(super) rest: Option<Box<LaneBuffer>>,
}

#[derive(Debug, Default)]
pub(super) struct LaneBuffer {
    /// The beginning of a frame.
    pub(super) partial: Buffer,
    /// The room that it has.
    pub(super) reserved: usize,
    /// What came out of order, by offset.
    pub(super) early: BTreeMap<u64, Box<[u8]>>,
    /// It waits for room, among the lanes that do.
    pub(super) stuck: bool,
}

impl LaneBuffer {
    /// Takes what belongs to the frame that has begun or begins, as far as there is room; says how many bytes.
    pub(super) fn fill(&mut self, bytes: &[u8], expected: Expected, frames: &mut Account) -> Result<usize, Rejection> {
        let header = if expected.greeting { HELLO_HEADER } else { HEADER };
        let first = bytes.len().min(header.saturating_sub(self.partial.len()));
        let (head, bytes) = bytes.split_at(first);
        if !self.reserve(header, frames) {
            return Ok(0);
        }
        self.partial.extend_from_slice(head);
        let Some(length) = message_length(&self.partial, expected)?.filter(|&length| self.reserve(length, frames))
        else {
            return Ok(first);
        };
        if self.partial.capacity() < length {
            move_to(&mut self.partial, length);
        }
        let second = bytes.len().min(length.saturating_sub(self.partial.len()));
        self.partial.extend_from_slice(&bytes[..second]);
        Ok(first + second)
    }

    fn reserve(&mut self, length: usize, frames: &mut Account) -> bool {
        let length = length.max(LEAST_ROOM);
        let fits = length <= self.reserved || frames.charge(length - self.reserved);
        if fits {
            self.reserved = self.reserved.max(length);
        }
        fits
    }
}

/// How many of the bytes are whole frames, or the whole hello and what follows it.
pub(super) fn whole(bytes: &[u8], mut expected: Expected) -> Result<usize, Rejection> {
    let mut whole = 0;
    while let Some(length) = message_length(&bytes[whole..], expected)?
        && length <= bytes.len() - whole
        && length > 0
    {
        whole += length;
        expected.greeting = false;
    }
    Ok(whole)
}

/// The length of the frame or hello that begins here, once it is known. What is not a hello is handed on as it is: the
/// handshake refuses it.
///
/// A frame must be on the lane of its call: so there are no more lanes than calls, and the frames of a call keep their
/// order.
pub(super) fn message_length(bytes: &[u8], expected: Expected) -> Result<Option<usize>, Rejection> {
    if expected.greeting && !is_hello(bytes) {
        return Ok(Some(bytes.len()));
    }
    if expected.greeting {
        let header = bytes.first_chunk::<HELLO_HEADER>();
        return Ok(header.map(|header| HELLO_HEADER + hello_rest(header)));
    }
    let Some(header) = Header::read(bytes) else {
        return Ok(None);
    };
    if header.length > MAX_PAYLOAD {
        return Err(Rejection::Broken("a frame above the limit"));
    }
    if lane_of(header, expected.sender) != expected.lane {
        return Err(Rejection::Broken("a frame on the lane of another call"));
    }
    Ok(Some(HEADER + header.length))
}
