//! Calls over a network that loses, repeats and reorders datagrams: each is answered rightly and runs once, and a lost
//! datagram delays only the calls whose bytes it carried.

use std::{pin::pin, time::Duration};

use farcall::Channel;
use farcall_tests::{
    TestResult, certificates,
    history::History,
    ledger::{AccountClient, Ledger, answer, body, socket},
    probe::ends,
    relay::{Conditions, Relay, To},
    say, scaled,
};
use futures::{
    StreamExt,
    future::{Either, select},
};

/// An account behind a relay.
async fn account(calls: u64, seed: u64) -> TestResult<(Ledger, impl Sized, Relay, AccountClient)> {
    let ledger = Ledger::new(calls);
    let server = ledger.server().tls(certificates::server());
    let server = server.listen("quic://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), seed)?;
    let channel = Channel::builder().tls(certificates::client());
    let channel = channel.connect(format!("quic://{}", relay.front()).as_str()).await?;
    Ok((ledger, server, relay, AccountClient::new(channel)))
}

/// Makes calls of three sizes under the conditions: none may fail or be answered wrongly, and none runs twice.
async fn survives(name: &str, conditions: Conditions, seed: u64) -> TestResult {
    for (bytes, calls, at_once) in [(16, 1000, 16), (1 << 10, 500, 64), (64 << 10, 20, 8)] {
        let calls = scaled(calls, 100 * calls);
        let (ledger, _server, relay, client) = account(calls, seed).await?;
        relay.set_both(conditions);
        let history = History::new();
        let call = async |number| {
            let bytes = body(number, bytes);
            let answer = history.call(number, client.carry(number, &bytes)).await;
            let answer = answer.unwrap_or_else(|error| panic!("call {number}: {error}"));
            assert!(answer == bytes, "call {number} has the answer of another");
        };
        futures::stream::iter(0..calls).for_each_concurrent(at_once, call).await;
        assert_eq!(history.check(&ledger.ran())?.answered, calls, "{name}");
        let [up, down] = [To::Server, To::Client].map(|to| relay.traffic(to));
        say(format_args!(
            "{name}, {calls} x {bytes} B: {} + {} datagrams passed, {} + {} lost",
            up.passed, down.passed, up.dropped, down.dropped
        ));
        let harm = up.dropped + down.dropped + up.duplicated + down.duplicated + up.delayed + down.delayed;
        assert!(harm > 0, "the network was good");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_are_lost() -> TestResult {
    for (name, loss) in [("1 % lost", 0.01), ("10 % lost", 0.1)] {
        let conditions = Conditions {
            loss,
            ..Conditions::default()
        };
        survives(name, conditions, 1).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_percent_come_twice() -> TestResult {
    let conditions = Conditions {
        duplicate: 0.3,
        ..Conditions::default()
    };
    survives("30 % twice", conditions, 2).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_at_once() -> TestResult {
    let conditions = Conditions {
        loss: 0.05,
        duplicate: 0.1,
        reorder: 0.25,
        jitter: Duration::from_millis(5),
        flip: 0.01,
    };
    survives("all at once", conditions, 3).await
}

/// The answer to one call is lost. It comes again when the loss is noticed; over one stream of bytes, every later
/// answer would have to wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_holds_up_no_other() -> TestResult {
    const ROUNDS: u64 = 40;
    let (ledger, _server, relay, client) = account(2 * ROUNDS, 4).await?;
    let mut overtaken = 0;
    for round in 0..ROUNDS {
        let (first, second) = (2 * round, 2 * round + 1);
        let dropped = relay.traffic(To::Client).dropped;
        relay.cut(To::Client);
        let lost = tokio::spawn(client.run(first));
        ends("the loss", async {
            while ledger.executions(first) == 0 || relay.traffic(To::Client).dropped == dropped {
                tokio::task::yield_now().await;
            }
        })
        .await;
        relay.heal();
        match ends("an answer", select(pin!(lost), pin!(client.run(second)))).await {
            Either::Left((first_answer, other)) => {
                assert_eq!((first_answer??, other.await?), (answer(first), answer(second)));
            }
            Either::Right((second_answer, lost)) => {
                overtaken += 1;
                assert_eq!((second_answer?, lost.await??), (answer(second), answer(first)));
            }
        }
    }
    say(format_args!(
        "{overtaken} of {ROUNDS} lost answers were overtaken by the next one"
    ));
    assert!(overtaken > 0);
    assert_eq!(ledger.summary().once, 2 * ROUNDS);
    Ok(())
}
