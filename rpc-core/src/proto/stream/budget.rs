//! The memory of a connection's streams above the windows that they begin with.

use std::collections::VecDeque;

use crate::proto::StreamId;

/// What the receivers of one connection may hold above their first windows.
#[derive(Debug)]
pub(in crate::proto) struct Budget {
    limit: usize,
    /// The most that windows grow by: what is left is room for the longest item.
    growth: usize,
    grown: usize,
    /// What items longer than their windows have.
    lent: usize,
    /// Streams whose item is longer than their window, and what they lack. In order, else the longest would wait for ever.
    waiting: VecDeque<(StreamId, usize)>,
}

impl Budget {
    pub(super) fn new(max_buffered: usize, max_message: usize) -> Self {
        Self {
            limit: max_buffered,
            growth: max_buffered.saturating_sub(max_message),
            grown: 0,
            lent: 0,
            waiting: VecDeque::new(),
        }
    }

    /// What is held.
    #[cfg(any(test, feature = "_fuzzing"))]
    pub(in crate::proto) fn held(&self) -> usize {
        self.grown + self.lent
    }

    /// A window grows, if there is room.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let fits = self.grown + more <= self.growth && self.grown + self.lent + more <= self.limit;
        if fits {
            self.grown += more;
        }
        fits
    }

    /// Lends to an item what its window lacks, or has it wait.
    pub(super) fn lend(&mut self, stream: StreamId, more: usize) -> bool {
        let lent = self.waiting.is_empty() && self.fits(more);
        if lent {
            self.lent += more;
        } else {
            self.waiting.push_back((stream, more));
        }
        lent
    }

    /// An item is used up.
    pub(super) fn give_back(&mut self, lent: usize) {
        self.lent = self.lent.saturating_sub(lent);
    }

    /// A stream is over.
    pub(super) fn release(&mut self, stream: StreamId, grown: usize, lent: usize) {
        self.grown = self.grown.saturating_sub(grown);
        self.give_back(lent);
        self.waiting.retain(|&(waiting, _)| waiting != stream);
    }

    /// The next stream that there is room for now, with what it gets.
    pub(in crate::proto) fn next(&mut self) -> Option<(StreamId, usize)> {
        let &(_, more) = self.waiting.front()?;
        if !self.fits(more) {
            return None;
        }
        self.lent += more;
        self.waiting.pop_front()
    }

    fn fits(&self, more: usize) -> bool {
        self.grown + self.lent + more <= self.limit
    }
}
