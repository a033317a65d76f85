//! A server stops gently: what runs may finish, what comes is refused as not executed, what is left is cut.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, ChannelState, Code, Limits, Outcome, RunningServer, testing::Network};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober, ends},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

const GRACE: Duration = Duration::from_secs(10);
const ROUNDING: Duration = Duration::from_millis(20);

async fn start(prober: &Prober, name: &str) -> farcall::Result<Arc<RunningServer>> {
    let server = prober.server().listen(format!("mem://shutdown-{name}")).await?;
    Ok(Arc::new(server))
}

fn shut_down(server: &Arc<RunningServer>) -> JoinHandle<Duration> {
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let start = Instant::now();
        server.shutdown(GRACE).await;
        start.elapsed()
    })
}

#[tokio::test(start_paused = true)]
async fn what_runs_may_finish_and_nobody_waits_longer() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "finish").await?;
    let client = ProbeClient::new(Network::seeded(1).delay(1..3).connect(&server).await?);
    let calls: Vec<_> = (0..10).map(|id| tokio::spawn(client.hold(id))).collect();
    prober.until(|counts| counts.running == 10).await;

    let shutdown = shut_down(&server);
    sleep(Duration::from_secs(3)).await;
    assert!(!shutdown.is_finished());
    prober.release();
    for (id, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await??, id as u64);
    }
    let took = ends("the shutdown", shutdown).await?;
    assert!(
        took >= Duration::from_secs(3) && took <= Duration::from_secs(3) + ROUNDING,
        "{took:?}"
    );
    ends("wait", server.wait()).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_the_grace_is_cut() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "cut").await?;
    let client = ProbeClient::new(Network::seeded(1).delay(1..3).connect(&server).await?);
    let call = tokio::spawn(client.hold(1));
    prober.until(|counts| counts.running == 1).await;
    let took = ends("the shutdown", shut_down(&server)).await?;
    assert!(took >= GRACE && took <= GRACE + ROUNDING, "{took:?}");
    let error = call.await?.expect_err("it was cut");
    assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
    prober.until(|counts| counts.running == 0).await;
    assert_eq!(server.running_calls(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_without_calls_stops_at_once() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "idle").await?;
    let network = Network::seeded(1).delay(1..3);
    let client = ProbeClient::new(network.connect(&server).await?);
    assert_eq!(client.add(1, 2).await?, 3);
    let took = ends("the shutdown", shut_down(&server)).await?;
    assert!(took <= ROUNDING, "{took:?}");

    let error = client.add(1, 2).await.expect_err("the server is gone");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted)
    );
    let error = server
        .listen("mem://shutdown-again")
        .await
        .expect_err("it is shut down");
    assert_eq!(error.code(), Code::FailedPrecondition);
    Channel::connect("mem://shutdown-idle")
        .await
        .expect_err("nobody listens");
    Ok(())
}

/// The request is under way when the server stops: it must not look as though it might have run.
#[tokio::test(start_paused = true)]
async fn calls_that_cross_with_the_notice_are_refused_and_not_executed() -> TestResult {
    for busy in [true, false] {
        let prober = Prober::new();
        let server = start(&prober, &format!("cross-{busy}")).await?;
        let client = ProbeClient::new(Network::seeded(1).delay(10..11).connect(&server).await?);
        let running = busy.then(|| tokio::spawn(client.hold(1)));
        prober.until(|counts| counts.running == usize::from(busy)).await;

        let crossing = tokio::spawn(client.add(1, 2));
        sleep(Duration::from_millis(5)).await;
        let shutdown = shut_down(&server);
        let error = crossing.await?.expect_err("the server takes no calls");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::NotExecuted),
            "{error}"
        );
        assert_eq!(prober.counts().started, usize::from(busy));
        prober.release();
        if let Some(running) = running {
            assert_eq!(running.await??, 1);
        }
        assert!(ends("the shutdown", shutdown).await? < GRACE);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_after_the_notice_are_refused_and_not_executed() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "after").await?;
    let client = ProbeClient::new(Network::seeded(1).delay(1..3).connect(&server).await?);
    let running = tokio::spawn(client.hold(1));
    prober.until(|counts| counts.running == 1).await;
    let shutdown = shut_down(&server);
    sleep(Duration::from_secs(1)).await;
    for _ in 0..3 {
        let error = ends("a call", client.add(1, 2))
            .await
            .expect_err("the server takes no calls");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::NotExecuted),
            "{error}"
        );
        assert!(error.is_retryable());
    }
    prober.release();
    assert_eq!(running.await??, 1);
    ends("the shutdown", shutdown).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn detached_handlers_have_the_grace_too() -> TestResult {
    for released in [true, false] {
        let prober = Prober::new();
        let server = start(&prober, &format!("detached-{released}")).await?;
        let network = Network::seeded(1).delay(1..3);
        let client = ProbeClient::new(network.connect(&server).await?);
        let call = tokio::spawn(client.hold_detached(1));
        prober.until(|counts| counts.running == 1).await;
        call.abort();
        drop(client);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(prober.counts().running, 1, "it outlives its caller");

        let shutdown = shut_down(&server);
        sleep(Duration::from_secs(1)).await;
        if released {
            prober.release();
        }
        let took = ends("the shutdown", shutdown).await?;
        assert_eq!(took < GRACE, released, "{took:?}");
        assert_eq!(prober.counts().running, 0, "the server has stopped");
    }
    Ok(())
}

