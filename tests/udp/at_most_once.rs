//! No call runs twice, however often the network makes its datagrams go again.
//!
//! With the feature `mutant` the library delivers again what came again, and the same calls must show it: else this
//! test would prove nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use farcall::Channel;
use farcall_tests::{
    TestResult,
    ledger::{AccountClient, Ledger, Summary, answer, socket},
    relay::{Conditions, Relay, To},
    say, scaled,
};
use futures::StreamExt;

/// Few calls at once for each client, so that they travel in many datagrams.
const CLIENTS: usize = 8;
const AT_ONCE: usize = 16;
const IS_MUTANT: bool = cfg!(feature = "mutant");

/// How calls ended for their caller, and how often they ran.
#[derive(Debug)]
#[expect(dead_code, reason = "told as a whole")]
struct Outcome {
    answered: u64,
    failed: u64,
    datagrams: u64,
    lost: u64,
    /// Calls with an answer that did not run exactly once.
    wrong: u64,
    executions: Summary,
}

async fn lossy_calls(calls: u64) -> Result<Outcome, Box<dyn std::error::Error>> {
    let ledger = Ledger::new(calls);
    let server = ledger.listen().await?;
    let relay = Relay::start(socket(&server.local_addr()), 6)?;
    relay.set_both(Conditions {
        loss: 0.1,
        ..Conditions::default()
    });
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(AccountClient::new(Channel::builder().connect_lazily(relay.url())?));
    }
    let (answered, failed) = (Ledger::new(calls), AtomicU64::new(0));
    let call = async |number| match clients[number as usize % CLIENTS].run(number).await {
        Ok(result) if result == answer(number) => answered.note(number),
        // What the mutant says is not to be relied on.
        _ if IS_MUTANT => {}
        Ok(_) => panic!("call {number} has the answer of another"),
        Err(error) => {
            say(format_args!("call {number}: {error}"));
            failed.fetch_add(1, Ordering::Relaxed);
        }
    };
    let calls_at_once = CLIENTS * AT_ONCE;
    futures::stream::iter(0..calls)
        .for_each_concurrent(calls_at_once, call)
        .await;
    let [up, down] = [To::Server, To::Client].map(|to| relay.traffic(to));
    let lost = up.dropped + down.dropped;
    assert!(lost > calls / 100, "the network was good");

    let wrong = (0..calls).filter(|&number| answered.executions(number) == 1 && ledger.executions(number) != 1);
    Ok(Outcome {
        answered: answered.summary().once,
        failed: failed.into_inner(),
        datagrams: up.passed + down.passed + lost,
        lost,
        wrong: wrong.count() as u64,
        executions: ledger.summary(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_a_lossy_network_runs_at_most_once() -> TestResult {
    let calls = if IS_MUTANT { 5000 } else { scaled(50_000, 1_000_000) };
    let outcome = lossy_calls(calls).await?;
    say(format_args!("{calls} calls with 10 % lost both ways: {outcome:?}"));
    if IS_MUTANT {
        assert!(
            outcome.executions.more > 0,
            "without its guard the library ran nothing twice: this test is blind"
        );
        return Ok(());
    }
    assert_eq!(outcome.executions.more, 0, "calls ran twice");
    assert_eq!(outcome.wrong, 0, "calls were answered and had not run once");
    assert_eq!((outcome.answered, outcome.failed), (calls, 0));
    Ok(())
}
