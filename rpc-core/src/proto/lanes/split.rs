//! From a stream of frames to segments of lanes.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{CONTROL, lane_of};
use crate::{
    buffers::Buffer,
    proto::{
        frame::{HEADER, Header, Kind},
        handshake::{HELLO_HEADER, Role, hello_rest},
    },
};

/// Some bytes of a lane on their way out.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) lane: u32,
    pub(crate) offset: u64,
    /// How many bytes of all lanes were written before these.
    pub(crate) position: u64,
    /// Everything written before must be delivered first.
    pub(crate) last: bool,
    /// A frame begins here. One that has begun may be sent to its end: the peer has room for all of it, and maybe for
    /// no other.
    pub(crate) begins: bool,
    pub(crate) bytes: Bytes,
}

impl Segment {
    /// What a chunk says about the order among lanes.
    pub(crate) fn after(&self) -> Option<u64> {
        self.last.then_some(self.position)
    }

    /// The position behind the bytes.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.bytes.len() as u64
    }

    /// Takes the first `length` bytes. A clone would count their owner up and down.
    pub(crate) fn split_to(&mut self, length: usize) -> Self {
        let first = Self {
            lane: self.lane,
            offset: self.offset,
            position: self.position,
            last: self.last,
            begins: self.begins,
            bytes: self.bytes.split_to(length),
        };
        self.offset += length as u64;
        self.position += length as u64;
        self.begins &= length == 0;
        first
    }
}

/// Splits what one end writes: the hello, then frames.
#[derive(Debug)]
pub(crate) struct Splitter {
    role: Role,
    /// The offset of the next byte, by lane; as many as there are calls.
    lanes: Vec<u64>,
    position: u64,
    /// The hello has passed.
    greeted: bool,
    /// The header of a frame, as far as it is there.
    header: Vec<u8>,
    /// What is still to come of the frame, and where it belongs.
    rest: usize,
    lane: u32,
    last: bool,
    /// Nothing of the frame was handed on yet.
    begins: bool,
}

impl Splitter {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            lanes: Vec::new(),
            position: 0,
            greeted: false,
            header: Vec::new(),
            rest: 0,
            lane: CONTROL,
            last: false,
            begins: true,
        }
    }

    /// How many bytes were written so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes are still to come of the frame that has begun.
    pub(crate) fn rest(&self) -> usize {
        self.rest
    }

    /// Appends the segments of `bytes`, which may begin and end anywhere.
    pub(crate) fn split(&mut self, bytes: &[u8], queue: &mut VecDeque<Segment>) {
        let block = Buffer::copy_from_slice(bytes).freeze();
        let mut at = 0;
        while at < block.len() {
            let mut start = at;
            if self.rest == 0 {
                let length = if self.greeted { HEADER } else { HELLO_HEADER };
                let missing = length - self.header.len();
                let Some(header) = block.get(at..at + missing) else {
                    self.header.extend_from_slice(&block[at..]);
                    return;
                };
                at += missing;
                if missing < length {
                    // The header came in parts: it goes out on its own.
                    let mut whole = std::mem::take(&mut self.header);
                    whole.extend_from_slice(header);
                    self.begin(&whole);
                    self.push(whole.into(), queue);
                    start = at;
                } else {
                    self.begin(header);
                }
            }
            let end = at + self.rest.min(block.len() - at);
            self.rest -= end - at;
            if end > start {
                self.push(block.slice(start..end), queue);
            }
            at = end;
        }
    }

    /// Reads the header of what begins here.
    fn begin(&mut self, header: &[u8]) {
        self.begins = true;
        if !self.greeted {
            self.greeted = true;
            self.rest = hello_rest(header);
            self.lane = CONTROL;
        } else if let Some(header) = Header::read(header) {
            self.rest = header.length;
            self.lane = lane_of(header, self.role);
            self.last = header.kind() == Some(Kind::Close);
        }
    }

    fn push(&mut self, bytes: Bytes, queue: &mut VecDeque<Segment>) {
        let index = self.lane as usize;
        if index >= self.lanes.len() {
            self.lanes.resize(index + 1, 0);
        }
        let length = bytes.len() as u64;
        queue.push_back(Segment {
            lane: self.lane,
            offset: self.lanes[index],
            position: self.position,
            last: self.last,
            begins: std::mem::take(&mut self.begins),
            bytes,
        });
        self.lanes[index] += length;
        self.position += length;
    }
}