/// A client that left behind a handler which outlives it.
async fn left_behind(server: &RunningServer, prober: &Prober) -> TestResult {
    let network = Network::seeded(1).delay(1..3);
    let client = ProbeClient::new(network.connect(server).await?);
    let call = tokio::spawn(client.hold_detached(1));
    prober.until(|counts| counts.running == 1).await;
    call.abort();
    drop(client);
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// A shutdown with less time does not wait for one with more.
#[tokio::test(start_paused = true)]
async fn a_second_shutdown_has_a_grace_of_its_own() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "second").await?;
    left_behind(&server, &prober).await?;
    let first = shut_down(&server);
    sleep(Duration::from_secs(1)).await;
    let second = Instant::now();
    server.shutdown(Duration::from_secs(1)).await;
    assert!(
        second.elapsed() <= Duration::from_secs(1) + ROUNDING,
        "{:?}",
        second.elapsed()
    );
    assert_eq!(prober.counts().running, 0);
    assert!(ends("the first shutdown", first).await? <= Duration::from_secs(2) + ROUNDING);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_given_up_cuts_nothing() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "given-up").await?;
    left_behind(&server, &prober).await?;
    timeout(Duration::from_secs(1), server.shutdown(GRACE))
        .await
        .expect_err("a handler runs");
    sleep(2 * GRACE).await;
    assert_eq!(prober.counts().running, 1);
    drop(server);
    prober.until(|counts| counts.running == 0).await;
    Ok(())
}

