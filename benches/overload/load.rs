//! Calls, and what became of them.

use std::time::Duration;

use farcall::{Code, Outcome};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::site::{CALLERS, Clients, DatabaseClient, WORK};

/// How often calls are sent.
const TICK: Duration = Duration::from_millis(2);
/// What takes longer than this at half of the capacity is still late because of what was before.
const USUAL: Duration = WORK.saturating_mul(3);

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answered,
    /// By the limit, or by another limit of the server.
    Refused,
    /// Nearly always by its deadline.
    Failed(Outcome),
}

pub(crate) struct Ended {
    /// Since the load began.
    begun: Duration,
    pub(crate) took: Duration,
    pub(crate) end: End,
    /// How often the server started it.
    pub(crate) started: u8,
}

/// The calls of one load.
pub(crate) struct Load {
    pub(crate) calls: Vec<Ended>,
    lasted: Duration,
}

/// Callers with a call at a time each.
pub(crate) async fn closed(clients: &Clients, lasts: Duration) -> Load {
    let (start, mut callers) = (Instant::now(), JoinSet::new());
    for caller in 0..CALLERS as usize {
        let clients = clients.clone();
        callers.spawn(async move {
            let connection = &clients.connections[caller % clients.connections.len()];
            let mut calls = Vec::new();
            while start.elapsed() < lasts {
                calls.push(call(connection.clone(), clients.next(), start).await);
            }
            calls
        });
    }
    let calls = callers.join_all().await.into_iter().flatten();
    Load::new(calls, clients, lasts)
}

/// Calls that were sent at a rate, and may still run.
pub(crate) struct Sent {
    calls: JoinSet<(u32, Ended)>,
    lasted: Duration,
}

/// Sends so many calls in a second, whatever becomes of them.
pub(crate) async fn send(clients: &Clients, rate: u32, lasts: Duration) -> Sent {
    let (start, mut calls) = (Instant::now(), JoinSet::new());
    let (mut sent, mut ticks) = (0, interval(TICK));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while start.elapsed() < lasts {
        ticks.tick().await;
        let due = start.elapsed().as_micros() as usize * rate as usize / 1_000_000;
        for number in sent..due {
            let connection = clients.connections[number % clients.connections.len()].clone();
            calls.spawn(call(connection, clients.next(), start));
        }
        sent = due;
    }
    Sent { calls, lasted: lasts }
}

impl Sent {
    /// Waits until all have ended.
    pub(crate) async fn ended(self, clients: &Clients) -> Load {
        Load::new(self.calls.join_all().await.into_iter(), clients, self.lasted)
    }
}

async fn call(database: DatabaseClient, call: u32, start: Instant) -> (u32, Ended) {
    let begun = Instant::now();
    let result = database.query(call).await;
    let end = match result {
        Ok(()) => End::Answered,
        Err(error) if error.code() == Code::ResourceExhausted => End::Refused,
        Err(error) => End::Failed(error.outcome()),
    };
    let ended = Ended {
        begun: begun - start,
        took: begun.elapsed(),
        end,
        started: 0,
    };
    (call, ended)
}

impl Load {
    fn new(calls: impl Iterator<Item = (u32, Ended)>, clients: &Clients, lasted: Duration) -> Self {
        let counted = |(call, ended): (u32, Ended)| Ended {
            started: clients.started(call),
            ..ended
        };
        Self {
            calls: calls.map(counted).collect(),
            lasted,
        }
    }

    /// Calls that came in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.in_a_second(self.calls.len())
    }

    /// Calls that were answered in a second.
    pub(crate) fn goodput(&self) -> f64 {
        self.in_a_second(self.of(End::Answered).count())
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer than an f64 counts exactly")]
    fn in_a_second(&self, calls: usize) -> f64 {
        calls as f64 / self.lasted.as_secs_f64()
    }

    /// The calls that ended so.
    pub(crate) fn of(&self, end: End) -> impl Iterator<Item = &Ended> {
        self.calls.iter().filter(move |call| call.end == end)
    }

    /// How long those calls took, the shortest first.
    pub(crate) fn took(&self, end: End) -> Vec<Duration> {
        let mut took: Vec<_> = self.of(end).map(|call| call.took).collect();
        took.sort_unstable();
        took
    }

    /// Calls that ran although their callers were told that they did not, or did not although they were answered.
    pub(crate) fn lies(&self) -> usize {
        let is_lie = |call: &&Ended| match call.end {
            End::Answered => call.started != 1,
            End::Refused | End::Failed(Outcome::NotExecuted) => call.started != 0,
            End::Failed(_) => call.started > 1,
        };
        self.calls.iter().filter(is_lie).count()
    }

    /// How long it took until all calls were answered in the usual time.
    pub(crate) fn recovery(&self) -> Duration {
        let is_usual = |call: &&Ended| call.end == End::Answered && call.took <= USUAL;
        let late = self.calls.iter().filter(|call| !is_usual(call));
        late.map(|call| call.begun).max().unwrap_or_default()
    }
}
