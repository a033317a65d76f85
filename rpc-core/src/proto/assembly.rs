//! A message that arrives in pieces.

use std::mem;

use bytes::Bytes;

use super::{Violation, frame::HEADER};
use crate::buffers::Buffer;

/// How many times what has come a buffer is at most long: the more, the less is copied when it grows.
const GROWTH: usize = 4;
/// From this length on a message gets a buffer that was kept, however little has come: this costs no memory.
const LONG: usize = 16 << 10;

/// How a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it has come.
    Whole,
    /// In several frames, so many bytes in all. They count against `max_buffered`.
    Pieces(usize),
    /// In one frame, so many bytes in all, of which some have not come. There is only one such message at a time.
    Frame(usize),
}

impl Extent {
    /// The length of a message that `body` is, or begins with.
    pub(super) fn total(self, body: &[u8]) -> usize {
        match self {
            Self::Whole => body.len(),
            Self::Pieces(total) | Self::Frame(total) => total,
        }
    }

    /// What an unfinished message counts.
    pub(super) fn cost(self) -> usize {
        match self {
            Self::Pieces(total) => total,
            Self::Whole | Self::Frame(_) => 0,
        }
    }
}

/// A message that arrives in pieces. Its memory follows what has come, never what was announced.
#[derive(Debug)]
pub(crate) struct Assembly {
    total: usize,
    cost: usize,
    arrived: usize,
    /// Empty while a piece is read into it somewhere else.
    body: Buffer,
}

/// A piece of a message that has come.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// It is to be copied to the others.
    Apart(&'a [u8]),
    /// It was read behind the others, into the buffer that was [lent](Assembly::lend).
    Landed(Buffer),
}

impl Assembly {
    /// A message that begins with `first`.
    ///
    /// # Errors
    /// It is longer than announced, or empty.
    pub(crate) fn begin(extent: Extent, first: &[u8]) -> Result<Self, Violation> {
        let mut assembly = Self {
            total: extent.total(first),
            cost: extent.cost(),
            arrived: 0,
            body: Buffer::default(),
        };
        assembly.push(Piece::Apart(first), true)?;
        Ok(assembly)
    }

    /// What it counts against `max_buffered`.
    pub(crate) fn cost(&self) -> usize {
        self.cost
    }

    /// How much of that has come.
    pub(crate) fn arrived_cost(&self) -> usize {
        self.arrived.min(self.cost)
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.body.capacity()
    }

    /// Appends a piece; returns the whole message with the last piece.
    pub(crate) fn push(&mut self, piece: Piece<'_>, more: bool) -> Result<Option<Bytes>, Violation> {
        let length = match &piece {
            Piece::Apart(bytes) => bytes.len(),
            Piece::Landed(buffer) => buffer.len() - self.arrived,
        };
        if length > self.total - self.arrived {
            return Err(Violation::new("more of a message than it announced"));
        }
        if length == 0 && more {
            return Err(Violation::new("an empty piece of a message"));
        }
        match piece {
            Piece::Apart(bytes) => {
                self.make_room(length, length);
                self.body.extend_from_slice(bytes);
            }
            Piece::Landed(buffer) => self.body = buffer,
        }
        self.arrived += length;
        if more {
            return Ok(None);
        }
        if self.arrived < self.total {
            return Err(Violation::new("less of a message than it announced"));
        }
        Ok(Some(mem::take(&mut self.body).freeze()))
    }

    /// Lends the buffer for a piece of `length` bytes, and a header behind it, to be read into it. `begun` of the piece
    /// has come. The buffer comes back with the [piece](Piece::Landed). A piece that is too long gets no buffer.
    pub(super) fn lend(&mut self, length: usize, begun: &[u8]) -> Option<Buffer> {
        if length > self.total - self.arrived {
            return None;
        }
        self.make_room(length + HEADER, begun.len());
        let mut body = mem::take(&mut self.body);
        body.extend_from_slice(begun);
        Some(body)
    }

    /// Makes room for `length` bytes, of which that many have come.
    fn make_room(&mut self, length: usize, come: usize) {
        let (needed, come) = (self.body.len() + length, self.body.len() + come);
        if needed <= self.body.capacity() {
            return;
        }
        let most = self.total + HEADER;
        let kept = if needed >= LONG { Buffer::kept(most) } else { None };
        let mut longer = kept.unwrap_or_else(|| Buffer::with_capacity(most.min(needed.max(GROWTH * come))));
        longer.extend_from_slice(&self.body);
        self.body = longer;
    }
}