/// A connection uses up the grace period, so there is no time left for the detached handler.
#[tokio::test(start_paused = true)]
async fn a_detached_handler_does_not_outlive_the_shutdown() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "outlive").await?;
    let network = Network::seeded(1).delay(1..3);
    let (stays, leaves) = (
        ProbeClient::new(network.connect(&server).await?),
        ProbeClient::new(network.connect(&server).await?),
    );
    let kept = tokio::spawn(stays.hold(1));
    let left = tokio::spawn(leaves.hold_detached(2));
    prober.until(|counts| counts.running == 2).await;
    left.abort();
    drop(leaves);
    ends("the shutdown", shut_down(&server)).await?;
    kept.await?.expect_err("it was cut");
    prober.until(|counts| counts.running == 0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_the_server_cuts_everything() -> TestResult {
    let prober = Prober::new();
    let server = prober.server().listen("mem://shutdown-dropped").await?;
    let client = ProbeClient::connect("mem://shutdown-dropped").await?;
    let calls = [tokio::spawn(client.hold(1)), tokio::spawn(client.hold_detached(2))];
    prober.until(|counts| counts.running == 2).await;
    drop(server);
    for call in calls {
        let error = ends("a call", call).await?.expect_err("the server is gone");
        assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
    }
    prober.until(|counts| counts.running == 0).await;
    let error = client.add(1, 2).await.expect_err("nobody listens");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    Ok(())
}

/// A oneway call is over for its caller when it has left; what happens to the client then is of no matter.
#[tokio::test]
async fn oneway_calls_arrive_although_the_client_is_gone() -> TestResult {
    const NOTES: u64 = 1000;
    let prober = Prober::new();
    let server = prober
        .server()
        .limits(Limits::default().max_calls(64))
        .listen("tcp://127.0.0.1:0")
        .await?;
    server.listen("udp://127.0.0.1:0").await?;
    server.listen("mem://shutdown-oneway").await?;
    for (round, address) in server.local_addrs().into_iter().enumerate() {
        let client = ProbeClient::connect(&address).await?;
        for note in 0..NOTES {
            client.note(note).await?;
        }
        let given_up = tokio::spawn(client.hold(1));
        prober.until(|counts| counts.running == 1).await;
        client.note(NOTES).await?;
        given_up.abort();
        drop(client);
        let expected = (round + 1) * (NOTES as usize + 1);
        prober
            .until(|counts| counts.notes == expected && counts.running == 0)
            .await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_connection_closes_with_the_last_client() -> TestResult {
    let prober = Prober::new();
    let server = start(&prober, "last").await?;
    let client = ProbeClient::new(Network::seeded(1).delay(1..3).connect(&server).await?);
    let (other, mut watch) = (client.clone(), client.channel().watch_state());
    let call = tokio::spawn(client.hold(1));
    prober.until(|counts| counts.running == 1).await;
    drop(client);
    assert_eq!(other.add(1, 2).await?, 3);
    drop(other);
    assert_eq!(watch.state(), ChannelState::Ready, "a call keeps it");
    prober.release();
    assert_eq!(call.await??, 1);
    while ends("the channel", watch.changed()).await.is_some() {}
    let took = ends("the shutdown", shut_down(&server)).await?;
    assert!(took <= ROUNDING, "no connection is left: {took:?}");
    Ok(())
}

/// The socket that listens carries the calls, too.
#[tokio::test]
async fn over_udp_calls_may_finish_and_the_port_is_free_afterwards() -> TestResult {
    for released in [true, false] {
        let prober = Prober::new();
        let server = prober.server().listen("udp://127.0.0.1:0").await?;
        let address = server.local_addr();
        let (client, idle) = (
            ProbeClient::connect(&address).await?,
            ProbeClient::connect(&address).await?,
        );
        assert_eq!(idle.add(1, 2).await?, 3);
        let call = tokio::spawn(client.hold(1));
        prober.until(|counts| counts.running == 1).await;

        let grace = if released { GRACE } else { Duration::from_millis(200) };
        let start = Instant::now();
        let mut shutdown = std::pin::pin!(server.shutdown(grace));
        assert!(futures::poll!(&mut shutdown).is_pending());
        let stranger = async {
            let error = Channel::connect(&address).await.expect_err("it lets nobody in");
            prober.release();
            error
        };
        let result = if released {
            let ((), error) = tokio::join!(shutdown, stranger);
            assert_eq!(
                (error.code(), error.outcome()),
                (Code::Unavailable, Outcome::NotExecuted),
                "{error}"
            );
            assert!(start.elapsed() < GRACE);
            call.await?
        } else {
            shutdown.await;
            call.await?
        };
        match result {
            Ok(id) => assert!(released && id == 1),
            Err(error) => assert!(!released && error.outcome() == Outcome::Unknown, "{error}"),
        }
        let successor = prober.server().listen(&address).await?;
        assert_eq!(ProbeClient::connect(successor.local_addr()).await?.add(1, 2).await?, 3);
    }
    Ok(())
}

/// Several times, because what is left over is gone after a moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handler_runs_when_the_shutdown_is_over() -> TestResult {
    for round in 0..50 {
        let prober = Prober::new();
        let server = start(&prober, &format!("over-{round}")).await?;
        let client = ProbeClient::connect(server.local_addr()).await?;
        let left = tokio::spawn(client.hold_detached(1));
        prober.until(|counts| counts.running == 1).await;
        // Its caller is gone, so it alone uses up the grace period.
        left.abort();
        assert!(left.await.is_err());
        if round % 2 == 0 {
            tokio::spawn(client.hold(2));
            prober.until(|counts| counts.running == 2).await;
        } else {
            drop(client);
        }
        server.shutdown(Duration::from_millis(1)).await;
        assert_eq!(prober.counts().running, 0, "round {round}");
    }
    Ok(())
}

/// A handler that shuts its own server down.
#[farcall::service]
trait Admin {
    async fn stop(&self) -> farcall::Result<()>;
    #[rpc(detached)]
    async fn stop_detached(&self) -> farcall::Result<()>;
}

#[derive(Clone, Default)]
struct Operator(Arc<std::sync::OnceLock<std::sync::Weak<RunningServer>>>);

impl Admin for Operator {
    async fn stop(&self) -> farcall::Result<()> {
        if let Some(server) = self.0.get().and_then(std::sync::Weak::upgrade) {
            server.shutdown(GRACE).await;
        }
        Ok(())
    }
    async fn stop_detached(&self) -> farcall::Result<()> {
        self.stop().await
    }
}

/// It is cut with the others, and code that waits for the server hears that nevertheless.
#[tokio::test(start_paused = true)]
async fn a_handler_may_shut_its_own_server_down() -> TestResult {
    for (round, detached) in [false, true, true].into_iter().enumerate() {
        let (operator, prober) = (Operator::default(), Prober::new());
        let server = prober.server().service(AdminServer::new(operator.clone()));
        let server = Arc::new(server.listen(format!("mem://shutdown-own-{round}")).await?);
        operator.0.set(Arc::downgrade(&server)).expect("set once");
        left_behind(&server, &prober).await?;
        let client = AdminClient::connect(server.local_addr()).await?;
        let start = Instant::now();
        let call = tokio::spawn(if detached {
            client.stop_detached()
        } else {
            client.stop()
        });
        drop(client);
        sleep(Duration::from_secs(1)).await;
        if round == 2 {
            // Its connection goes before it.
            call.abort();
        }
        ends("the shutdown", server.wait()).await;
        assert!(
            start.elapsed() >= GRACE && start.elapsed() <= GRACE + ROUNDING,
            "{:?}",
            start.elapsed()
        );
        prober.until(|counts| counts.running == 0).await;
        if round < 2 {
            call.await?.expect_err("it was cut");
        }
        let gone = AdminClient::connect(server.local_addr()).await;
        assert_eq!(gone.err().map(|error| error.code()), Some(Code::Unavailable));
    }
    Ok(())
}

/// A handler that takes its time to stop.
#[farcall::service]
trait Reluctant {
    async fn hold(&self) -> farcall::Result<()>;
}

/// Tells when it is being dropped, and is gone when it is let go.
struct Guard {
    dropping: mpsc::UnboundedSender<()>,
    let_go: Arc<Mutex<std::sync::mpsc::Receiver<()>>>,
    gone: Arc<AtomicBool>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.dropping.send(());
        // Others run meanwhile.
        let let_go = || self.let_go.lock().expect("nobody panics").recv();
        let _ = tokio::task::block_in_place(let_go);
        self.gone.store(true, Ordering::SeqCst);
    }
}

struct Holder {
    entered: mpsc::UnboundedSender<()>,
    dropping: mpsc::UnboundedSender<()>,
    let_go: Arc<Mutex<std::sync::mpsc::Receiver<()>>>,
    gone: Arc<AtomicBool>,
}

impl Reluctant for Holder {
    async fn hold(&self) -> farcall::Result<()> {
        let _guard = Guard {
            dropping: self.dropping.clone(),
            let_go: Arc::clone(&self.let_go),
            gone: Arc::clone(&self.gone),
        };
        let _ = self.entered.send(());
        std::future::pending().await
    }
}

/// Its connection is gone, so only the shutdown waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_is_being_dropped_is_waited_for() -> TestResult {
    let (entered, mut enters) = mpsc::unbounded_channel();
    let (dropping, mut drops) = mpsc::unbounded_channel();
    let (let_go, waits) = std::sync::mpsc::channel();
    let gone = Arc::new(AtomicBool::new(false));
    let holder = Holder {
        entered,
        dropping,
        let_go: Arc::new(Mutex::new(waits)),
        gone: Arc::clone(&gone),
    };
    let server = farcall::Server::new()
        .service(ReluctantServer::new(holder))
        .listen("mem://shutdown-reluctant")
        .await?;
    let network = Network::seeded(1);
    let client = ReluctantClient::new(network.connect(&server).await?);
    let call = tokio::spawn(client.hold());
    ends("the way in", enters.recv()).await;
    network.cut();
    ends("the destructor", drops.recv()).await;
    call.await?.expect_err("its connection was cut");

    let mut shutdown = std::pin::pin!(server.shutdown(Duration::from_secs(600)));
    timeout(Duration::from_millis(200), &mut shutdown)
        .await
        .expect_err("the handler is still there");
    let_go.send(())?;
    ends("the shutdown", shutdown).await;
    assert!(gone.load(Ordering::SeqCst));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_cut_is_told_that_its_server_shut_down() -> TestResult {
    let directory = tempfile::tempdir()?;
    let unix = format!("unix://{}/sock", directory.path().display());
    for address in ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", &unix, "mem://shutdown-told"] {
        let prober = Prober::new();
        let server = prober.server().listen(address).await?;
        let client = ProbeClient::connect(server.local_addr()).await?;
        let call = tokio::spawn(client.hold(1));
        prober.until(|counts| counts.running == 1).await;
        server.shutdown(Duration::ZERO).await;
        let error = call.await?.expect_err("it was cut");
        assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
        assert!(error.message().contains("the server shut down"), "{address}: {error}");
    }
    Ok(())
}
