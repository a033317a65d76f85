//! Both sides have much to say at once, over good networks and bad ones: the two sides never wait for each other.

use std::time::{Duration, Instant};

use farcall::{Channel, Limits};
use farcall_tests::{
    TestResult,
    ledger::{body, socket},
    probe::{ProbeClient, Prober},
    relay::{Conditions, Relay},
    say, scaled,
};
use futures::{StreamExt, TryStreamExt};

const LONG: usize = 500_000;

/// Little room, so that what waits fills it soon.
fn limits() -> Limits {
    Limits::default()
        .max_buffered(1 << 20)
        .write_stall(Duration::from_secs(10))
}

/// Calls with long arguments and long results, many at once.
async fn both_ways(conditions: Conditions, calls: u64, at_once: usize) -> TestResult {
    let server = Prober::new()
        .server()
        .limits(limits())
        .listen("udp://127.0.0.1:0")
        .await?;
    let relay = Relay::start(socket(&server.local_addr()), 25)?;
    relay.set_both(conditions);
    let channel = Channel::builder().limits(limits()).no_timeout();
    let client = ProbeClient::new(channel.connect(relay.url()).await?);
    let start = Instant::now();
    let call = |number: u64| {
        let client = client.clone();
        async move {
            let length = if number.is_multiple_of(3) { LONG } else { 20_000 };
            let bytes = body(number, length);
            let (echo, fill) = futures::try_join!(client.echo(&bytes), client.fill(length as u32))?;
            assert!(echo == bytes && fill.len() == length, "call {number}");
            Ok::<_, farcall::Error>(())
        }
    };
    let mut calls = futures::stream::iter(0..calls).map(call).buffer_unordered(at_once);
    while calls.try_next().await?.is_some() {}
    say(format_args!("{conditions:?}: {:?}", start.elapsed()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_in_both_directions_goes_through() -> TestResult {
    both_ways(Conditions::default(), scaled(100, 5000), 100).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_in_both_directions_goes_through_a_bad_network() -> TestResult {
    let conditions = Conditions {
        loss: 0.02,
        duplicate: 0.02,
        reorder: 0.1,
        jitter: Duration::from_millis(5),
        flip: 0.001,
    };
    both_ways(conditions, scaled(20, 1000), 20).await
}
