//! Which methods compute for long before they wait, so that their connection does not stand still for them.
//!
//! A handler is first polled by the task of its connection, which is cheapest for the many that end at once. One that
//! computes holds up all other calls of its connection. Reading the clock for each call would cost as much as a small
//! handler does, so it is read once for all that were polled together. If that took long, all their methods are
//! suspected: their next calls run in tasks of their own, where each is timed. One that is found slow there stays in
//! such tasks for long, and lends its thread to others meanwhile; the others come back soon.
//!
//! The system may also have stopped the thread for a moment, more often the busier the machine is. So a suspicion costs
//! little, and only a method that is slow again and again stays.

use std::{
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

/// A poll that takes longer holds up other calls.
const LONG: Duration = Duration::from_millis(1);
/// So many calls of a suspected method run in tasks of their own, if none of them is slow.
const SUSPECTED: u16 = 256;
/// So many more do after each slow one: a method stays if one call of a thousand is slow.
const SLOW: u16 = 1024;
/// The most that are to come.
const MOST: u16 = 8 * SLOW;
/// Places for methods. Two methods that share a place are suspected together.
const PLACES: usize = 64;

/// How many of the next calls of each method run in tasks of their own.
#[derive(Debug)]
pub(super) struct Pace([AtomicU16; PLACES]);

/// How a handler is polled for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollManner {
    /// By the task of its connection, as others are.
    Together,
    /// By a task of its own, and timed.
    Alone,
    /// The same, while another thread does what else is to be done.
    BesideOthers,
}

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

    /// How the next call of a method is to be polled.
    #[inline]
    pub(super) fn manner(&self, place: Place) -> PollManner {
        match self.left(place).load(Ordering::Relaxed) {
            0 => PollManner::Together,
            1..=SUSPECTED => PollManner::Alone,
            _ => PollManner::BesideOthers,
        }
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
        let next = |left: u16| {
            if took >= LONG {
                Some(left.saturating_add(SLOW).min(MOST))
            } else {
                // Calls that began before the method was cleared find nothing left.
                left.checked_sub(1)
            }
        };
        let _ = self
            .left(place)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
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
        use PollManner::{Alone, BesideOthers, Together};

        let (pace, places) = (Pace::new(), [3, 5, 64 + 7].map(Place::of));
        let [quick, slow, other] = places;
        let manners = || places.map(|place| pace.manner(place));
        pace.polled(together(&[quick, slow]), QUICK);
        assert_eq!(manners(), [Together; 3]);
        pace.polled(together(&[quick, slow]), LONG);
        assert_eq!(manners(), [Alone, Alone, Together]);
        pace.polled_alone(slow, LONG);
        for _ in 0..SUSPECTED {
            assert_eq!(manners(), [Alone, BesideOthers, Together]);
            pace.polled_alone(quick, QUICK);
            pace.polled_alone(slow, QUICK);
        }
        assert_eq!(manners(), [Together, BesideOthers, Together]);
        pace.polled(together(&[other]), LONG);
        assert_eq!(pace.manner(Place::of(7)), Alone, "both have one place");
    }

    /// How many of so many calls find the method slow, if every `every`th is.
    fn slow_calls(every: usize) -> usize {
        let (pace, place) = (Pace::new(), Place::of(63));
        pace.polled(together(&[place]), LONG);
        (0..100_000)
            .map(|call| if call % every == 0 { LONG } else { QUICK })
            .inspect(|&took| pace.polled_alone(place, took))
            .filter(|_| pace.manner(place) == PollManner::BesideOthers)
            .count()
    }

    #[test]
    fn a_method_stays_while_it_is_slow_again_and_again() {
        assert!(slow_calls(100) > 90_000);
    }

    /// As on a machine that stops each thread every few milliseconds.
    #[test]
    fn rare_delays_do_not_make_a_method_slow() {
        assert!(slow_calls(4_000) < 30_000);
    }

    #[test]
    fn a_method_that_is_slow_no_more_comes_back() {
        let (pace, place) = (Pace::new(), Place::of(63));
        pace.polled_alone(place, QUICK);
        assert_eq!(
            pace.manner(place),
            PollManner::Together,
            "there is nothing to take away"
        );
        for _ in 0..100 {
            pace.polled_alone(place, LONG);
        }
        for _ in 0..MOST {
            assert_ne!(pace.manner(place), PollManner::Together);
            pace.polled_alone(place, QUICK);
        }
        assert_eq!(pace.manner(place), PollManner::Together);
    }
}
