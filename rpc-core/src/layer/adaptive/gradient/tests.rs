//! The limit against servers of known capacity, on a clock of the test's own.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use proptest::prelude::*;

use super::*;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Settings {
    Settings {
        min: 4,
        max: 4_096,
        initial: 16,
        window: 100 * MILLI,
        reserve: 0.2,
    }
}

/// A server that works on `slots` calls at the same time; the others wait in their order.
struct Simulation {
    limit: Gradient,
    start: Instant,
    now: Duration,
    slots: usize,
    /// How long a call of each method takes, give or take a half.
    works: Vec<Duration>,
    /// The time of the next arrival.
    arrival: Duration,
    waiting: VecDeque<Admitted>,
    /// The calls that are worked on, by the time of their end.
    working: BinaryHeap<Reverse<(Duration, Admitted)>>,
    random: fastrand::Rng,
}

/// When a call came, and its method.
type Admitted = (Duration, usize);

/// What happened in an interval.
#[derive(Debug, Default)]
struct Seen {
    answered: usize,
    refused: usize,
    /// The longest time of a call, in units of its work.
    longest: f64,
}

impl Simulation {
    fn new(slots: usize, works: &[Duration]) -> Self {
        let start = Instant::now();
        Self {
            limit: Gradient::new(settings(), start),
            start,
            now: Duration::ZERO,
            slots,
            works: works.to_vec(),
            arrival: Duration::ZERO,
            waiting: VecDeque::new(),
            working: BinaryHeap::new(),
            random: fastrand::Rng::with_seed(7),
        }
    }

    /// How many calls it can answer in a second.
    fn capacity(&self) -> f64 {
        let work: Duration = self.works.iter().sum();
        (self.slots * self.works.len()) as f64 / work.as_secs_f64()
    }

    /// Lets calls come at `load` times the capacity for so long.
    fn run(&mut self, load: f64, lasts: Duration) -> Seen {
        let (end, mut seen) = (self.now + lasts, Seen::default());
        self.arrival = self.arrival.max(self.now);
        loop {
            let done = self.working.peek().map(|Reverse((done, _))| *done);
            let next = done.map_or(self.arrival, |done| done.min(self.arrival));
            if next > end {
                self.now = end;
                return seen;
            }
            self.now = next;
            if done == Some(next) {
                self.finish(&mut seen);
            } else {
                self.arrive(&mut seen);
                let gap = 2.0 * self.random.f64() / (load * self.capacity());
                self.arrival += Duration::from_secs_f64(gap);
            }
        }
    }

    fn arrive(&mut self, seen: &mut Seen) {
        match self.limit.check(Priority::High, self.start + self.now) {
            Ok(()) => {
                self.limit.begin();
                let method = self.random.usize(..self.works.len());
                self.waiting.push_back((self.now, method));
                self.work_on();
            }
            Err(_) => seen.refused += 1,
        }
    }

    fn finish(&mut self, seen: &mut Seen) {
        let Some(Reverse((_, (came, method)))) = self.working.pop() else {
            return;
        };
        let (began, now) = (self.start + came, self.start + self.now);
        self.limit.end_timed(method as u64, began, now);
        seen.answered += 1;
        let took = self.now.saturating_sub(came).as_secs_f64() / self.works[method].as_secs_f64();
        seen.longest = seen.longest.max(took);
        self.work_on();
    }

    fn work_on(&mut self) {
        while self.working.len() < self.slots
            && let Some((came, method)) = self.waiting.pop_front()
        {
            let work = self.works[method].mul_f64(0.5 + self.random.f64());
            self.working.push(Reverse((self.now + work, (came, method))));
        }
    }
}

#[test]
fn the_limit_finds_the_capacity_and_keeps_the_server_busy() {
    for (slots, work) in [(4, 10), (16, 10), (64, 20), (400, 200)] {
        let mut simulation = Simulation::new(slots, &[work * MILLI]);
        let capacity = simulation.capacity();
        simulation.run(10.0, 6 * SECOND);
        let mut limits = 0;
        for _ in 0..20 {
            let seen = simulation.run(10.0, SECOND);
            let goodput = seen.answered as f64 / capacity;
            assert!(goodput > 0.85, "{slots} slots: {goodput} of the capacity");
            assert!(seen.longest < 10.0, "{slots} slots: {seen:?}");
            limits += simulation.limit.limit();
        }
        let average = limits / 20;
        assert!((slots..=3 * slots).contains(&average), "{slots} slots: {average}");
    }
}

#[test]
fn a_load_below_the_capacity_is_not_refused() {
    for (slots, work) in [(16, 1), (64, 20), (400, 200)] {
        let mut simulation = Simulation::new(slots, &[work * MILLI]);
        simulation.run(0.7, 4 * SECOND);
        let seen = simulation.run(0.7, 20 * SECOND);
        assert_eq!(seen.refused, 0, "{slots} slots");
    }
}

