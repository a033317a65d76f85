//! The calls of a load: one after the other in each of many tasks, or at a fixed rate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

use super::stats::Shared;
use crate::{
    cli::Load,
    dynamic::{AnyClient, Arguments, Method},
    output::float,
};

/// How many calls wait for their answers at a fixed rate; beyond that the server is far behind, and calls wait here.
const UNANSWERED: usize = 65_536;

/// What is called, how often, and for how long.
pub(super) struct Plan {
    what: Arc<What>,
    clients: Vec<AnyClient>,
    rate: Option<f64>,
    in_flight: u32,
    /// How many calls, if that is what ends it.
    count: Option<u64>,
    duration: Duration,
}

struct What {
    method: Method,
    arguments: Arguments,
    begun: AtomicU64,
}

impl Plan {
    pub(super) fn new(
        method: Method,
        arguments: Arguments,
        clients: Vec<AnyClient>,
        load: &Load,
        duration: Duration,
    ) -> Self {
        Self {
            clients,
            what: Arc::new(What {
                method,
                arguments,
                begun: AtomicU64::new(0),
            }),
            rate: load.rate,
            in_flight: load.in_flight,
            count: load.count,
            duration: load.duration.unwrap_or(duration),
        }
    }

    /// Runs to the end. Dropped before, it leaves what was counted.
    pub(super) async fn run(&self, shared: &Arc<Shared>) {
        match self.rate {
            Some(rate) => self.at_rate(rate, shared).await,
            None => self.in_flight(shared).await,
        }
    }

    fn end(&self, begin: Instant) -> Option<Instant> {
        self.count.is_none().then(|| begin + self.duration)
    }

    async fn in_flight(&self, shared: &Arc<Shared>) {
        let end = self.end(Instant::now());
        let mut tasks = JoinSet::new();
        for (_, client) in (0..self.in_flight).zip(self.clients.iter().cycle()) {
            let (what, client, shared) = (Arc::clone(&self.what), client.clone(), Arc::clone(shared));
            let count = self.count.unwrap_or(u64::MAX);
            tasks.spawn(async move {
                while what.begun.fetch_add(1, Ordering::Relaxed) < count {
                    let began = Instant::now();
                    if end.is_some_and(|end| began >= end) {
                        return;
                    }
                    let call = what.method.send(&client, &what.arguments);
                    let answer = match end {
                        // A call that is cut off by the end is not counted.
                        Some(end) => match timeout_at(end, call).await {
                            Ok(answer) => answer,
                            Err(_) => return,
                        },
                        None => call.await,
                    };
                    shared.note(began.elapsed(), &answer);
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Latencies count from when a call was due, so that a server that stands still is seen in all calls that it keeps
    /// waiting.
    async fn at_rate(&self, rate: f64, shared: &Arc<Shared>) {
        let begin = Instant::now();
        let end = self.end(begin);
        let mut tasks = JoinSet::new();
        for (number, client) in (0..self.count.unwrap_or(u64::MAX)).zip(self.clients.iter().cycle()) {
            let due = begin + Duration::from_secs_f64(float(number) / rate);
            if end.is_some_and(|end| due >= end) {
                break;
            }
            sleep_until(due).await;
            while tasks.try_join_next().is_some() {}
            if tasks.len() >= UNANSWERED {
                tasks.join_next().await;
            }
            let (what, client, shared) = (Arc::clone(&self.what), client.clone(), Arc::clone(shared));
            tasks.spawn(async move {
                let answer = what.method.send(&client, &what.arguments).await;
                shared.note(due.elapsed(), &answer);
            });
        }
        while tasks.join_next().await.is_some() {}
    }
}
