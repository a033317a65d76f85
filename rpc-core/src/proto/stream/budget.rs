//! The memory of a connection's streams above the windows that they begin with.
//!
//! An item that does not fit into its window borrows the room that it lacks. Items whose readers do not wait for them
//! could take all room, so that another item finds none. But that item may carry their streams, or its reader may want
//! it first. So there are two rules:
//!
//! * **Items without a waiting reader never get the last room.** When such an item gets room, the growth of windows and
//!   all loans stay below the limit by the length of the longest item. So if an awaited item has no room, another
//!   awaited item has it, and comes.
//! * **An awaited item that has come belongs to its user.** It leaves room for the next one although it was not taken:
//!   its user may have asked for items of several streams, and wait for something else meanwhile. Such items have a
//!   limit of their own, which counts as long as they are taken: above it one more comes each time that nothing was
//!   taken for a while.

use std::time::{Duration, Instant};

use crate::proto::{
    StreamId,
    indexed_queue::{IndexedQueue, Keyed},
};

/// A user that has taken nothing that it asked for in this time waits for something else. It is long, because each time
/// costs an item's memory; no program should rely on it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an item is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Its user waits for it.
    Awaited,
    /// Its sender has it; its user has not asked for it yet.
    Ahead,
}

/// What the receivers of one connection may hold above their first windows.
#[derive(Debug)]
pub(in crate::proto) struct WindowBudget {
    limit: usize,
    /// The longest item: this much is kept for awaited items.
    reserve: usize,
    grown: usize,
    /// What items longer than their windows have, without those of `asked`.
    lent: usize,
    /// What items have that came while their users waited for them, and were not taken yet.
    asked: usize,
    /// How far `asked` may be above the limit, because nothing of it was taken for a while.
    spared: usize,
    /// Since when it is known that an awaited item waits for that.
    since: Option<Instant>,
    /// Streams whose item has no room, by why it is to come. In order: otherwise the longest item would wait for ever.
    waiting: [IndexedQueue<StreamId>; 2],
}

impl Keyed for StreamId {
    fn key(&self) -> Option<u64> {
        Some(u64::from(self.0))
    }
}

impl WindowBudget {
    pub(super) fn new(max_buffered: usize, max_message: usize) -> Self {
        Self {
            limit: max_buffered,
            reserve: max_message,
            grown: 0,
            lent: 0,
            asked: 0,
            spared: 0,
            since: None,
            waiting: Default::default(),
        }
    }

    /// What grew and was lent, and what items have that were asked for, came and were not taken.
    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto) fn held(&self) -> [usize; 2] {
        [self.grown + self.lent, self.asked]
    }

    /// A window grows, if there is room.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let fits = self.fits(more, Need::Ahead);
        if fits {
            self.grown += more;
        }
        fits
    }

    /// Lends to an item what its window lacks, if there is room.
    pub(super) fn lend(&mut self, more: usize, need: Need) -> bool {
        let fits = self.fits(more, need);
        if fits {
            self.lent += more;
        }
        fits
    }

    /// An awaited item has come.
    pub(super) fn pass(&mut self, lent: usize) {
        self.lent = self.lent.saturating_sub(lent);
        self.asked += lent;
    }

    /// An item is handed out, or goes; `passed` if its user waited when it came.
    pub(super) fn give_back(&mut self, lent: usize, passed: bool) {
        if !passed {
            self.lent = self.lent.saturating_sub(lent);
            return;
        }
        self.asked = self.asked.saturating_sub(lent);
        self.since = None;
        if self.asked <= self.limit {
            self.spared = 0;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due: at once to begin with, `soon`.
    pub(in crate::proto) fn poll_timeout(&self, soon: Instant) -> Option<Instant> {
        let due = || self.since.map_or(soon, |since| since + PATIENCE);
        self.is_stuck().then(due)
    }

    /// Returns whether an item may have room now.
    pub(in crate::proto) fn handle_timeout(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let spares = self.is_stuck() && now >= since + PATIENCE;
        if spares {
            self.spared = self.asked;
        }
        if !self.is_stuck() {
            self.since = None;
        }
        spares
    }

    /// Whether awaited items are kept from coming only by items that are not taken.
    fn is_stuck(&self) -> bool {
        !self.awaited().is_empty() && self.asked > self.limit + self.spared
    }

    /// A window that grew is gone.
    pub(super) fn shrink(&mut self, grown: usize) {
        self.grown = self.grown.saturating_sub(grown);
    }

    /// Whether no stream waits that comes first.
    pub(super) fn is_free(&self, need: Need) -> bool {
        self.awaited().is_empty() && (need == Need::Awaited || self.waiting[Need::Ahead as usize].is_empty())
    }

    /// A stream waits for room from now on.
    pub(super) fn queue(&mut self, stream: StreamId, need: Need) {
        self.forget(stream);
        self.waiting[need as usize].push_back(stream);
    }

    /// A stream waits no more.
    pub(super) fn forget(&mut self, stream: StreamId) {
        for queue in &mut self.waiting {
            queue.remove(u64::from(stream.0));
        }
    }

    /// The stream that is to have room next.
    pub(in crate::proto) fn next(&mut self) -> Option<StreamId> {
        self.waiting.iter_mut().find_map(|queue| queue.front().copied())
    }

    fn awaited(&self) -> &IndexedQueue<StreamId> {
        &self.waiting[Need::Awaited as usize]
    }

    fn fits(&self, more: usize, need: Need) -> bool {
        let used = self.grown + self.lent + more;
        match need {
            Need::Awaited => used <= self.limit && self.asked <= self.limit + self.spared,
            Need::Ahead => used + self.asked + self.reserve <= self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Streams end in any order; each looked through all that wait once.
    #[test]
    fn a_stream_that_waits_no_more_costs_the_others_nothing() {
        const STREAMS: u32 = 10_000;
        let mut budget = WindowBudget::new(1 << 20, 1 << 20);
        for stream in 0..STREAMS {
            budget.queue(StreamId::ours(stream), Need::Ahead);
        }
        for stream in (1..STREAMS).rev() {
            budget.forget(StreamId::ours(stream));
        }
        assert_eq!(budget.next(), Some(StreamId::ours(0)));
        let moved: usize = budget.waiting.iter().map(|queue| queue.moved).sum();
        assert!(moved < 3 * STREAMS as usize, "{moved}");
    }
}
