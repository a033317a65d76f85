//! A server that shuts down gently over a lossy network: what runs is answered, and every caller is told the truth.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use farcall::{Channel, Limits, Outcome};
use farcall_tests::{
    TestResult,
    ledger::{AccountClient, Ledger, body, socket},
    relay::{Conditions, Relay, To},
    say, scaled,
};
use futures::future::join_all;
use tokio::{sync::Semaphore, task::yield_now, time::sleep};

const CALLERS: usize = 32;
const CALLS_BEFORE: u32 = 40;
const GRACE: Duration = Duration::from_secs(20);

/// How calls ended.
#[derive(Debug, Default)]
struct Ends {
    answered: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
}

struct Bed {
    ledger: Ledger,
    client: AccountClient,
    next: AtomicU64,
    answered: Semaphore,
    stopping: AtomicBool,
    ends: Ends,
}

impl Bed {
    /// Makes calls until the server stops, and holds what is said of each against the book.
    async fn keep_calling(&self) {
        while !self.stopping.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let bytes = body(number, 3000);
            let (expected, end) = match self.client.carry(number, &bytes).await {
                Ok(answer) => {
                    assert!(answer == bytes, "call {number} has the answer of another");
                    self.answered.add_permits(1);
                    (1..=1, &self.ends.answered)
                }
                Err(error) if error.outcome() == Outcome::NotExecuted => (0..=0, &self.ends.refused),
                Err(error) => {
                    say(format_args!("call {number}: {error}"));
                    (0..=1, &self.ends.unknown)
                }
            };
            end.fetch_add(1, Ordering::Relaxed);
            let times = self.ledger.executions(number);
            assert!(expected.contains(&times), "call {number} ran {times} times");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_ran_loses_its_answer() -> TestResult {
    let conditions = Conditions {
        loss: 0.2,
        ..Conditions::default()
    };
    stops_gently(conditions, scaled(2, 100)).await
}

/// What is lost is noticed late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_ran_loses_its_answer_on_a_long_way() -> TestResult {
    let conditions = Conditions {
        loss: 0.1,
        reorder: 1.0,
        jitter: Duration::from_millis(100),
        ..Conditions::default()
    };
    stops_gently(conditions, scaled(3, 100)).await
}

async fn stops_gently(conditions: Conditions, seeds: u64) -> TestResult {
    for seed in 0..seeds {
        let ledger = Ledger::new(1_000_000);
        let server = ledger.listen().await?;
        let relay = Relay::start(socket(&server.local_addr()), seed)?;
        relay.set_both(conditions);
        // In the end nothing listens, and a lossy network does not say so.
        let limits = Limits::default().handshake_timeout(Duration::from_secs(2));
        let bed = Bed {
            ledger,
            client: AccountClient::new(Channel::builder().limits(limits).connect_lazily(relay.url())?),
            next: AtomicU64::new(0),
            answered: Semaphore::new(0),
            stopping: AtomicBool::new(false),
            ends: Ends::default(),
        };
        let stop = async {
            let before = bed.answered.acquire_many(CALLS_BEFORE).await;
            assert!(before.is_ok(), "never closed");
            let start = Instant::now();
            bed.stopping.store(true, Ordering::Relaxed);
            server.shutdown(GRACE).await;
            start.elapsed()
        };
        let (_, took) = tokio::join!(join_all((0..CALLERS).map(|_| bed.keep_calling())), stop);

        say(format_args!("stopped in {took:?}: {:?}", bed.ends));
        assert!(took < GRACE, "the grace was used up");
        assert_eq!(bed.ends.unknown.load(Ordering::Relaxed), 0, "callers that know nothing");
        assert_eq!(bed.ledger.summary().more, 0, "calls ran twice");
    }
    Ok(())
}

/// The last answers need longer than the other end of a stream would to say goodbye.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_outlives_a_cut_that_begins_before_it() -> TestResult {
    const CUT: Duration = Duration::from_millis(1200);
    let ledger = Ledger::new(2);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), 1)?;
    let client = AccountClient::new(Channel::connect(relay.url()).await?);
    relay.cut(To::Client);
    let bytes = body(1, 3000);
    let stop = async {
        while ledger.executions(1) == 0 {
            yield_now().await;
        }
        server.shutdown(GRACE).await;
    };
    let heal = async {
        sleep(CUT).await;
        relay.heal();
    };
    let (answer, ..) = tokio::join!(client.carry(1, &bytes), stop, heal);
    assert!(answer? == bytes, "the answer of another call");
    Ok(())
}
