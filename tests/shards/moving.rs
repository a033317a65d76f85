//! A client over UDP that moves comes to the socket of another shard, and stays what it is: its connection goes on on
//! its own thread, and no call runs twice.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use farcall::{Channel, Limits};
use farcall_tests::{
    TestResult,
    ledger::{AccountClient, Ledger, answer, body, socket},
    relay::{Conditions, Relay, To},
    say, scaled,
};
use futures::future::join_all;

use crate::desk::{Clerk, DeskClient};

const SHARDS: usize = 4;
const PING: Duration = Duration::from_millis(500);

/// A client whose new address the server hears of soon, even if it only waits.
async fn connect(relay: &Relay) -> farcall::Result<Channel> {
    let limits = Limits::default().keepalive(PING);
    Channel::builder().limits(limits).connect(relay.url()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_moves_keeps_its_thread() -> TestResult {
    let server = Clerk::new().server(SHARDS).listen("udp://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 21)?;
    let client = DeskClient::new(connect(&relay).await?);
    let home = client.thread().await?;
    // Each time three of four addresses belong to another shard.
    for moves in 1..=20 {
        relay.rebind();
        farcall_tests::until(|| relay.rebinds() == moves).await;
        for _ in 0..5 {
            assert_eq!(client.thread().await?, home);
        }
    }
    Ok(())
}

const CLIENTS: usize = 8;
const TASKS_EACH: usize = 8;
/// Calls that end between two changes of address.
const CALLS_BETWEEN: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_runs_twice_while_clients_move_over_a_lossy_network() -> TestResult {
    let calls = scaled(10_000, 200_000);
    let ledger = Ledger::new(calls);
    let server = ledger.server().shards(SHARDS).listen("udp://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 22)?;
    relay.set_both(Conditions {
        loss: 0.05,
        duplicate: 0.05,
        ..Conditions::default()
    });
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let call = async |client: AccountClient| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= calls {
                return;
            }
            if number % CALLS_BETWEEN == CALLS_BETWEEN - 1 {
                relay.rebind();
            }
            // Some of one datagram, some of many.
            let ended = if number.is_multiple_of(8) {
                let bytes = body(number, 20_000);
                let ended = client.carry(number, &bytes).await;
                ended.map(|answer| assert!(answer == bytes, "call {number} has the answer of another"))
            } else {
                let ended = client.run(number).await;
                ended.map(|got| assert_eq!(got, answer(number), "call {number} has the answer of another"))
            };
            if let Err(error) = ended {
                say(format_args!("call {number}: {error}"));
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let client = AccountClient::new(connect(&relay).await?);
        tasks.extend((0..TASKS_EACH).map(|_| call(client.clone())));
    }
    join_all(tasks).await;

    let summary = ledger.summary();
    let [up, down] = [To::Server, To::Client].map(|to| relay.traffic(to));
    say(format_args!(
        "{calls} calls, {} changes of address, {} datagrams lost, {} twice: {summary:?}",
        relay.rebinds(),
        up.dropped + down.dropped,
        up.duplicated + down.duplicated,
    ));
    assert!(
        up.dropped + down.dropped > calls / 100 && up.duplicated > calls / 100,
        "the network was good"
    );
    assert!(relay.rebinds() >= calls / CALLS_BETWEEN - 1, "they did not move");
    assert_eq!((summary.once, summary.more), (calls, 0));
    assert_eq!(failed.into_inner(), 0);
    Ok(())
}
