//! Megabytes in both directions at once: nothing waits for ever, and memory stays within what was agreed.

use std::time::Duration;

use bytes::BytesMut;
use farcall::{Channel, Limits, RunningServer, testing::Network};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober, ends},
    raw::{self, Peer},
};
use futures::{StreamExt, stream::FuturesUnordered};

const MEGABYTE: usize = 1 << 20;

async fn server(prober: &Prober, limits: Limits, address: &str) -> farcall::Result<RunningServer> {
    prober.server().limits(limits).listen(address).await
}

/// What is asked for at once is sixteen times the budget, in both directions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_megabytes_at_once_over_tcp() -> TestResult {
    const CALLS: usize = 1000;
    let prober = Prober::new();
    let server = server(&prober, Limits::default(), "tcp://127.0.0.1:0").await?;
    let channel = Channel::builder().no_timeout().connect(server.local_addr()).await?;
    let client = ProbeClient::new(channel);
    let mut answers: FuturesUnordered<_> = (0..CALLS)
        .map(|number| {
            let call = client.echo(&vec![number as u8; MEGABYTE]);
            async move { (number, call.await) }
        })
        .collect();
    let mut answered = 0;
    while let Some((number, bytes)) = ends("an echo", answers.next()).await {
        assert!(bytes? == vec![number as u8; MEGABYTE], "echo {number}");
        answered += 1;
    }
    assert_eq!((answered, prober.counts().started), (CALLS, CALLS));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn narrow_pipes_do_not_lock() -> TestResult {
    for buffer in [1000, 70_000, 256 << 10] {
        let prober = Prober::new();
        // Both sides' budgets are far below what is asked for.
        let limits = Limits::default().max_message(MEGABYTE + 16).max_buffered(2 * MEGABYTE);
        let server = server(&prober, limits.clone(), &format!("mem://two-ways-{buffer}")).await?;
        let network = Network::seeded(7).buffer(buffer).delay(0..2);
        let options = Channel::builder().no_timeout().limits(limits);
        let client = ProbeClient::new(network.channel(&server, options));
        let calls = if buffer < 10_000 { 8 } else { 100 };
        let small = async {
            for a in 0..100 {
                assert_eq!(ends("a small call", client.add(a, 1)).await?, a + 1);
            }
            Ok::<_, farcall::Error>(())
        };
        let (large, small) = tokio::join!(echoes(&client, calls), small);
        large?;
        small?;
        assert!(
            network.trace().iter().all(|delivery| delivery.connection == 0),
            "one connection"
        );
    }
    Ok(())
}

/// Echoes so many megabytes at once where the clock is paused, and a thousand bytes a millisecond are fast.
async fn echoes(client: &ProbeClient, calls: u8) -> TestResult {
    let answers = futures::future::join_all((0..calls).map(|number| client.echo(&vec![number; MEGABYTE])));
    let day = Duration::from_secs(24 * 3600);
    for (number, bytes) in tokio::time::timeout(day, answers).await?.into_iter().enumerate() {
        assert!(bytes? == vec![number as u8; MEGABYTE], "echo {number}");
    }
    Ok(())
}

/// A server by hand counts what the client sends without an answer.
#[tokio::test]
async fn the_budget_that_the_peer_announced_is_kept() -> TestResult {
    const LENGTH: usize = 100_000;
    const BUDGET: u32 = 250_000;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let channel = Channel::builder()
        .no_timeout()
        .connect_lazily(farcall::Address::from(listener.local_addr()?))?;
    let client = ProbeClient::new(channel);
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(client.echo(&vec![7; LENGTH]))).collect();
    let mut peer = Peer::new(listener.accept().await?.0);
    peer.take(raw::client_hello().len()).await?;
    peer.send(&raw::hello(
        raw::SERVER,
        1,
        0,
        1,
        &raw::limits([200_000, BUDGET, 1024, 0]),
    ))
    .await?;

    let mut open = BytesMut::new();
    let mut ended = 0;
    while ended < calls.len() {
        let frame = ends("a frame", peer.next()).await?;
        match (frame.kind, frame.more) {
            (raw::REQUEST, true) => open.extend([frame.call as u8]),
            (raw::REQUEST_DATA, true) => {}
            (raw::REQUEST_DATA, false) => {
                assert!(
                    open.len() * LENGTH <= BUDGET as usize,
                    "{} calls are under way",
                    open.len()
                );
                ended += 1;
                let rest: BytesMut = open
                    .iter()
                    .copied()
                    .filter(|call| u32::from(*call) != frame.call)
                    .collect();
                open = rest;
                peer.send(&raw::reply(frame.call, &Ok::<_, farcall::Error>(vec![1_u8])))
                    .await?;
            }
            other => return Err(format!("unexpected {other:?}").into()),
        }
        assert!(
            open.len() * LENGTH <= BUDGET as usize,
            "{} calls are under way",
            open.len()
        );
    }
    for call in calls {
        assert_eq!(ends("a call", call).await??, [1]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_small_call_does_not_wait_for_large_replies() -> TestResult {
    const LARGE: u32 = 50;
    let server = server(&Prober::new(), Limits::default(), "mem://small-among-large").await?;
    let network = Network::seeded(1).delay(1..2).bandwidth(10 * MEGABYTE as u64);
    let client = ProbeClient::new(network.connect(&server).await?);
    let mut replies: FuturesUnordered<_> = (0..LARGE).map(|_| tokio::spawn(client.fill(MEGABYTE as u32))).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = tokio::time::Instant::now();
    assert_eq!(client.add(1, 2).await?, 3);
    // All of them take five seconds; what the transport holds takes a fortieth of one.
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    while let Some(reply) = replies.next().await {
        assert_eq!(reply??.len(), MEGABYTE);
    }
    Ok(())
}
