//! A client's address changes as a NAT forgets it: running calls go on.

use std::time::Duration;

use farcall::{Channel, Limits};
use farcall_tests::{
    TestResult, certificates,
    ledger::{AccountClient, Ledger, body, socket},
    probe::{ProbeClient, Prober, ends},
    relay::Relay,
    scaled, until,
};
use futures::future::try_join_all;

const PING: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_survive_every_change_of_address() -> TestResult {
    const CALLS: u64 = 16;
    let rebinds = scaled(25, 500);
    let ledger = Ledger::new(rebinds * CALLS);
    let server = ledger.server().tls(certificates::server());
    let server = server.listen("quic://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 9)?;
    let channel = Channel::builder().tls(certificates::client());
    let client = AccountClient::new(channel.connect(format!("quic://{}", relay.front()).as_str()).await?);
    for round in 0..rebinds {
        let calls = (0..CALLS).map(|call| {
            let (client, number) = (&client, round * CALLS + call);
            // Some of one datagram, some of many.
            let bytes = body(number, if call % 3 == 0 { 20_000 } else { 100 });
            async move { Ok::<_, farcall::Error>(client.carry(number, &bytes).await? == bytes) }
        });
        relay.rebind();
        let answers = ends("calls on the move", try_join_all(calls)).await?;
        assert!(
            answers.into_iter().all(|right| right),
            "a call has the answer of another"
        );
        ends("the change", until(|| relay.rebinds() > round)).await;
    }
    assert_eq!(ledger.summary().once, rebinds * CALLS);
    Ok(())
}

/// Nothing is under way but a handler when the address changes: the client's next word tells the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_finds_a_client_that_moved_while_it_waited() -> TestResult {
    let prober = Prober::new();
    let server = prober.server().tls(certificates::server());
    let server = server.listen("quic://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 10)?;
    let limits = Limits::default().keepalive(PING);
    let channel = Channel::builder().limits(limits).tls(certificates::client());
    let client = ProbeClient::new(channel.connect(format!("quic://{}", relay.front()).as_str()).await?);
    let call = tokio::spawn(client.hold(7));
    prober.until(|counts| counts.running == 1).await;
    relay.rebind();
    ends("the change", until(|| relay.rebinds() > 0)).await;
    prober.release();
    assert_eq!(ends("the answer", call).await??, 7);
    Ok(())
}
