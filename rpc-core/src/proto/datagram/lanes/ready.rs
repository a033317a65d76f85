//! What has come whole and waits to be read.

use std::collections::VecDeque;

use crate::buffers::{Buffer, append};

/// Small frames are copied behind each other; one this long is handed on as it is.
const LONG: usize = 4 << 10;
/// A buffer longer than this is not kept while it is empty.
const KEPT: usize = 16 << 10;

/// Whole frames, and before them the hello, in the order in which they became whole.
#[derive(Debug, Default)]
pub(super) struct Ready {
    runs: VecDeque<Run>,
}

/// Frames behind each other, of which the beginning was read.
#[derive(Debug, Default)]
struct Run {
    bytes: Buffer,
    read: usize,
}

impl Run {
    fn unread(&self) -> &[u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }
}

impl Ready {
    /// The next bytes; all there are, or the first of several runs.
    pub(super) fn front(&self) -> &[u8] {
        self.runs.front().map_or(&[], Run::unread)
    }

    pub(super) fn consume(&mut self, length: usize) {
        let alone = self.runs.len() == 1;
        let Some(front) = self.runs.front_mut() else { return };
        front.read += length;
        if !front.unread().is_empty() {
            return;
        }
        if alone && front.bytes.capacity() <= KEPT {
            front.bytes.clear();
            front.read = 0;
        } else {
            self.runs.pop_front();
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.runs.back_mut() {
            Some(last) if last.bytes.len() < LONG => append(&mut last.bytes, bytes),
            _ => self.push_run(Buffer::copy_from_slice(bytes)),
        }
    }

    /// Takes a buffer that holds nothing but whole frames.
    pub(super) fn push_whole(&mut self, bytes: Buffer) {
        if bytes.len() < LONG {
            return self.push(&bytes);
        }
        // An empty one in front would look as if nothing were there.
        if self.runs.back().is_some_and(|last| last.unread().is_empty()) {
            self.runs.pop_back();
        }
        self.push_run(bytes);
    }

    fn push_run(&mut self, bytes: Buffer) {
        self.runs.push_back(Run { bytes, read: 0 });
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.runs.iter().map(|run| run.bytes.capacity()).sum()
    }
}
