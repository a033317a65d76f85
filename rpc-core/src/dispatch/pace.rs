//! Which methods compute for long before they wait, so that their connection does not stand still for them.
//!
//! A handler is first polled by the task of its connection, which is cheapest for the many that end at once. One that
//! computes holds up all other calls of its connection. Reading the clock for each call would cost as much as a small
//! handler does, so it is read once for all that were polled together. If that took long, all their methods are
//! suspected: their next calls run in tasks of their own, where each is timed. One that is found slow there stays in
//! such tasks for long; the others come back soon.

use std::{
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

/// A poll that takes longer holds up other calls.
const LONG: Duration = Duration::from_millis(1);
/// So many calls of a suspected method run in tasks of their own, if none of them is slow.
const SUSPECTED: u16 = 64;
/// The same after a slow call. A method with one slow call of a hundred stays there.
const SLOW: u16 = 4096;
/// Places for methods. Two methods that share a place are suspected together.
const PLACES: usize = 64;

/// How many of the next calls of each method run in tasks of their own.
#[derive(Debug)]
pub(super) struct Pace([AtomicU16; PLACES]);

/// The place of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u8);

/// The methods that were polled together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Together(u64);

impl Place {
    /// The place of the method with this id, which is a hash.
    pub(super) fn of(method: u64) -> Self {
        Self((method % PLACES as u64) as u8)
    }
}

impl Together {
    pub(super) fn add(&mut self, place: Place) {
        self.0 |= 1 << place.0;
    }
}

impl Pace {
    pub(super) fn new() -> Self {
        Self([const { AtomicU16::new(0) }; PLACES])
    }

    /// Whether the next call of a method is to have a task of its own.
    #[inline]
    pub(super) fn is_slow(&self, place: Place) -> bool {
        self.left(place).load(Ordering::Relaxed) > 0
    }

    /// These were polled together, which took so long.
    pub(super) fn polled(&self, together: Together, took: Duration) {
        if took < LONG {
            return;
        }
        for (number, left) in self.0.iter().enumerate() {
            if together.0 & 1 << number != 0 {
                left.fetch_max(SUSPECTED, Ordering::Relaxed);
            }
        }
    }

    /// A call in a task of its own was polled for the first time, which took so long.
    pub(super) fn polled_alone(&self, place: Place, took: Duration) {
        let left = self.left(place);
        if took >= LONG {
            left.store(SLOW, Ordering::Relaxed);
        } else {
            // Calls that began before the method was cleared find nothing left.
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        }
    }

    fn left(&self, place: Place) -> &AtomicU16 {
        &self.0[usize::from(place.0) % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(1);

    fn together(places: &[Place]) -> Together {
        let mut together = Together::default();
        for &place in places {
            together.add(place);
        }
        together
    }

    #[test]
    fn all_that_were_polled_together_are_suspected_and_only_the_slow_one_stays() {
        let (pace, places) = (Pace::new(), [3, 5, 64 + 7].map(Place::of));
        let [quick, slow, other] = places;
        pace.polled(together(&[quick, slow]), QUICK);
        assert_eq!(places.map(|place| pace.is_slow(place)), [false; 3]);
        pace.polled(together(&[quick, slow]), LONG);
        assert_eq!(places.map(|place| pace.is_slow(place)), [true, true, false]);
        pace.polled_alone(slow, LONG);
        for _ in 0..SUSPECTED {
            assert!(pace.is_slow(quick));
            pace.polled_alone(quick, QUICK);
            pace.polled_alone(slow, QUICK);
        }
        assert_eq!(places.map(|place| pace.is_slow(place)), [false, true, false]);
        pace.polled(together(&[other]), LONG);
        assert!(pace.is_slow(Place::of(7)), "both have one place");
    }

    #[test]
    fn a_method_that_is_slow_no_more_comes_back() {
        let (pace, place) = (Pace::new(), Place::of(63));
        pace.polled_alone(place, QUICK);
        assert!(!pace.is_slow(place), "there is nothing to take away");
        pace.polled_alone(place, LONG);
        pace.polled(together(&[place]), LONG);
        for _ in 0..SLOW {
            assert!(pace.is_slow(place));
            pace.polled_alone(place, QUICK);
        }
        assert!(!pace.is_slow(place));
    }
}
