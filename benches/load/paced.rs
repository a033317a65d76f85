//! Calls at planned times, whether earlier ones are answered or not. A wait counts from the planned time, so a server
//! that falls behind cannot hide it by holding up the caller.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::task::JoinSet;

use crate::{
    echo::{Echo, echo, slow_echo, tried_body},
    peer::{Done, Result, Session, Stop},
    ticks::Ticks,
    waits::Waits,
    work::{Paced, Slow},
};

/// Between two bursts of calls on one connection.
const PERIOD: Duration = Duration::from_millis(1);
const BODY: usize = 16;
/// One call of so many is slow.
const SLOW_OF: u64 = 100;
/// In a second: of 5 ms each, they take half a core.
const MOST_COMPUTING: f64 = 100.0;

pub(crate) struct Pacers<E> {
    connections: Vec<E>,
    paced: Paced,
    body: Bytes,
}

impl<E: Echo> Pacers<E> {
    pub(crate) async fn new(connections: Vec<E>, paced: Paced) -> Result<Self> {
        Ok(Self {
            body: tried_body(&connections, BODY).await?,
            connections,
            paced,
        })
    }
}

impl<E: Echo> Session for Pacers<E> {
    /// Counts all calls and times those that are not slow.
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let mut tasks = JoinSet::new();
            for (index, connection) in (0..).zip(&self.connections) {
                let plan = Plan::of(self.paced, index);
                let ticks = Ticks::start(plan.delay, PERIOD)?;
                tasks.spawn(pace(stop.clone(), ticks, connection.clone(), plan, self.body.clone()));
            }
            let mut all = Done::untimed(0);
            while let Some(task) = tasks.join_next().await {
                let done = task??;
                all.count += done.count;
                all.waits.append(done.waits);
            }
            Ok(all)
        })
    }
}

/// Of one connection. All have the same rate, and take turns: neither their bursts nor their slow calls coincide.
#[derive(Clone, Copy)]
struct Plan {
    /// Before the first burst.
    delay: Duration,
    calls_per_tick: f64,
    slow: Option<SlowCalls>,
}

/// The call with number `first`, and every one that is a multiple of `one_of` later.
#[derive(Clone, Copy)]
struct SlowCalls {
    slow: Slow,
    first: u64,
    one_of: u64,
}

impl Plan {
    fn of(paced: Paced, connection: u32) -> Self {
        let Paced {
            connections,
            per_second,
            slow,
        } = paced;
        Self {
            delay: PERIOD * (connection + 1) / connections,
            calls_per_tick: per_second * PERIOD.as_secs_f64() / f64::from(connections),
            slow: slow.map(|slow| {
                let one_of = one_slow_of(slow, per_second);
                let first = one_of * u64::from(connection) / u64::from(connections);
                SlowCalls { slow, first, one_of }
            }),
        }
    }

    /// How many calls are due with tick `tick`, all those before it included.
    #[expect(clippy::cast_sign_loss, reason = "a positive count")]
    fn due(&self, tick: u32) -> u64 {
        (f64::from(tick + 1) * self.calls_per_tick) as u64
    }

    fn slow(&self, number: u64) -> Option<Slow> {
        let SlowCalls { slow, first, one_of } = self.slow?;
        (number % one_of == first).then_some(slow)
    }
}

#[expect(clippy::cast_sign_loss, reason = "a positive count")]
fn one_slow_of(slow: Slow, per_second: f64) -> u64 {
    match slow {
        Slow::Asleep => SLOW_OF,
        Slow::Computing => SLOW_OF.max((per_second / MOST_COMPUTING).ceil() as u64),
    }
}

async fn pace<E: Echo>(stop: Stop, mut ticks: Ticks, connection: E, plan: Plan, body: Bytes) -> Result<Done> {
    let mut calls = FuturesUnordered::new();
    let (mut sent, mut waits) = (0, Waits::default());
    loop {
        let stopped = stop.is_set();
        if stopped && calls.is_empty() {
            return Ok(Done { count: sent, waits });
        }
        tokio::select! {
            biased;
            tick = ticks.next(), if !stopped => {
                let (tick, planned) = tick?;
                let due = plan.due(tick);
                calls.extend((sent..due).map(|number| call(&connection, number, planned, plan.slow(number), &body)));
                sent = due;
            }
            Some(wait) = calls.next() => {
                if let Some(wait) = wait? {
                    waits.add(wait);
                }
            }
        }
    }
}

/// How long the answer took since `planned`; `None` for a slow call.
async fn call<E: Echo>(
    connection: &E,
    id: u64,
    planned: Instant,
    slow: Option<Slow>,
    body: &Bytes,
) -> Result<Option<Duration>> {
    if let Some(slow) = slow {
        slow_echo(connection, slow, body).await?;
        return Ok(None);
    }
    echo(connection, id, body).await?;
    Ok(Some(planned.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKS: u32 = 1000;

    /// The calls of one second on all connections, and how many of them are slow.
    fn second_of(per_second: f64, slow: Slow) -> (u64, usize) {
        let paced = Paced {
            connections: 8,
            per_second,
            slow: Some(slow),
        };
        let plans = (0..paced.connections).map(|connection| Plan::of(paced, connection));
        plans.fold((0, 0), |(calls, slow), plan| {
            let due = plan.due(TICKS - 1);
            (
                calls + due,
                slow + (0..due).filter(|number| plan.slow(*number).is_some()).count(),
            )
        })
    }

    #[test]
    fn the_planned_rate_is_the_one_asked_for() {
        assert_eq!(second_of(80_000.0, Slow::Asleep), (80_000, 800));
        assert_eq!(second_of(800.0, Slow::Asleep), (800, 8));
    }

    #[test]
    fn computing_calls_take_half_a_core_at_most() {
        assert_eq!(second_of(800.0, Slow::Computing), (800, 8));
        assert_eq!(second_of(80_000.0, Slow::Computing), (80_000, 100));
    }

    #[test]
    fn connections_take_turns_with_slow_calls() {
        let firsts = (0..8).map(|connection| {
            let plan = Plan::of(
                Paced {
                    connections: 8,
                    per_second: 80_000.0,
                    slow: Some(Slow::Computing),
                },
                connection,
            );
            plan.slow.map(|slow| slow.first)
        });
        let firsts: Vec<_> = firsts.collect();
        assert_eq!(
            firsts,
            [0, 100, 200, 300, 400, 500, 600, 700].map(Some),
            "one of 800 calls on each connection is slow"
        );
    }
}
