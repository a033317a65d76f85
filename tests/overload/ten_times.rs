//! A server of known capacity under ten times the load that it is good for, on paused time: what it does does not
//! depend on the speed of the machine. `benches/overload` does the same in real time, over TCP.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall::{Channel, Code, Error, Outcome, Result, Server, layer::AdaptiveLimit};
use farcall_tests::TestResult;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, interval, sleep},
};

/// How many calls are worked on at the same time, and for how long each.
const SLOTS: u32 = 10;
const WORK: Duration = Duration::from_millis(20);
/// Calls in a second.
const CAPACITY: u32 = SLOTS * 1000 / WORK.as_millis() as u32;
/// How long a caller waits.
const TIMEOUT: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

#[farcall::service]
trait Database {
    async fn query(&self, call: u32) -> Result<()>;
}

/// A database with a pool of connections.
struct Pool {
    connections: Semaphore,
    /// How often each call was started.
    started: Arc<Mutex<HashMap<u32, u32>>>,
}

impl Database for Pool {
    async fn query(&self, call: u32) -> Result<()> {
        *self.started.lock().expect("nobody panics").entry(call).or_default() += 1;
        let _connection = self.connections.acquire().await.expect("never closed");
        sleep(WORK).await;
        Ok(())
    }
}

/// Clients that send calls at a rate, whatever becomes of them, and the server.
struct Site {
    database: DatabaseClient,
    started: Arc<Mutex<HashMap<u32, u32>>>,
    calls: u32,
}

/// A call that has ended.
struct Ended {
    call: u32,
    begun: Instant,
    took: Duration,
    result: Result<()>,
}

/// What became of calls.
#[derive(Default)]
struct Load(Vec<Ended>);

impl Site {
    fn new(server: Server) -> Self {
        let started = Arc::default();
        let pool = Pool {
            connections: Semaphore::new(SLOTS as usize),
            started: Arc::clone(&started),
        };
        let server = server.service(DatabaseServer::new(pool));
        let channel = Channel::builder().timeout(TIMEOUT).loopback(server);
        Self {
            database: DatabaseClient::new(channel),
            started,
            calls: 0,
        }
    }

    /// Sends `rate` calls in a second for so long; they may run for longer.
    async fn send(&mut self, rate: u32, lasts: Duration) -> JoinSet<Ended> {
        let (end, mut calls) = (Instant::now() + lasts, JoinSet::new());
        let mut ticks = interval(SECOND / rate);
        while ticks.tick().await < end {
            let (call, database) = (self.calls, self.database.clone());
            self.calls += 1;
            calls.spawn(async move {
                let begun = Instant::now();
                let result = database.query(call).await;
                let took = begun.elapsed();
                Ended {
                    call,
                    begun,
                    took,
                    result,
                }
            });
        }
        calls
    }

    /// Waits until they have ended. Every answered call was started once, no refused one was, and every other one at
    /// most once.
    async fn ended(&self, calls: JoinSet<Ended>) -> Load {
        let load = Load(calls.join_all().await);
        let started = self.started.lock().expect("nobody panics");
        for Ended { call, result, .. } in &load.0 {
            let times = started.get(call).copied().unwrap_or_default();
            match result.as_ref().map_err(Error::outcome) {
                Ok(()) => assert_eq!(times, 1, "call {call}"),
                Err(Outcome::NotExecuted) => assert_eq!(times, 0, "call {call}"),
                Err(_) => assert!(times <= 1, "call {call}"),
            }
        }
        load
    }
}

impl Load {
    /// Calls answered in a second of `lasts`.
    fn goodput(&self, lasts: Duration) -> f64 {
        let answered = self.0.iter().filter(|ended| ended.result.is_ok()).count();
        let answered = u32::try_from(answered).expect("a test makes fewer calls");
        f64::from(answered) / lasts.as_secs_f64()
    }

    fn refused(&self) -> impl Iterator<Item = &Ended> {
        let is_refusal = |error: &Error| error.code() == Code::ResourceExhausted;
        self.0
            .iter()
            .filter(move |ended| ended.result.as_ref().is_err_and(is_refusal))
    }

    /// The calls that came after this moment.
    fn since(self, moment: Instant) -> Self {
        Self(self.0.into_iter().filter(|ended| ended.begun >= moment).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn at_ten_times_its_capacity_a_server_with_the_limit_goes_on_working() -> TestResult {
    let limit = AdaptiveLimit::new();
    let mut site = Site::new(Server::new().layer(limit.clone()));

    let usual = site.send(CAPACITY * 9 / 10, 3 * SECOND).await;
    let peak = site.ended(usual).await.goodput(3 * SECOND);
    assert!(peak > f64::from(CAPACITY) * 0.8, "{peak}");

    let ten_times = site.send(10 * CAPACITY, 4 * SECOND).await;
    let over = Instant::now();
    let afterwards = site.send(CAPACITY / 2, 3 * SECOND).await;
    let ten_times = site.ended(ten_times).await;
    let goodput = ten_times.goodput(4 * SECOND);
    assert!(goodput >= 0.7 * peak, "{goodput} of {peak}");
    assert!(ten_times.refused().count() > 1000);
    for refused in ten_times.refused() {
        assert!(refused.took <= Duration::from_millis(10), "{:?}", refused.took);
        assert_eq!(
            refused.result.as_ref().map_err(Error::outcome),
            Err(Outcome::NotExecuted)
        );
    }

    let recovered = site.ended(afterwards).await.since(over + SECOND);
    for ended in &recovered.0 {
        assert_eq!(ended.result, Ok(()), "a second later");
        assert!(ended.took < 3 * WORK, "{:?}", ended.took);
    }
    assert!(!recovered.0.is_empty());
    Ok(())
}

/// What the limit is for: every call waits, so nearly none has an answer before its caller gives up.
#[tokio::test(start_paused = true)]
async fn without_the_limit_the_same_load_leaves_little_work_that_is_of_use() {
    let mut site = Site::new(Server::new());
    let ten_times = site.send(10 * CAPACITY, 4 * SECOND).await;
    let goodput = site.ended(ten_times).await.goodput(4 * SECOND);
    assert!(goodput < f64::from(CAPACITY) * 0.5, "{goodput} of {CAPACITY}");
}
