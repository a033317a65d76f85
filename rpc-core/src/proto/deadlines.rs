//! The deadlines of the calls in one table.
//!
//! Nearly all calls end long before their deadline, so a deadline that is far away costs nothing: it is not kept by
//! itself, and the whole table is searched when the earliest of them comes. Deadlines within [`SPAN`] of such a search
//! are in a heap, so searches are at least that far apart, even if a peer chooses short deadlines.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

/// How far ahead a search of the table sorts.
const SPAN: Duration = Duration::from_secs(1);
/// This many entries of calls that have ended do not matter.
const SPARED: usize = 64;

/// The deadlines of the calls in one table.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// Those before the horizon, and some of calls that have ended.
    near: BinaryHeap<Reverse<(Instant, u32)>>,
    horizon: Option<Instant>,
    /// No later than the earliest of all others.
    far: Option<Instant>,
    #[cfg(test)]
    looked_at: usize,
}

impl Deadlines {
    /// One more call, beside `open` others.
    pub(super) fn add(&mut self, id: u32, deadline: Option<Instant>, open: usize) {
        let Some(deadline) = deadline else { return };
        if self.horizon.is_none_or(|horizon| deadline >= horizon) {
            self.far = earlier(self.far, Some(deadline));
            return;
        }
        if self.near.len() > 2 * open + SPARED {
            // Most of them have ended: the next search of the table drops those.
            self.far = self.earliest();
            self.near.clear();
            self.horizon = None;
            self.far = earlier(self.far, Some(deadline));
        } else {
            self.near.push(Reverse((deadline, id)));
        }
    }

    /// No later than the earliest one.
    pub(super) fn earliest(&self) -> Option<Instant> {
        earlier(self.near.peek().map(|Reverse((deadline, _))| *deadline), self.far)
    }

    /// Takes out the calls whose deadline has come. `open` gives the deadline of a call that may still miss it, and
    /// `all` every such call.
    pub(super) fn expired<A: Iterator<Item = (u32, Instant)>>(
        &mut self,
        now: Instant,
        open: impl Fn(u32) -> Option<Instant>,
        all: impl FnOnce() -> A,
    ) -> Vec<u32> {
        if self.far.is_some_and(|far| far <= now) {
            self.look_through(now, all());
        }
        let mut expired = Vec::new();
        while let Some(&Reverse((deadline, id))) = self.near.peek() {
            let is_open = open(id) == Some(deadline);
            if is_open && deadline > now {
                break;
            }
            self.near.pop();
            // One that used the id before may have had the same deadline.
            if is_open && expired.last() != Some(&id) {
                expired.push(id);
            }
        }
        expired
    }

    fn look_through(&mut self, now: Instant, all: impl Iterator<Item = (u32, Instant)>) {
        let horizon = now.checked_add(SPAN).unwrap_or(now);
        self.near.clear();
        self.horizon = Some(horizon);
        self.far = None;
        for (id, deadline) in all {
            #[cfg(test)]
            {
                self.looked_at += 1;
            }
            if deadline < horizon || deadline <= now {
                self.near.push(Reverse((deadline, id)));
            } else {
                self.far = earlier(self.far, Some(deadline));
            }
        }
    }
}

/// The earlier of two instants, where `None` is never.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fastrand::Rng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A table as simple as can be.
    #[derive(Default)]
    struct CallTable {
        open: BTreeMap<u32, Instant>,
        deadlines: Deadlines,
    }

    impl CallTable {
        fn begin(&mut self, id: u32, deadline: Instant) {
            self.deadlines.add(id, Some(deadline), self.open.len());
            self.open.insert(id, deadline);
        }

        fn expire(&mut self, now: Instant) -> Vec<u32> {
            let open = &self.open;
            let expired = self.deadlines.expired(
                now,
                |id| open.get(&id).copied(),
                || open.iter().map(|(id, at)| (*id, *at)),
            );
            for id in &expired {
                self.open.remove(id);
            }
            expired
        }
    }

    #[test]
    fn each_call_expires_once_and_at_its_time() {
        let start = Instant::now();
        let mut rng = Rng::with_seed(7);
        let mut table = CallTable::default();
        for step in 0..20_000_u32 {
            let now = start + MS * step;
            let id = rng.u32(..64);
            if rng.bool() {
                table.open.remove(&id);
            } else if !table.open.contains_key(&id) {
                let length = if rng.bool() { rng.u32(..5000) } else { rng.u32(..5) };
                table.begin(id, now + MS * length);
            }
            let due = |open: &BTreeMap<u32, Instant>| open.values().filter(|at| **at <= now).count();
            let expected = due(&table.open);
            if let Some(earliest) = table.open.values().min() {
                assert!(table.deadlines.earliest().expect("there is one") <= *earliest);
            }
            assert_eq!(table.expire(now).len(), expected, "at step {step}");
            assert_eq!(due(&table.open), 0);
        }
    }

    #[test]
    fn short_deadlines_do_not_look_at_calls_with_long_ones() {
        let start = Instant::now();
        let mut table = CallTable::default();
        for id in 0..1000 {
            table.begin(id, start + Duration::from_secs(3600));
        }
        for step in 0..10_000_u32 {
            let now = start + MS * step;
            table.begin(1000, now + MS);
            assert_eq!(table.expire(now + MS), [1000]);
        }
        // Ten seconds: a look a second, and the first.
        assert!(table.deadlines.looked_at <= 12_012, "{}", table.deadlines.looked_at);
    }

    #[test]
    fn calls_that_end_in_time_leave_little_behind() {
        let start = Instant::now();
        let mut table = CallTable::default();
        table.begin(0, start);
        table.expire(start);
        for step in 0..100_000_u32 {
            table.begin(1, start + MS * 900);
            table.open.remove(&1);
            if step % 100 == 0 {
                table.expire(start + MS * 899);
            }
            assert!(table.deadlines.near.len() <= SPARED + 2);
        }
        assert!(table.deadlines.looked_at < 100_000);
    }
}
