//! A channel outlives its connections: calls in flight are told what is known, and the next call dials again.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, ChannelState, Code, Outcome, RunningServer, testing::Network, transport::Connected};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober, ends},
};
use futures::future::join_all;
use tokio::time::Instant;

/// A client whose connections go to the server that the test puts there, and are counted.
struct Bed {
    network: Network,
    client: ProbeClient,
    server: Arc<Mutex<Arc<RunningServer>>>,
    accepted: Arc<AtomicUsize>,
}

impl Bed {
    async fn new(network: Network, prober: &Prober, name: &str) -> farcall::Result<Self> {
        let server = Arc::new(Mutex::new(start(prober, name).await?));
        let accepted = Arc::<AtomicUsize>::default();
        let accept = {
            let (server, accepted) = (Arc::clone(&server), Arc::clone(&accepted));
            move |stream| {
                accepted.fetch_add(1, Ordering::Relaxed);
                let server = Arc::clone(&server.lock().expect("not poisoned"));
                server.serve(Connected::new(stream, server.local_addr()));
            }
        };
        let channel = Channel::builder().connector(network.connector(Arc::new(accept)));
        Ok(Self {
            network,
            client: ProbeClient::new(channel),
            server,
            accepted,
        })
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits until the channel has noticed that its connection takes no more calls.
    async fn noticed(&self) {
        while self.client.channel().state() == ChannelState::Ready {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn start(prober: &Prober, name: &str) -> farcall::Result<Arc<RunningServer>> {
    let server = prober.server().listen(format!("mem://reconnect-{name}")).await?;
    Ok(Arc::new(server))
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_told_what_is_known() -> TestResult {
    let prober = Prober::new();
    let bed = Bed::new(Network::seeded(1).delay(1..5).buffer(4096), &prober, "told").await?;
    let arrived = tokio::spawn(bed.client.hold(1));
    prober.until(|counts| counts.running == 1).await;

    // Longer than what the network takes at once, so some of it is still here.
    bed.network.partition();
    let half_sent = tokio::spawn(bed.client.echo(&vec![1; 100_000]));
    tokio::time::sleep(Duration::from_secs(1)).await;
    bed.network.reset();

    let error = arrived.await?.expect_err("the connection was lost");
    assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
    assert_eq!(error.method(), Some("Probe.hold"));
    assert!(error.message().contains("reset"), "{error}");
    assert!(!error.is_retryable());

    let error = half_sent.await?.expect_err("the connection was lost");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted)
    );
    assert!(error.is_retryable());
    prober.until(|counts| counts.running == 0).await;
    assert_eq!(prober.counts().started, 1, "what was not executed did not run");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_attempt_serves_all_calls_that_wait() -> TestResult {
    let prober = Prober::new();
    let bed = Bed::new(Network::seeded(1).delay(5..10), &prober, "one").await?;
    assert_eq!(bed.accepted(), 0, "nobody dials before there is a call");
    for round in 1..=3 {
        let calls = join_all((0..100).map(|a| bed.client.add(a, 1))).await;
        for (a, sum) in calls.into_iter().enumerate() {
            assert_eq!(sum?, a as u64 + 1);
        }
        assert_eq!(bed.accepted(), round);
        bed.network.cut();
        bed.noticed().await;
    }
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(bed.accepted(), 3, "nobody dials without calls");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn attempts_keep_a_growing_distance_that_a_success_takes_back() -> TestResult {
    let prober = Prober::new();
    let bed = Bed::new(Network::seeded(1), &prober, "distance").await?;
    for _ in 0..2 {
        bed.network.refuse_connections(true);
        for wait in [0, 50, 100, 200, 400, 800, 1000, 1000] {
            let start = Instant::now();
            let error = bed.client.add(1, 2).await.expect_err("refused");
            assert_eq!(
                (error.code(), error.outcome()),
                (Code::Unavailable, Outcome::NotExecuted)
            );
            assert!(error.is_retryable());
            assert!(error.message().contains("the simulated network refuses"), "{error}");
            let waited = start.elapsed().as_millis() as u64;
            assert!(
                (wait * 3 / 4..=wait * 5 / 4 + 2).contains(&waited),
                "{waited} ms instead of about {wait}"
            );
        }
        bed.network.refuse_connections(false);
        assert_eq!(bed.client.add(1, 2).await?, 3);
        bed.network.cut();
        bed.noticed().await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_state_can_be_watched() -> TestResult {
    use ChannelState::{Connecting, Idle, Ready};
    let prober = Prober::new();
    let bed = Bed::new(Network::seeded(1).delay(5..10), &prober, "watched").await?;
    let mut watch = bed.client.channel().watch_state();
    let mut seen = vec![watch.state()];
    let seen = tokio::spawn(async move {
        while let Some(state) = watch.changed().await {
            seen.push(state);
        }
        seen
    });
    bed.client.add(1, 2).await?;
    bed.network.cut();
    bed.noticed().await;
    bed.network.refuse_connections(true);
    bed.client.add(1, 2).await.expect_err("refused");
    bed.network.refuse_connections(false);
    bed.client.add(1, 2).await?;
    drop(bed);
    let states = [Idle, Connecting, Ready, Idle, Connecting, Idle, Connecting, Ready];
    assert_eq!(ends("the watch", seen).await?, states);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_draining_server_sends_new_calls_to_its_successor() -> TestResult {
    let (old, new) = (Prober::new(), Prober::new());
    let bed = Bed::new(Network::seeded(1).delay(1..3), &old, "old").await?;
    let running = tokio::spawn(bed.client.hold(1));
    old.until(|counts| counts.running == 1).await;

    let successor = start(&new, "new").await?;
    let retired = std::mem::replace(&mut *bed.server.lock().expect("not poisoned"), successor);
    let mut watch = bed.client.channel().watch_state();
    assert_eq!(watch.state(), ChannelState::Ready);
    let shutdown = tokio::spawn(async move { retired.shutdown(Duration::from_secs(3600)).await });
    let told = ends("the notice of the shutdown", watch.changed()).await;
    assert_eq!(told, Some(ChannelState::Idle), "although a call is still under way");
    assert_eq!(bed.client.channel().state(), ChannelState::Idle);

    let sums = ends(
        "calls beside a draining server",
        join_all((0..10).map(|a| bed.client.add(a, 1))),
    )
    .await;
    assert!(sums.iter().all(Result::is_ok), "{sums:?}");
    assert_eq!((old.counts().started, new.counts().started), (1, 10));
    assert_eq!(bed.accepted(), 2);
    assert_eq!(bed.client.channel().state(), ChannelState::Ready);

    old.release();
    assert_eq!(running.await??, 1, "what runs on the old one ends there");
    ends("the shutdown", shutdown).await?;
    assert_eq!(bed.client.add(1, 2).await?, 3);
    assert_eq!(
        bed.accepted(),
        2,
        "the end of the old connection is not that of the new one"
    );
    Ok(())
}

/// The same place is listened on again after the first server is gone.
async fn restarts(address: &str) -> TestResult {
    let prober = Prober::new();
    let mut server = prober.server().listen(address).await?;
    let address = server.local_addr();
    let client = ProbeClient::connect(&address).await?;
    for round in 0..4 {
        assert_eq!(client.add(round, 1).await?, round + 1);
        let mut watch = client.channel().watch_state();
        server.shutdown(Duration::ZERO).await;
        while watch.state() != ChannelState::Idle {
            ends("the loss", watch.changed()).await;
        }
        if round % 2 == 0 {
            let error = client.add(1, 2).await.expect_err("nobody listens");
            assert_eq!(
                (error.code(), error.outcome()),
                (Code::Unavailable, Outcome::NotExecuted),
                "{error}"
            );
        }
        server = prober.server().listen(&address).await?;
    }
    assert_eq!(client.add(1, 2).await?, 3);
    Ok(())
}

#[tokio::test]
async fn the_first_call_reaches_a_server_restarted_on_its_port() -> TestResult {
    restarts("tcp://127.0.0.1:0").await
}

#[cfg(unix)]
#[tokio::test]
async fn the_first_call_reaches_a_server_restarted_on_its_socket() -> TestResult {
    let path = std::env::temp_dir().join(format!("farcall-reconnect-{}.sock", std::process::id()));
    restarts(&format!("unix://{}", path.display())).await
}

#[tokio::test]
async fn connecting_fails_fast_and_says_why() -> TestResult {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let address = format!("tcp://{closed}");
    let error = Channel::connect(address.as_str()).await.expect_err("nobody listens");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted)
    );
    assert!(
        error.message().contains(&address) && error.message().contains("refused"),
        "{error}"
    );
    let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));

    let error = Channel::connect("unix:///nowhere/at/all.sock")
        .await
        .expect_err("no such file");
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("unix:///nowhere/at/all.sock"), "{error}");

    let error = Channel::connect("mem://nobody").await.expect_err("nobody listens");
    assert!(error.message().contains("mem://nobody"), "{error}");
    Ok(())
}
