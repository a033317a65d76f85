//! A peer that vanished is found in bounded time, one that is only slow is kept, and idle connections end.

use std::time::Duration;

use farcall::{Channel, ChannelState, Code, Limits, Outcome, RunningServer, testing::Network, transport::Connected};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober, ends},
    raw::{self, Peer},
};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

const KEEPALIVE: Duration = Duration::from_secs(15);
const ROUNDING: Duration = Duration::from_millis(10);

async fn start(prober: &Prober, limits: Limits, name: &str) -> farcall::Result<RunningServer> {
    prober
        .server()
        .limits(limits)
        .listen(format!("mem://keepalive-{name}"))
        .await
}

/// A client whose calls have no deadline.
fn patient(network: &Network, server: &RunningServer) -> ProbeClient {
    ProbeClient::new(network.channel(server, Channel::builder().no_timeout()))
}

#[tokio::test(start_paused = true)]
async fn a_vanished_peer_is_found_within_twice_the_interval_by_both_sides() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, Limits::default(), "vanished").await?;
    let network = Network::seeded(1).delay(1..3);
    let client = patient(&network, &server);
    let calls: Vec<_> = (0..20).map(|id| tokio::spawn(client.hold(id))).collect();
    prober.until(|counts| counts.running == 20).await;

    let vanished = Instant::now();
    network.half_open();
    for call in join_all(calls).await {
        let error = call?.expect_err("nobody answers");
        assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
        assert!(error.message().contains("did not answer a ping"), "{error}");
    }
    assert!(
        vanished.elapsed() <= 2 * KEEPALIVE + ROUNDING,
        "{:?}",
        vanished.elapsed()
    );

    prober.until(|counts| counts.running == 0).await;
    assert!(
        vanished.elapsed() <= 2 * KEEPALIVE + ROUNDING,
        "{:?}",
        vanished.elapsed()
    );

    prober.release();
    assert_eq!(client.hold(7).await?, 7, "the next call has a new connection");
    Ok(())
}

/// The default deadline of a call is twice the default interval: both come in one instant.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_coincides_with_the_discovery_is_still_told() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, Limits::default(), "coincides").await?;
    let network = Network::seeded(1);
    let client = ProbeClient::new(network.connect(&server).await?);
    let calls = (0..20).map(|id| client.hold(id));
    network.half_open();
    for call in ends("a call over a dead connection", join_all(calls)).await {
        let error = call.expect_err("nobody answers");
        assert!(
            matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
            "{error}"
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_interruption_shorter_than_the_interval_is_survived() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, Limits::default(), "interruption").await?;
    let network = Network::seeded(1).delay(1..3);
    let client = patient(&network, &server);
    let call = tokio::spawn(client.hold(3));
    prober.until(|counts| counts.running == 1).await;

    for _ in 0..5 {
        network.partition();
        sleep(KEEPALIVE * 9 / 10).await;
        network.heal();
        sleep(Duration::from_secs(20)).await;
    }
    prober.release();
    assert_eq!(call.await??, 3);
    assert!(
        network.trace().iter().all(|delivery| delivery.connection == 0),
        "one connection"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_with_a_call_stays_and_one_without_ends() -> TestResult {
    const IDLE: Duration = Duration::from_secs(60);
    let prober = Prober::new();
    let server = start(&prober, Limits::default().idle_timeout(IDLE), "idle").await?;
    let network = Network::seeded(1).delay(1..3);
    let client = patient(&network, &server);
    let call = tokio::spawn(client.hold(3));
    prober.until(|counts| counts.running == 1).await;

    sleep(10 * IDLE).await;
    prober.release();
    assert_eq!(call.await??, 3);

    sleep(IDLE * 9 / 10).await;
    assert_eq!(client.channel().state(), ChannelState::Ready);
    sleep(IDLE * 2 / 10).await;
    assert_eq!(client.channel().state(), ChannelState::Idle);

    assert_eq!(client.add(1, 2).await?, 3);
    let connections = network.trace().last().map(|delivery| delivery.connection);
    assert_eq!(connections, Some(1), "the second connection");
    Ok(())
}

/// The peer asks for megabytes and never reads.
#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_cut_and_costs_little() -> TestResult {
    const STALL: Duration = Duration::from_secs(30);
    const LENGTH: u32 = 100 << 10;
    let prober = Prober::new();
    let limits = Limits::default()
        .max_message(1 << 20)
        .max_buffered(1 << 20)
        .write_stall(STALL)
        .keepalive(100 * STALL);
    let server = start(&prober, limits, "stalled").await?;
    let (near, far) = Network::seeded(1).pair();
    server.serve(Connected::new(far, server.local_addr()));
    let mut peer = Peer::new(near);
    peer.open().await?;
    peer.send(&raw::request(0, "hold", &(0_u64,))).await?;
    prober.until(|counts| counts.running == 1).await;

    let stalled = Instant::now();
    for call in 1..1000 {
        peer.send(&raw::request(call, "fill", &(LENGTH,))).await?;
    }
    prober.until(|counts| counts.running == 0).await;
    let took = stalled.elapsed();
    assert!(took >= STALL && took <= STALL + Duration::from_secs(1), "{took:?}");
    let made = prober.counts().started - 1;
    assert!(
        (5..=30).contains(&made),
        "{made} answers were made for a peer that reads none"
    );
    Ok(())
}

/// The server reads nothing, so the client's own bound holds.
#[tokio::test(start_paused = true)]
async fn a_client_gives_up_a_server_that_reads_nothing() -> TestResult {
    const STALL: Duration = Duration::from_secs(10);
    let prober = Prober::new();
    let server = start(&prober, Limits::default(), "deaf").await?;
    let network = Network::seeded(1);
    let options = Channel::builder()
        .no_timeout()
        .limits(Limits::default().write_stall(STALL).keepalive(100 * STALL));
    let client = ProbeClient::new(network.channel(&server, options));
    assert_eq!(client.add(1, 2).await?, 3);

    network.slow_reader(farcall::testing::End::Server, 0);
    let start = Instant::now();
    let bytes = vec![1; 1 << 20];
    let calls = (0..4).map(|_| client.echo(&bytes));
    for call in ends("a call into a stalled connection", join_all(calls)).await {
        let error = call.expect_err("nobody reads");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::NotExecuted),
            "{error}"
        );
    }
    assert!(
        start.elapsed() <= STALL + Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    Ok(())
}
