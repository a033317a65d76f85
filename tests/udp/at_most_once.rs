//! No call runs twice, however often the network makes its datagrams go again.
//!
//! With the feature `mutant` the library delivers again what came again, and the same calls must show it: else this
//! test would prove nothing.

use farcall::Channel;
use farcall_tests::{
    TestResult,
    history::{Broken, History, Totals},
    ledger::{AccountClient, Ledger, answer, socket},
    relay::{Conditions, Relay, To},
    say, scaled,
};
use futures::StreamExt;

/// Few calls at once for each client, so that they travel in many datagrams.
const CLIENTS: usize = 8;
const AT_ONCE: usize = 16;
const IS_MUTANT: bool = cfg!(feature = "mutant");

/// How the calls ended, or what is wrong with that.
async fn lossy_calls(calls: u64) -> TestResult<Result<Totals, Broken>> {
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
    let history = History::new();
    let call = async |number| {
        let call = clients[number as usize % CLIENTS].run(number);
        match history.call(number, call).await {
            Ok(result) if result == answer(number) => {}
            // What the mutant says is not to be relied on.
            _ if IS_MUTANT => {}
            Ok(_) => panic!("call {number} has the answer of another"),
            Err(error) => say(format_args!("call {number}: {error}")),
        }
    };
    let calls_at_once = CLIENTS * AT_ONCE;
    futures::stream::iter(0..calls)
        .for_each_concurrent(calls_at_once, call)
        .await;
    let [up, down] = [To::Server, To::Client].map(|to| relay.traffic(to));
    let lost = up.dropped + down.dropped;
    say(format_args!(
        "{calls} calls: {lost} of {} datagrams were lost",
        up.passed + down.passed + lost
    ));
    assert!(lost > calls / 100, "the network was good");
    Ok(history.check(&ledger.ran()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_a_lossy_network_runs_at_most_once() -> TestResult {
    let calls = if IS_MUTANT { 5000 } else { scaled(50_000, 1_000_000) };
    let ended = lossy_calls(calls).await?;
    if IS_MUTANT {
        let broken = ended.expect_err("without its guard the library ran nothing twice: this test is blind");
        say(format_args!("noticed: {broken}"));
        let mut contradictions = broken.contradictions().iter();
        assert!(contradictions.any(|text| text.contains("ran 2 times")), "{broken}");
        return Ok(());
    }
    assert_eq!(ended?.answered, calls);
    Ok(())
}
