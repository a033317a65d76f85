//! A set of numbers as sorted ranges.

use std::ops::Range;

/// Sorted, disjoint, not adjacent ranges; cheap as long as there are few.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// Adds a range, and says whether any of it is new.
    pub(super) fn insert(&mut self, range: Range<u64>) -> bool {
        let _ = range;
        todo!("helper A")
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let _ = number;
        todo!("helper A")
    }

    /// The end of the range that begins at 0, or 0.
    pub(super) fn prefix(&self) -> u64 {
        todo!("helper A")
    }

    /// The ranges from the highest to the lowest.
    pub(super) fn descending(&self) -> impl ExactSizeIterator<Item = Range<u64>> {
        self.0.iter().rev().cloned()
    }

    /// Forgets the lowest ranges until at most `count` are left.
    pub(super) fn keep_highest(&mut self, count: usize) {
        let _ = count;
        todo!("helper A")
    }
}
