//! A set of numbers as sorted ranges.

use std::ops::Range;

/// Sorted, disjoint, not adjacent ranges; cheap as long as there are few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    sorted: Vec<Range<u64>>,
    /// Below this number nothing counts as new: forgotten numbers cannot be told apart from those that never came.
    floor: u64,
}

impl Ranges {
    /// Adds a range, and says whether any of it is new.
    pub(crate) fn insert(&mut self, range: Range<u64>) -> bool {
        let mut range = range.start.max(self.floor)..range.end;
        if range.is_empty() {
            return false;
        }
        // Most numbers come in order.
        if let Some(last) = self.sorted.last_mut()
            && (last.start..=last.end).contains(&range.start)
        {
            let new = range.end > last.end;
            last.end = last.end.max(range.end);
            return new;
        }
        let first = self.sorted.partition_point(|known| known.end < range.start);
        let touched = self.sorted.split_at(first).1;
        let behind = touched.partition_point(|known| known.start <= range.end);
        match touched.split_at(behind).0 {
            [] => {
                self.sorted.insert(first, range);
                return true;
            }
            [only] if only.start <= range.start && range.end <= only.end => return false,
            [lowest, .., highest] => range = range.start.min(lowest.start)..range.end.max(highest.end),
            [only] => range = range.start.min(only.start)..range.end.max(only.end),
        }
        self.sorted.splice(first..first + behind, [range]);
        true
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let candidate = self.sorted.partition_point(|range| range.end <= number);
        number < self.floor || self.sorted.get(candidate).is_some_and(|range| range.start <= number)
    }

    /// Whether every number of a range is in the set.
    pub(crate) fn contains_all(&self, numbers: Range<u64>) -> bool {
        let candidate = self.sorted.partition_point(|range| range.end <= numbers.start);
        numbers.end <= self.floor
            || self
                .sorted
                .get(candidate)
                .is_some_and(|range| range.start <= numbers.start.max(self.floor) && numbers.end <= range.end)
    }

    /// The first number that is not in the set, from `number` on.
    pub(crate) fn first_missing(&self, number: u64) -> u64 {
        let from = number.max(self.floor);
        let candidate = self.sorted.partition_point(|range| range.end <= from);
        let range = self.sorted.get(candidate).filter(|range| range.start <= from);
        range.map_or(from, |range| range.end)
    }

    /// The end of the range that begins at 0, or 0.
    pub(crate) fn prefix(&self) -> u64 {
        self.sorted
            .first()
            .filter(|range| range.start == 0)
            .map_or(0, |range| range.end)
    }

    /// The ranges from the highest to the lowest.
    pub(crate) fn descending(&self) -> impl ExactSizeIterator<Item = Range<u64>> {
        self.sorted.iter().rev().cloned()
    }

    /// Forgets the lowest ranges until at most `count` are left. All numbers up to the last one forgotten count as
    /// known from then on.
    pub(crate) fn keep_highest(&mut self, count: usize) {
        let excess = self.sorted.len().saturating_sub(count);
        if let Some(highest) = self.sorted.drain(..excess).next_back() {
            self.floor = highest.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges(parts: &[(u64, u64)]) -> Ranges {
        let mut ranges = Ranges::default();
        for &(start, end) in parts {
            ranges.insert(start..end);
        }
        ranges
    }

    fn ascending(ranges: &Ranges) -> Vec<(u64, u64)> {
        let mut all: Vec<_> = ranges.descending().map(|range| (range.start, range.end)).collect();
        all.reverse();
        all
    }

    #[test]
    fn what_is_missing_begins_behind_a_range() {
        let ranges = ranges(&[(2, 4), (6, 9)]);
        let missing = [0, 2, 3, 4, 8, 9].map(|number| ranges.first_missing(number));
        assert_eq!(missing, [0, 4, 4, 4, 9, 9]);
    }

    #[test]
    fn neighbours_become_one_range() {
        assert_eq!(ascending(&ranges(&[(0, 2), (4, 6), (2, 4)])), [(0, 6)]);
        assert_eq!(ascending(&ranges(&[(0, 2), (4, 6), (8, 9), (1, 8)])), [(0, 9)]);
        assert_eq!(ascending(&ranges(&[(5, 6), (0, 2)])), [(0, 2), (5, 6)]);
    }

    #[test]
    fn what_is_known_is_not_new() {
        let mut ranges = ranges(&[(0, 5), (7, 9)]);
        for known in [0..5, 1..2, 8..9, 3..3, 20..20] {
            assert!(!ranges.insert(known.clone()), "{known:?}");
        }
        for new in [4..6, 6..7, 8..10] {
            assert!(ranges.insert(new.clone()), "{new:?}");
        }
        assert_eq!(ascending(&ranges), [(0, 10)]);
    }

    #[test]
    fn the_prefix_begins_at_zero() {
        assert_eq!(Ranges::default().prefix(), 0);
        assert_eq!(ranges(&[(1, 9)]).prefix(), 0);
        assert_eq!(ranges(&[(3, 9), (0, 2)]).prefix(), 2);
    }

    #[test]
    fn what_was_forgotten_never_becomes_new_again() {
        let mut ranges = ranges(&[(0, 1), (2, 3), (4, 5), (6, 7)]);
        ranges.keep_highest(2);
        assert_eq!(ascending(&ranges), [(4, 5), (6, 7)]);
        assert!(ranges.contains(0) && ranges.contains(1) && ranges.contains(2) && !ranges.contains(3));
        assert!(!ranges.insert(0..3), "a repeated packet would be taken for a new one");
        assert!(ranges.insert(0..4));
        assert_eq!(ascending(&ranges), [(3, 5), (6, 7)]);
        ranges.keep_highest(2);
        assert_eq!(ascending(&ranges), [(3, 5), (6, 7)]);
    }

    proptest! {
        #[test]
        fn the_same_as_a_set_of_numbers(parts in prop::collection::vec((0_u64..120, 0_u64..9), 0..60)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (start, length) in parts {
                let before = set.len();
                set.extend(start..start + length);
                prop_assert_eq!(ranges.insert(start..start + length), set.len() > before);
                let all = ascending(&ranges);
                prop_assert!(all.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", all);
                prop_assert!(all.into_iter().flat_map(|(start, end)| start..end).eq(set.iter().copied()));
            }
            for number in 0..140 {
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
            }
        }
    }
}
