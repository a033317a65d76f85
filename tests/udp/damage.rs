//! Datagrams arrive with wrong bits: they count as lost, and no answer is ever wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use farcall_tests::{
    TestResult,
    ledger::{AccountClient, Ledger, body, socket},
    relay::{Conditions, Relay, To},
    say, scaled,
};
use futures::StreamExt;

const AT_ONCE: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_bit_never_reaches_a_caller() -> TestResult {
    for (percent, datagrams) in [(1_u32, scaled(10_000, 1_000_000)), (20, scaled(5_000, 100_000))] {
        let server = Ledger::new(0).listen().await?;
        let relay = Relay::start(socket(&server.local_addr()), 5)?;
        relay.set_both(Conditions {
            flip: f64::from(percent) / 100.0,
            ..Conditions::default()
        });
        let client = AccountClient::connect(relay.url()).await?;
        let passed = || relay.traffic(To::Server).passed + relay.traffic(To::Client).passed;
        let right = AtomicU64::new(0);
        let calls = futures::stream::iter(0..).take_while(|_| std::future::ready(passed() < datagrams));
        let call = async |number| {
            let bytes = body(number, number as usize * 37 % 2500);
            let answer = client.echo(&bytes).await;
            let answer = answer.unwrap_or_else(|error| panic!("call {number}: {error}"));
            assert!(answer == bytes, "the answer to call {number} is wrong");
            right.fetch_add(1, Ordering::Relaxed);
        };
        calls.for_each_concurrent(AT_ONCE, call).await;

        let flipped = relay.traffic(To::Server).flipped + relay.traffic(To::Client).flipped;
        say(format_args!(
            "{flipped} of {} datagrams were damaged: {} calls, 0 answers wrong",
            passed(),
            right.into_inner(),
        ));
        assert!(flipped * 200 > passed() * u64::from(percent), "the network was good");
    }
    Ok(())
}
