//! One lane, and the frame that has begun on it.

use std::collections::BTreeMap;

use super::{Rejection, budget::Account};
use crate::{
    buffers::{Buffer, move_to},
    proto::{
        frame::MAX_PAYLOAD,
        handshake::HELLO_HEADER,
        lanes::{Expected, message_length},
    },
};

/// The room for one frame, or a hello, that each session has in any case. A frame gets all of its room when its
/// beginning is taken. So every frame that has begun can end, and the next one may begin: sessions that share memory
/// never wait for each other for ever.
pub(super) const ONE_FRAME: usize = HELLO_HEADER + MAX_PAYLOAD;
/// The least cost of a frame that has begun: its buffer, and the structure around it.
const LEAST_ROOM: usize = 512;

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
        let header = expected.header();
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
