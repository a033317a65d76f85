//! How the limit follows what calls take: a state machine without a clock, a task or a lock.
//!
//! As long as a server has room, a call takes as long whether few or many run beside it. When it has none, calls wait
//! for each other, and what they take grows in proportion to their number. So the limit is set to where calls take
//! `TOLERANCE` times as long as they do without load: everything in the server is busy then, and the queues are short.
//!
//! What a call takes without load is learned for each method on its own, because a server may have methods of
//! microseconds and of seconds. While the limit holds calls back, that cannot be seen, and the server may have become
//! slower or faster for good. So now and then the limit is lowered for a moment, until no call waits, to measure it
//! again.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "limits are numbers of calls: far below 2^52, and not negative"
)]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::service::Priority;

/// How many times longer than without load a call takes at the limit that is right.
const TOLERANCE: f64 = 2.0;
/// How much the limit may change in one window.
const CHANGE: (f64, f64) = (0.5, 2.0);
/// Shorter times count as this one: what makes microseconds longer is not load. In seconds.
const SHORTEST: f64 = 0.001;
/// A window ends with no fewer calls.
const SAMPLES: u32 = 10;
/// How much of a deviation is learned from one window, most of which is noise.
const LEARNED: f64 = 0.25;
/// Windows in which latency holds the limit, from one measurement to the next.
const MEASURED: u32 = 50;
/// The part of the limit that is left for a measurement: no call waits then, even if the limit is twice what it should
/// be.
const LEFT: f64 = 0.5 / TOLERANCE;
/// How long a measurement may take, in windows or average calls: it gives up if long calls keep the places.
const PATIENCE: u32 = 5;

/// What the user has chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) initial: usize,
    pub(super) window: Duration,
    /// The part of the limit that each priority leaves to those above it.
    pub(super) reserve: f64,
}

/// The limit, the calls that run, and what was learned of them.
#[derive(Debug)]
pub(super) struct Gradient {
    settings: Settings,
    /// Between `min` and `max`; calls are counted against the whole part.
    limit: f64,
    in_flight: usize,
    window: Window,
    /// What calls take without load, in seconds, by method. There are no more than the program has methods.
    unloaded: BTreeMap<u64, f64>,
    /// Windows in which latency held the limit since the last measurement.
    held: u32,
    /// The highest limit since the last measurement. If it has halved since, what was measured may be wrong.
    highest: f64,
    measurement: Option<Measurement>,
}

/// A measurement of what calls take without load, while the limit is lowered.
#[derive(Clone, Copy, Debug)]
struct Measurement {
    /// The limit before it, and after it.
    before: f64,
    /// When it is given up.
    until: Instant,
    /// Whether the calls from before it have ended, which made others wait.
    is_drained: bool,
}

/// The calls that began and ended since the limit was set last.
#[derive(Debug)]
struct Window {
    began: Instant,
    /// The most calls that ran at the same time.
    peak: usize,
    /// Whether a call was refused.
    refused: bool,
    methods: BTreeMap<u64, Sum>,
    total: Sum,
}

/// What a number of calls took.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    calls: u32,
    seconds: f64,
}

/// Why a call may not run: so many run, and no more may with its priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) running: usize,
    pub(super) room: usize,
}

