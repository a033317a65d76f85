//! A client's address changes as a NAT forgets it: calls under way go on, and nobody gets what is another's.
#![allow(missing_docs, reason = "a test")]

#[path = "support/ledger.rs"]
mod ledger;
#[path = "support/probe.rs"]
mod probe;
#[path = "support/relay.rs"]
mod relay;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use farcall::{Channel, Limits};
use ledger::{AccountClient, Ledger, TestResult, answer, body, say, scaled, socket};
use probe::{ProbeClient, Prober, ends};
use relay::{Relay, To};

const CLIENTS: u64 = 2;
const TASKS_EACH: u64 = 8;
/// Calls that end between two changes.
const CALLS_BETWEEN: u64 = 16;
const PING: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_survive_every_change_of_address() -> TestResult {
    let rebinds = scaled(50, 1000);
    let calls = (rebinds + 1) * CALLS_BETWEEN;
    let ledger = Ledger::new(calls);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), 9)?;
    let (next, ended) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        // A client that only waits for answers tells its new address with its next ping.
        let limits = Limits::default().keepalive(PING);
        let channel = Channel::builder().limits(limits).connect(relay.url()).await?;
        let client = AccountClient::new(channel);
        for _ in 0..TASKS_EACH {
            tasks.push(call_until(client.clone(), &next, &ended, calls, &relay));
        }
    }
    let failed: u64 = futures::future::join_all(tasks).await.iter().sum();

    let summary = ledger.summary();
    say(format_args!(
        "{} changes of address: {calls} calls, {failed} failed, {summary:?}",
        relay.rebinds(),
    ));
    assert!(relay.rebinds() >= rebinds, "{} changes", relay.rebinds());
    assert_eq!(summary.more, 0, "calls ran twice");
    assert_eq!((failed, summary.once), (0, calls));
    Ok(())
}

/// Makes calls until there are enough, changes the address after every so many, and says how many failed.
async fn call_until(client: AccountClient, next: &AtomicU64, ended: &AtomicU64, calls: u64, relay: &Relay) -> u64 {
    let mut failed = 0;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= calls {
            return failed;
        }
        // Some of one datagram, some of many.
        let bytes = body(number, if number.is_multiple_of(3) { 20_000 } else { 100 });
        match client.carry(number, &bytes).await {
            Ok(answer) => assert!(answer == bytes, "call {number} has the answer of another"),
            Err(error) => {
                say(format_args!("call {number}: {error}"));
                failed += 1;
            }
        }
        if ended.fetch_add(1, Ordering::Relaxed) % CALLS_BETWEEN == CALLS_BETWEEN - 1 {
            relay.rebind();
        }
    }
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

/// Each client has half of the answers of a long run that the other one waits for.
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