#[test]
fn the_limit_follows_a_server_that_is_slow_for_a_time() {
    let mut simulation = Simulation::new(32, &[5 * MILLI]);
    simulation.run(10.0, 3 * SECOND);
    for work in [50, 5, 50, 5] {
        simulation.works = vec![work * MILLI];
        // A second or two to see what happens, and then all is well.
        simulation.run(10.0, 2 * SECOND);
        let seen = simulation.run(10.0, 3 * SECOND);
        let goodput = seen.answered as f64 / simulation.capacity() / 3.0;
        assert!(goodput > 0.9, "{goodput} of the capacity at {work} ms");
        assert!(seen.longest < 6.0, "{work} ms: {seen:?}");
    }
}

/// There is room for all, so there is nothing to limit.
#[test]
fn the_limit_grows_as_long_as_calls_take_no_longer() {
    let mut simulation = Simulation::new(100_000, &[20 * MILLI]);
    simulation.run(0.0002, SECOND);
    let limit = simulation.limit.limit();
    simulation.run(0.004, SECOND);
    let seen = simulation.run(0.004, 20 * SECOND);
    assert_eq!(seen.refused, 0);
    assert!(simulation.limit.limit() >= 400, "from {limit}: {seen:?}");
}

/// A window with more of the slow calls than the one before is no sign of load.
#[test]
fn methods_of_different_lengths_are_not_taken_for_load() {
    let mut simulation = Simulation::new(100_000, &[MILLI, MILLI, MILLI, MILLI, MILLI, 300 * MILLI]);
    simulation.run(0.001, 3 * SECOND);
    let seen = simulation.run(0.001, 20 * SECOND);
    assert_eq!(seen.refused, 0);
}

/// While calls of a slow method keep all places, no measurement keeps the limit down.
#[test]
fn a_measurement_is_given_up_if_it_takes_too_long() {
    let start = Instant::now();
    let mut limit = Gradient::new(settings(), start);
    for _ in 0..8 {
        limit.check(Priority::High, start).expect("there is room");
        limit.begin();
    }
    limit.measure(200 * MILLI, start);
    assert_eq!(limit.limit(), 4);
    assert!(limit.check(Priority::High, start + 999 * MILLI).is_err());
    assert_eq!(limit.check(Priority::High, start + 1000 * MILLI), Ok(()));
    assert_eq!(limit.limit(), 16);
}

#[test]
fn each_priority_leaves_a_part_of_the_limit_to_those_above_it() {
    let now = Instant::now();
    let mut limit = Gradient::new(
        Settings {
            initial: 100,
            ..settings()
        },
        now,
    );
    let mut fill = |priority| {
        while limit.check(priority, now).is_ok() {
            limit.begin();
        }
        limit.in_flight()
    };
    assert_eq!(
        [Priority::Low, Priority::Normal, Priority::High].map(&mut fill),
        [60, 80, 100]
    );
}

/// What may happen to a limit.
#[derive(Clone, Debug)]
enum Step {
    Call(Priority),
    End { method: u64 },
    Fail,
    Wait(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let priority = prop::sample::select(vec![Priority::Low, Priority::Normal, Priority::High]);
    let step = prop_oneof![
        4 => priority.prop_map(Step::Call),
        3 => (0_u64..3).prop_map(|method| Step::End { method }),
        1 => Just(Step::Fail),
        2 => (0_u64..10_000_000).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
    ];
    prop::collection::vec(step, 0..2_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_limit_stays_in_its_bounds_and_every_call_is_counted(
        steps in steps(),
        min in 0_usize..20,
        max in 0_usize..200,
        initial in 0_usize..500,
    ) {
        let mut now = Instant::now();
        let window = Duration::from_millis(1);
        let mut limit = Gradient::new(Settings { min, max, initial, window, reserve: 0.2 }, now);
        let mut running = VecDeque::new();
        for step in steps {
            match step {
                Step::Call(priority) => {
                    let is_admitted = limit.check(priority, now).is_ok();
                    prop_assert!(is_admitted == (running.len() < limit.room(priority)));
                    if is_admitted {
                        limit.begin();
                        running.push_back(now);
                    }
                }
                Step::End { method } => {
                    if let Some(began) = running.pop_front() {
                        limit.end_timed(method, began, now);
                    }
                }
                Step::Fail => {
                    if running.pop_back().is_some() {
                        limit.end(now);
                    }
                }
                Step::Wait(time) => now += time,
            }
            prop_assert_eq!(limit.in_flight(), running.len());
            prop_assert!((min.min(max).max(1)..=max.max(1)).contains(&limit.limit()), "{:?}", limit);
            let [low, normal, high] = [Priority::Low, Priority::Normal, Priority::High].map(|each| limit.room(each));
            prop_assert!(1 <= low && low <= normal && normal <= high && high == limit.limit());
        }
    }
}
