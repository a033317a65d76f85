//! What has come whole and waits to be read.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

/// Small frames are copied behind each other; one this long is handed on as it is.
const LONG: usize = 4 << 10;
/// A buffer longer than this is not kept while it is empty.
const KEPT: usize = 16 << 10;

/// Whole frames, and before them the hello, in the order in which they became whole.
#[derive(Debug, Default)]
pub(super) struct Ready {
    buffers: VecDeque<BytesMut>,
}

impl Ready {
    /// The next bytes; all there are, or the first of several runs.
    pub(super) fn front(&self) -> &[u8] {
        self.buffers.front().map_or(&[], |buffer| buffer)
    }

    pub(super) fn consume(&mut self, length: usize) {
        let alone = self.buffers.len() == 1;
        let Some(front) = self.buffers.front_mut() else { return };
        front.advance(length.min(front.len()));
        if front.is_empty() && !(alone && front.capacity() <= KEPT) {
            self.buffers.pop_front();
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.buffers.back_mut() {
            Some(last) if last.len() < LONG => last.extend_from_slice(bytes),
            _ => self.buffers.push_back(BytesMut::from(bytes)),
        }
    }

    /// Takes a buffer that holds nothing but whole frames.
    pub(super) fn push_whole(&mut self, bytes: BytesMut) {
        if bytes.len() < LONG {
            return self.push(&bytes);
        }
        // An empty one in front would look as if nothing were there.
        if self.buffers.back().is_some_and(BytesMut::is_empty) {
            self.buffers.pop_back();
        }
        self.buffers.push_back(bytes);
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.buffers.iter().map(BytesMut::capacity).sum()
    }
}
