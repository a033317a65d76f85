//! Callers that give up at any moment over a bad network leave nothing behind, and every other answer is right.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use farcall_tests::{
    TestResult,
    ledger::{body, socket},
    probe::{ProbeClient, Prober},
    relay::{Conditions, Relay},
    say, scaled,
};
use futures::StreamExt;
use tokio::time::timeout;

const AT_ONCE: usize = 16;
/// About as long as a call takes here.
const MOST_PATIENCE: u64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_give_up_disturb_no_other() -> TestResult {
    let prober = Prober::new();
    let server = prober.server().listen("udp://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 31)?;
    relay.set_both(Conditions {
        loss: 0.05,
        duplicate: 0.1,
        reorder: 0.2,
        jitter: Duration::from_millis(5),
        flip: 0.01,
    });
    let client = ProbeClient::connect(relay.url()).await?;
    let [answered, given_up, refused] = [const { AtomicU64::new(0) }; 3];
    let call = async |number: u64| {
        let mut random = fastrand::Rng::with_seed(number);
        let patience = Duration::from_millis(random.u64(..MOST_PATIENCE));
        if random.u8(..4) == 0 {
            // Never answered: only its end tells the handler.
            match timeout(patience, client.hold(number)).await {
                Err(_) => {}
                Ok(Err(error)) if error.is_retryable() => _ = refused.fetch_add(1, Ordering::Relaxed),
                Ok(held) => panic!("nobody released call {number}: {held:?}"),
            }
            return;
        }
        let bytes = body(number, random.usize(..600));
        let ends = match timeout(patience, client.echo(&bytes)).await {
            Err(_) => &given_up,
            Ok(Ok(answer)) => {
                assert!(answer == bytes, "call {number} has the answer of another");
                &answered
            }
            // A call that was given up keeps its place until the server has heard of it.
            Ok(Err(error)) if error.is_retryable() => &refused,
            Ok(Err(error)) => panic!("call {number}: {error}"),
        };
        ends.fetch_add(1, Ordering::Relaxed);
    };
    let calls = scaled(5000, 100_000);
    futures::stream::iter(0..calls).for_each_concurrent(AT_ONCE, call).await;
    prober.until(|counts| counts.running == 0).await;
    assert_eq!(client.add(1, 2).await?, 3);
    say(format_args!(
        "{answered:?} answered, {given_up:?} given up, {:?}",
        prober.counts()
    ));
    assert!(answered.into_inner() > calls / 100 && given_up.into_inner() > calls / 100);
    Ok(())
}
