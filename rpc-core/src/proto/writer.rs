//! Bytes on their way out, in order.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// What is written, up to the transport: small frames and headers are gathered, long pieces are handed over as they
/// are.
#[derive(Debug, Default)]
pub(super) struct Writer {
    small: BytesMut,
    /// The position in the stream behind all that was handed over.
    taken: u64,
}

impl Writer {
    /// Where small frames and headers are appended.
    pub(super) fn small(&mut self) -> &mut BytesMut {
        &mut self.small
    }

    /// Gives back unused memory.
    pub(super) fn shrink(&mut self) {
        if self.small.is_empty() {
            self.small = BytesMut::new();
        }
    }

    /// The bytes that are gathered.
    pub(super) fn len(&self) -> usize {
        self.small.len()
    }

    /// The position in the stream behind all that was appended.
    pub(super) fn position(&self) -> u64 {
        self.taken + self.small.len() as u64
    }

    /// The position in the stream behind all that was handed over.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Hands over what was gathered.
    pub(super) fn flush(&mut self, chunks: &mut VecDeque<Bytes>) {
        if !self.small.is_empty() {
            self.taken += self.small.len() as u64;
            chunks.push_back(self.small.split().freeze());
        }
    }

    /// Hands over a piece behind what was gathered.
    pub(super) fn hand_over(&mut self, chunks: &mut VecDeque<Bytes>, piece: Bytes) {
        self.flush(chunks);
        self.taken += piece.len() as u64;
        chunks.push_back(piece);
    }
}
