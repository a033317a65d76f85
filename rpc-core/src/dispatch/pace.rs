//! Which methods compute for long before they wait, so that their connection does not stand still for them.
//!
//! A handler is first polled by the task of its connection, which is cheapest for the many that end at once. One that
//! computes holds up all other calls of its connection. Reading the clock for each call would cost as much as a small
//! handler does, so it is read once for all that were polled together. If that took long, all their methods are
//! suspected: their next calls run in tasks of their own, where each is timed. One that is found slow there stays in
//! such tasks for long; the others come back soon. Only a method that is slow most of the time lends its thread to
//! others while it computes, which costs many times what a small handler takes.
//!
//! The system may also have stopped the thread for a moment, more often the busier the machine is. So a suspicion costs
//! little, and needs to be confirmed again and again.

use std::{
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

/// A poll that takes longer holds up other calls.
const LONG: Duration = Duration::from_millis(1);
/// So many calls of a suspected method run in tasks of their own, if none of them is slow.
const SUSPECTED: u16 = 256;
/// So many more do after each slow one: a method stays if one call of two hundred is slow.
const SLOW: u16 = 256;
/// The most that are to come.
const MOST: u16 = 4096;
/// What a slow call adds to the weight of a method, from which each quick one takes one.
const WEIGHT: u16 = 4;
/// The weight from which a method lends its thread, and the greatest one.
const HEAVY: (u16, u16) = (8, 16);
/// Places for methods. Two methods that share a place are suspected together.
const PLACES: usize = 64;

/// What is known of each method.
#[derive(Debug)]
pub(super) struct Pace([Record; PLACES]);

#[derive(Debug, Default)]
struct Record {
    /// How many of the next calls run in tasks of their own.
    left: AtomicU16,
    /// How much of the recent calls was slow.
    weight: AtomicU16,
}

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
pub(super) struct PolledMethods(u64);

impl Place {
    /// The place of the method with this id, which is a hash.
    pub(super) fn of(method: u64) -> Self {
        Self((method % PLACES as u64) as u8)
    }
}

impl PolledMethods {
    pub(super) fn add(&mut self, place: Place) {
        self.0 |= 1 << place.0;
    }
}

impl Pace {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Record::default()))
    }

    /// How the next call of a method is to be polled.
    #[inline]
    pub(super) fn manner(&self, place: Place) -> PollManner {
        let record = self.record(place);
        if record.left.load(Ordering::Relaxed) == 0 {
            PollManner::Together
        } else if record.weight.load(Ordering::Relaxed) < HEAVY.0 {
            PollManner::Alone
        } else {
            PollManner::BesideOthers
        }
    }

    /// These were polled together, which took so long.
    pub(super) fn polled(&self, methods: PolledMethods, took: Duration) {
        if took < LONG {
            return;
        }
        for (number, record) in self.0.iter().enumerate() {
            if methods.0 & 1 << number != 0 {
                record.left.fetch_max(SUSPECTED, Ordering::Relaxed);
            }
        }
    }

    /// A call in a task of its own was polled for the first time, which took so long.
    pub(super) fn polled_alone(&self, place: Place, took: Duration) {
        let Record { left, weight } = self.record(place);
        if took >= LONG {
            add(left, SLOW, MOST);
            add(weight, WEIGHT, HEAVY.1);
        } else {
            // Calls that began before the method was cleared find nothing left.
            for count in [left, weight] {
                let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
            }
        }
    }

    fn record(&self, place: Place) -> &Record {
        &self.0[usize::from(place.0) % PLACES]
    }
}

fn add(count: &AtomicU16, more: u16, most: u16) {
    let sum = |count: u16| Some(count.saturating_add(more).min(most));
    let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(1);

    fn together(places: &[Place]) -> PolledMethods {
        let mut together = PolledMethods::default();
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
        for _ in 0..SUSPECTED {
            assert_ne!(pace.manner(quick), Together);
            pace.polled_alone(quick, QUICK);
            pace.polled_alone(slow, LONG);
        }
        assert_eq!(manners(), [Together, BesideOthers, Together]);
        pace.polled(together(&[other]), LONG);
        assert_eq!(pace.manner(Place::of(7)), Alone, "both have one place");
    }

    /// How many of 100,000 calls are polled in this manner, if every `every`th is slow.
    fn count(manner: PollManner, every: usize) -> usize {
        let (pace, place) = (Pace::new(), Place::of(63));
        pace.polled(together(&[place]), LONG);
        (0..100_000)
            .map(|call| if call % every == 0 { LONG } else { QUICK })
            .inspect(|&took| pace.polled_alone(place, took))
            .filter(|_| pace.manner(place) == manner)
            .count()
    }

    #[test]
    fn a_method_stays_while_it_is_slow_again_and_again() {
        assert!(count(PollManner::Alone, 100) > 99_000);
        assert!(count(PollManner::BesideOthers, 2) > 99_000);
    }

    /// As on a machine that stops each thread every few milliseconds.
    #[test]
    fn rare_delays_do_not_make_a_method_slow() {
        assert!(count(PollManner::Together, 1_000) > 70_000);
        assert_eq!(count(PollManner::BesideOthers, 10), 0);
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