impl Gradient {
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        let max = settings.max.max(1);
        let settings = Settings {
            max,
            min: settings.min.clamp(1, max),
            ..settings
        };
        let limit = settings.initial.clamp(settings.min, max) as f64;
        Self {
            settings,
            limit,
            in_flight: 0,
            window: Window::new(now),
            unloaded: BTreeMap::new(),
            held: 0,
            highest: limit,
            measurement: None,
        }
    }

    /// How many calls may run at the same time.
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// How many calls run.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether one more call may run.
    pub(super) fn check(&mut self, priority: Priority, now: Instant) -> Result<(), Refusal> {
        if let Some(measurement) = self.measurement.take_if(|measurement| measurement.until <= now) {
            self.resume(measurement);
        }
        let (running, room) = (self.in_flight, self.room(priority));
        if running < room {
            return Ok(());
        }
        self.window.refused = true;
        Err(Refusal { running, room })
    }

    /// A call has begun.
    pub(super) fn begin(&mut self) {
        self.in_flight += 1;
        self.window.peak = self.window.peak.max(self.in_flight);
    }

    /// A call has ended, and says nothing about the load: it failed, or its caller gave it up.
    pub(super) fn end(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let is_low = self.in_flight <= self.limit();
        if let Some(measurement) = self
            .measurement
            .as_mut()
            .filter(|measurement| !measurement.is_drained && is_low)
        {
            measurement.is_drained = true;
            self.window = Window::new(now);
        }
    }

    /// A call of this method that `began` then has ended.
    pub(super) fn end_timed(&mut self, method: u64, began: Instant, now: Instant) {
        // One that began before the limit was set says nothing about the limit.
        if began >= self.window.began {
            self.window.add(method, now.saturating_duration_since(began));
        }
        self.end(now);
        if self.window.is_full(now, self.settings.window) {
            let window = std::mem::replace(&mut self.window, Window::new(now));
            self.learn(&window, now);
            self.window.peak = self.in_flight;
        }
    }

    /// How many calls may run before one of this priority is refused.
    fn room(&self, priority: Priority) -> usize {
        let left = match priority {
            Priority::High => 0.0,
            Priority::Normal => self.settings.reserve,
            Priority::Low => 2.0 * self.settings.reserve,
        };
        ((self.limit * (1.0 - left)) as usize).max(1)
    }

    fn learn(&mut self, window: &Window, now: Instant) {
        if let Some(measurement) = self.measurement {
            if measurement.is_drained {
                self.measurement = None;
                self.learn_unloaded(window, 1.0, |_, _| 1.0);
                self.resume(measurement);
            }
        } else if window.refused || window.peak as f64 >= self.limit / TOLERANCE {
            self.follow(window, now);
        } else {
            self.learn_unloaded(window, 1.0, |_, _| LEARNED);
        }
    }

    /// Sets the limit after a window in which it was used.
    fn follow(&mut self, window: &Window, now: Instant) {
        let stretch = window.stretch(&self.unloaded);
        // Calls may wait for each other now, so they never take too little.
        self.learn_unloaded(
            window,
            stretch.max(1.0),
            |taken, known| if taken < known { LEARNED } else { 0.0 },
        );
        self.set(self.limit * (TOLERANCE / stretch).clamp(CHANGE.0, CHANGE.1));
        self.highest = self.highest.max(self.limit);
        self.held += u32::from(stretch > f64::midpoint(1.0, TOLERANCE));
        let is_faster = stretch < 1.0 / TOLERANCE;
        if is_faster || self.held >= MEASURED || self.limit < self.highest / 2.0 {
            self.measure(Duration::from_secs_f64(window.total.mean()), now);
        }
    }

    /// Lowers the limit for a moment, when calls take so long.
    fn measure(&mut self, taken: Duration, now: Instant) {
        self.measurement = Some(Measurement {
            before: self.limit,
            until: now + PATIENCE * self.settings.window.max(taken),
            is_drained: false,
        });
        self.set(self.limit * LEFT);
    }

    /// Goes on after a measurement.
    fn resume(&mut self, measurement: Measurement) {
        self.set(measurement.before);
        self.highest = self.limit;
        self.held = 0;
    }

    /// Learns a part of what this window tells of calls without load. A method that is new ran under the same load as
    /// the others: its calls took `stretch` times as long as without.
    fn learn_unloaded(&mut self, window: &Window, stretch: f64, part: impl Fn(f64, f64) -> f64) {
        for (method, sum) in &window.methods {
            let taken = sum.mean();
            let known = self.unloaded.entry(*method).or_insert(taken / stretch);
            *known += (taken - *known) * part(taken, *known);
        }
    }

    fn set(&mut self, limit: f64) {
        self.limit = limit.clamp(self.settings.min as f64, self.settings.max as f64);
    }
}

impl Window {
    fn new(began: Instant) -> Self {
        Self {
            began,
            peak: 0,
            refused: false,
            methods: BTreeMap::new(),
            total: Sum::default(),
        }
    }

    fn add(&mut self, method: u64, took: Duration) {
        let seconds = took.as_secs_f64().max(SHORTEST);
        self.total.add(seconds);
        self.methods.entry(method).or_default().add(seconds);
    }

    /// Whether it has lasted long enough: also for calls as long as those that it has seen, or it would see only the
    /// short ones of them.
    fn is_full(&self, now: Instant, least: Duration) -> bool {
        let lasted = now.saturating_duration_since(self.began);
        self.total.calls >= SAMPLES && lasted >= least && lasted.as_secs_f64() >= 2.0 * self.total.mean()
    }

    /// How many times longer its calls took than they do without load; 1 if that is not known of any.
    fn stretch(&self, unloaded: &BTreeMap<u64, f64>) -> f64 {
        let (mut taken, mut expected) = (0.0, 0.0);
        for (method, sum) in &self.methods {
            if let Some(known) = unloaded.get(method) {
                taken += sum.seconds;
                expected += known * f64::from(sum.calls);
            }
        }
        if expected > 0.0 { taken / expected } else { 1.0 }
    }
}

impl Sum {
    fn add(&mut self, seconds: f64) {
        self.calls += 1;
        self.seconds += seconds;
    }

    fn mean(&self) -> f64 {
        self.seconds / f64::from(self.calls)
    }
}

#[cfg(test)]
mod tests;
