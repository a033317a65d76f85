//! Calls over a network that loses, repeats and reorders datagrams: each is answered, rightly, before its deadline.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use farcall::Channel;
use farcall_tests::{
    TestResult,
    history::History,
    ledger::{AccountClient, Ledger, body, socket},
    relay::{Conditions, Relay, To, Traffic},
    say, scaled,
};
use futures::{StreamExt, future::try_join_all};

const DEADLINE: Duration = Duration::from_secs(30);
const JITTER: Duration = Duration::from_millis(20);

/// Calls of one size.
#[derive(Clone, Copy)]
struct Load {
    bytes: usize,
    calls: u64,
    at_once: usize,
}

fn loads() -> [Load; 3] {
    let load = |bytes, calls, at_once| Load { bytes, calls, at_once };
    [
        load(16, scaled(1000, 100_000), 16),
        load(1 << 10, scaled(500, 100_000), 64),
        load(64 << 10, scaled(20, 5000), 8),
    ]
}

/// Makes the calls of every size under the conditions, each size over a network of its own; none may fail or be
/// answered wrongly, and none runs twice.
async fn survives(name: &str, conditions: Conditions, seed: u64) -> TestResult {
    let seen = try_join_all(loads().map(|load| bear(name, conditions, seed, load))).await?;
    let all = |count: fn(&Traffic) -> u64| seen.iter().flatten().map(count).sum::<u64>();
    for (share, count) in [
        (conditions.loss, all(|traffic| traffic.dropped)),
        (conditions.duplicate, all(|traffic| traffic.duplicated)),
        (conditions.reorder, all(|traffic| traffic.delayed)),
    ] {
        assert!(share == 0.0 || count > 0, "the network was good");
    }
    Ok(())
}

/// Gives what both directions have seen.
async fn bear(name: &str, conditions: Conditions, seed: u64, load: Load) -> TestResult<[Traffic; 2]> {
    let ledger = Ledger::new(load.calls);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), seed)?;
    relay.set_both(conditions);
    let channel = Channel::builder().timeout(DEADLINE).connect(relay.url()).await?;
    let history = History::new();
    let took = carry(&AccountClient::new(channel), &history, load).await;

    let [up, down] = [To::Server, To::Client].map(|to| relay.traffic(to));
    say(format_args!(
        "{name}, {} x {} B: median {:?}, 99 % within {:?}, slowest {:?}; {} + {} datagrams passed, {} + {} lost",
        load.calls,
        load.bytes,
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1],
        up.passed,
        down.passed,
        up.dropped,
        down.dropped,
    ));
    assert_eq!(history.check(&ledger.ran())?.answered, load.calls);
    Ok([up, down])
}

/// How long the calls took, sorted.
async fn carry(client: &AccountClient, history: &History, load: Load) -> Vec<Duration> {
    let took = Mutex::new(Vec::new());
    let calls = futures::stream::iter(0..load.calls);
    let call = async |number| {
        let bytes = body(number, load.bytes);
        let start = Instant::now();
        let answer = history.call(number, client.carry(number, &bytes)).await;
        let answer = answer.unwrap_or_else(|error| panic!("call {number} after {:?}: {error}", start.elapsed()));
        assert!(answer == bytes, "call {number} has the answer of another");
        took.lock().expect("not poisoned").push(start.elapsed());
    };
    calls.for_each_concurrent(load.at_once, call).await;
    let mut took = took.into_inner().expect("not poisoned");
    took.sort();
    took
}

fn losing(loss: f64) -> Conditions {
    Conditions {
        loss,
        ..Conditions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_percent_is_lost() -> TestResult {
    survives("1 % lost", losing(0.01), 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_percent_are_lost() -> TestResult {
    survives("5 % lost", losing(0.05), 2).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_percent_are_lost() -> TestResult {
    survives("10 % lost", losing(0.1), 3).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_percent_are_lost() -> TestResult {
    survives("20 % lost", losing(0.2), 4).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_percent_are_lost() -> TestResult {
    survives("30 % lost", losing(0.3), 5).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_percent_come_twice() -> TestResult {
    let conditions = Conditions {
        duplicate: 0.3,
        ..Conditions::default()
    };
    survives("30 % twice", conditions, 6).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_percent_come_late() -> TestResult {
    let conditions = Conditions {
        reorder: 0.3,
        jitter: JITTER,
        ..Conditions::default()
    };
    survives("30 % late", conditions, 7).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_at_once() -> TestResult {
    let conditions = Conditions {
        loss: 0.1,
        duplicate: 0.1,
        reorder: 0.25,
        jitter: JITTER / 4,
        flip: 0.01,
    };
    for seed in 0..scaled(1, 10) {
        survives("all at once", conditions, 100 + seed).await?;
    }
    Ok(())
}
