//! The network is cut, both ways or one, and heals: what had time to wait is answered, what had not is told in time,
//! and what the calls count is what one counter would have said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use farcall::{Channel, Code, Error};
use farcall_tests::{
    TestResult,
    history::History,
    ledger::{AccountClient, Ledger, socket},
    relay::{Relay, To},
    say, scaled,
};
use tokio::{sync::watch, time::sleep};

const CALLS: u64 = 10_000_000;
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(2);
/// For a machine that does other things as well.
const SLACK: Duration = Duration::from_secs(1);
const CALLERS: u64 = 8;

/// Callers that never stop, over a network that is cut.
struct Bed {
    ledger: Ledger,
    history: History,
    client: AccountClient,
    relay: Relay,
    next: Arc<AtomicU64>,
    ended: watch::Sender<u64>,
    enough: Arc<AtomicBool>,
}

impl Bed {
    async fn call(&self, deadline: Duration) -> (Duration, Result<(), Error>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let call = self.client.with_timeout(deadline).count(number);
        let result = self.history.count(number, call).await;
        (start.elapsed(), result.map(drop))
    }

    /// A caller with time to wait; gives what failed.
    async fn keep_calling(self: Arc<Self>) -> Vec<(Duration, Error)> {
        let mut failed = Vec::new();
        while !self.enough.load(Ordering::Relaxed) {
            match self.call(LONG).await {
                (_, Ok(())) => self.ended.send_modify(|ended| *ended += 1),
                (took, Err(error)) => failed.push((took, error)),
            }
        }
        failed
    }

    /// Waits until so many calls more have been answered.
    async fn answered(&self, more: u64) -> TestResult {
        let mut ended = self.ended.subscribe();
        let target = *ended.borrow() + more;
        ended.wait_for(|ended| *ended >= target).await?;
        Ok(())
    }
}

/// Cuts `ways` for `length` and heals; what waits less than the cut lasts fails in time, and everything else is
/// answered.
async fn cut(name: &str, ways: &[To], length: Duration) -> TestResult {
    let ledger = Ledger::new(CALLS);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), length.as_secs())?;
    let client = AccountClient::new(Channel::connect(relay.url()).await?);
    let bed = Arc::new(Bed {
        ledger,
        history: History::new(),
        client,
        relay,
        next: Arc::default(),
        ended: watch::Sender::default(),
        enough: Arc::default(),
    });
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| tokio::spawn(Arc::clone(&bed).keep_calling()))
        .collect();
    bed.answered(100).await?;

    for way in ways {
        bed.relay.cut(*way);
    }
    let hurried = {
        let bed = Arc::clone(&bed);
        tokio::spawn(async move { futures::future::join_all((0..10).map(|_| bed.call(SHORT))).await })
    };
    sleep(length).await;
    bed.relay.heal();
    let healed = Instant::now();
    while bed.call(SHORT).await.1.is_err() {}
    let first = healed.elapsed();
    bed.answered(100).await?;
    bed.enough.store(true, Ordering::Relaxed);
    let failed: Vec<_> = futures::future::try_join_all(callers).await?.concat();
    let hurried = hurried.await?;

    let ended = bed.history.check(&bed.ledger.ran())?;
    say(format_args!(
        "{name} cut for {length:?}: first answer {first:?} after it healed, {ended:?}, {} with 30 s failed",
        failed.len(),
    ));
    assert!(
        first < Duration::from_secs(5),
        "{name}, {length:?}: {first:?} after it healed"
    );
    if length > SHORT + SLACK {
        for (took, result) in hurried {
            let error = result.err().ok_or("answered through a cut")?;
            assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
            assert!((SHORT..SHORT + SLACK).contains(&took), "told after {took:?}");
        }
    }
    if length < LONG / 2 {
        assert!(failed.is_empty(), "{name}, {length:?}: {failed:?}");
    }
    for (took, error) in failed {
        assert!(took < LONG + SLACK, "{error} after {took:?}");
    }
    Ok(())
}

/// The cuts of one length, side by side.
async fn cuts(length: Duration) -> TestResult {
    let (both, up, down) = tokio::join!(
        cut("both ways", &[To::Server, To::Client], length),
        cut("towards the server", &[To::Server], length),
        cut("towards the client", &[To::Client], length),
    );
    both.and(up).and(down)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_without_a_network_is_survived() -> TestResult {
    cuts(Duration::from_secs(1)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_seconds_without_a_network_are_survived() -> TestResult {
    cuts(Duration::from_secs(10)).await
}

/// Longer than a peer may be silent: the connection is given up, and the channel makes another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_minute_without_a_network_calls_go_on() -> TestResult {
    if scaled(true, false) {
        return Ok(());
    }
    cuts(Duration::from_secs(60)).await
}
