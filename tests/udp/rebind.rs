//! A client's address changes as a NAT forgets it: running calls go on, and no client gets another's answer.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use farcall::{Channel, Limits};
use farcall_tests::{
    TestResult,
    history::History,
    ledger::{AccountClient, Ledger, answer, body, socket},
    probe::{ProbeClient, Prober, ends},
    relay::{Relay, To},
    say, scaled,
};
use futures::future::join_all;

const CLIENTS: usize = 2;
const TASKS_EACH: usize = 8;
/// Calls that each client ends between two changes.
const CALLS_BETWEEN: u64 = 8;
const CALLS: u64 = 10_000_000;
const PING: Duration = Duration::from_millis(500);

/// Callers whose clients change their address as soon as all of them got on since the last change.
struct Bed {
    ledger: Ledger,
    history: History,
    relay: Relay,
    next: AtomicU64,
    ended: Mutex<[u64; CLIENTS]>,
}

impl Bed {
    /// Makes calls until the address has changed so often.
    async fn call_until(&self, client: AccountClient, index: usize, rebinds: u64) {
        while self.relay.rebinds() < rebinds {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            // Some of one datagram, some of many.
            let bytes = body(number, if number.is_multiple_of(3) { 20_000 } else { 100 });
            match self.history.call(number, client.carry(number, &bytes)).await {
                Ok(answer) => assert!(answer == bytes, "call {number} has the answer of another"),
                Err(error) => say(format_args!("call {number}: {error}")),
            }
            let mut ended = self.ended.lock().expect("not poisoned");
            ended[index] += 1;
            if ended.iter().all(|ended| *ended >= CALLS_BETWEEN) {
                *ended = [0; CLIENTS];
                self.relay.rebind();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_survive_every_change_of_address() -> TestResult {
    let rebinds = scaled(25, 1000);
    let ledger = Ledger::new(CALLS);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), 9)?;
    let bed = Bed {
        ledger,
        history: History::new(),
        relay,
        next: AtomicU64::new(0),
        ended: Mutex::default(),
    };
    let mut tasks = Vec::new();
    for index in 0..CLIENTS {
        // A client that only waits for answers tells its new address with its next ping.
        let limits = Limits::default().keepalive(PING);
        let channel = Channel::builder().limits(limits).connect(bed.relay.url()).await?;
        let client = AccountClient::new(channel);
        tasks.extend((0..TASKS_EACH).map(|_| bed.call_until(client.clone(), index, rebinds)));
    }
    let start = Instant::now();
    join_all(tasks).await;

    let calls = bed.next.load(Ordering::Relaxed);
    let ended = bed.history.check(&bed.ledger.ran())?;
    say(format_args!(
        "{} changes of address in {:?}: {ended:?}",
        bed.relay.rebinds(),
        start.elapsed(),
    ));
    assert_eq!(ended.answered, calls);
    Ok(())
}

/// Nothing is under way but a handler when the address changes: the client's next word tells the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_finds_a_client_that_moved_while_it_waited() -> TestResult {
    let prober = Prober::new();
    let server = prober.server().listen("udp://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 10)?;
    let limits = Limits::default().keepalive(PING);
    let client = ProbeClient::new(Channel::builder().limits(limits).connect(relay.url()).await?);
    let call = tokio::spawn(client.hold(7));
    prober.until(|counts| counts.running == 1).await;
    relay.rebind();
    ends("the change", async {
        while relay.rebinds() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    prober.release();
    assert_eq!(ends("the answer", call).await??, 7);
    assert!(relay.traffic(To::Client).passed > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_moves_alone_disturbs_no_other() -> TestResult {
    let ledger = Ledger::new(2000);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), 11)?;
    let moving = AccountClient::connect(relay.url()).await?;
    let staying = AccountClient::connect(server.local_addr()).await?;
    for number in (0..2000).step_by(2) {
        let (one, other) = tokio::join!(moving.run(number), staying.run(number + 1));
        assert_eq!((one?, other?), (answer(number), answer(number + 1)));
        if number % 50 == 0 {
            relay.rebind();
        }
    }
    assert_eq!(ledger.summary().once, 2000);
    Ok(())
}
