//! Where a call's deadline comes from, and that both sides keep it.

use std::time::Duration;

use farcall::{Channel, Code, Context, Error, Outcome, Result, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[farcall::service]
trait Clock {
    async fn remaining(&self) -> Option<Duration>;
    #[rpc(timeout = "2s")]
    async fn remaining_of_two(&self) -> Option<Duration>;
    async fn wait(&self) -> Result<()>;
}

struct Tower(Gate);

impl Clock for Tower {
    async fn remaining(&self) -> Option<Duration> {
        Context::current().remaining()
    }
    async fn remaining_of_two(&self) -> Option<Duration> {
        Context::current().remaining()
    }
    async fn wait(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
}

/// Passes calls on, after a time.
#[farcall::service]
trait Relay {
    async fn remaining_below(&self, after: Duration, timeout: Option<Duration>) -> Result<Option<Duration>>;
    async fn wait_below(&self) -> Result<()>;
    async fn late(&self) -> Result<()>;
}

struct Station {
    clock: ClockClient,
    seen: tokio::sync::mpsc::UnboundedSender<Result<()>>,
}

impl Relay for Station {
    async fn remaining_below(&self, after: Duration, timeout: Option<Duration>) -> Result<Option<Duration>> {
        tokio::time::sleep(after).await;
        match timeout {
            Some(timeout) => self.clock.with_timeout(timeout).remaining().await,
            None => self.clock.remaining().await,
        }
    }
    async fn wait_below(&self) -> Result<()> {
        self.clock.wait().await
    }
    async fn late(&self) -> Result<()> {
        let (clock, seen, context) = (self.clock.clone(), self.seen.clone(), Context::current());
        tokio::spawn(context.clone().scope(async move {
            context.cancelled().await;
            let _ = seen.send(clock.wait().await);
        }));
        std::future::pending().await
    }
}

fn clock() -> ClockClient {
    ClockClient::loopback(Tower(Gate::new()))
}

#[tokio::test(start_paused = true)]
async fn a_call_has_thirty_seconds_unless_something_is_said() -> TestResult {
    assert_eq!(clock().remaining().await?, Some(30 * SECOND));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_closer_word_wins() -> TestResult {
    let server = || Server::new().service(ClockServer::new(Tower(Gate::new())));
    let of_channel = ClockClient::new(Channel::builder().timeout(5 * SECOND).loopback(server()));
    assert_eq!(of_channel.remaining().await?, Some(5 * SECOND));
    // The method's own comes before the channel's, and the client's before the method's, longer or shorter.
    assert_eq!(of_channel.remaining_of_two().await?, Some(2 * SECOND));
    let of_client = of_channel.with_timeout(9 * SECOND);
    assert_eq!(of_client.remaining_of_two().await?, Some(9 * SECOND));
    assert_eq!(of_client.remaining().await?, Some(9 * SECOND));
    let without = ClockClient::new(Channel::builder().no_timeout().loopback(server()));
    assert_eq!(without.remaining().await?, None);
    assert_eq!(without.remaining_of_two().await?, Some(2 * SECOND));
    Ok(())
}

/// The clocks of two machines are never compared: what is sent is the time that is left.
#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_first_poll() -> TestResult {
    let call = clock().with_timeout(3 * SECOND).remaining();
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(call.await?, Some(3 * SECOND));
    Ok(())
}

/// Longer than any clock counts is for ever, and nothing overflows on the way.
#[tokio::test(start_paused = true)]
async fn a_timeout_may_be_as_long_as_it_likes() -> TestResult {
    let century = 100 * 365 * 24 * 3600 * SECOND;
    assert_eq!(clock().with_timeout(century).remaining().await?, Some(century));
    assert_eq!(clock().with_timeout(Duration::MAX).remaining().await?, None);
    for seconds in [u64::MAX / 1_000_000, u64::MAX / 4, i64::MAX as u64] {
        let timeout = Duration::from_secs(seconds);
        clock().with_timeout(timeout).remaining().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_caller_hears_of_the_deadline_at_the_deadline() {
    let start = Instant::now();
    let result = clock().with_timeout(7 * SECOND).wait().await;
    let parts = ["Clock.wait: ", "no answer within 7s"];
    assert_fails(result, Code::DeadlineExceeded, Outcome::Unknown, &parts);
    assert!((7 * SECOND..8 * SECOND).contains(&start.elapsed()));
}

over_every_transport!(a_handler_is_stopped_at_the_deadline, a_deadline_ends_its_own_call_only);

/// The caller is gone without a word, so it is the server that keeps the deadline.
#[tokio::test(start_paused = true)]
async fn the_server_keeps_the_deadline_of_a_silent_caller() -> TestResult {
    let gate = Gate::new();
    let network = farcall::testing::Network::seeded(1);
    let server = Server::new()
        .service(ClockServer::new(Tower(gate.clone())))
        .listen("mem://silent-caller")
        .await?;
    let clock = ClockClient::new(network.connect(&server).await?);
    let start = Instant::now();
    let call = tokio::spawn(clock.with_timeout(4 * SECOND).wait());
    gate.entered().await;
    network.half_open();
    gate.stopped().await;
    assert!((4 * SECOND..5 * SECOND).contains(&start.elapsed()));
    assert_fails(call.await?, Code::DeadlineExceeded, Outcome::Unknown, &[]);
    Ok(())
}

async fn a_handler_is_stopped_at_the_deadline(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let site = transport
        .serve(Server::new().service(ClockServer::new(Tower(gate.clone()))))
        .await?;
    let clock = ClockClient::new(site.channel.clone());
    let call = tokio::spawn(clock.with_timeout(Duration::from_millis(200)).wait());
    gate.entered().await;
    gate.stopped().await;
    assert_fails(call.await?, Code::DeadlineExceeded, Outcome::Unknown, &["Clock.wait"]);
    Ok(())
}

async fn a_deadline_ends_its_own_call_only(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let site = transport
        .serve(Server::new().service(ClockServer::new(Tower(gate.clone()))))
        .await?;
    let clock = ClockClient::new(site.channel.clone());
    let lasting = tokio::spawn(clock.wait());
    gate.entered().await;
    let hurried = clock.with_timeout(Duration::from_millis(20)).wait().await;
    assert_fails(hurried, Code::DeadlineExceeded, Outcome::Unknown, &[]);
    gate.entered().await;
    gate.stopped().await;
    gate.open(1);
    assert_eq!(lasting.await?, Ok(()));
    Ok(())
}

/// A call without any time left is not started. The driver of the connection takes frames in order, so when the second
/// call is answered the first one was dealt with.
#[tokio::test(start_paused = true)]
async fn expired_work_is_not_started() -> TestResult {
    let gate = Gate::new();
    let clock = ClockClient::loopback(Tower(gate.clone()));
    clock.remaining().await?;
    let result = clock.with_timeout(Duration::ZERO).wait().await;
    let error = result.expect_err("there is no time");
    assert_eq!(error.code(), Code::DeadlineExceeded);
    clock.remaining().await?;
    assert!(!gate.has_entered());
    Ok(())
}

fn relay() -> (RelayClient, Gate, tokio::sync::mpsc::UnboundedReceiver<Result<()>>) {
    let gate = Gate::new();
    let (seen, told) = tokio::sync::mpsc::unbounded_channel();
    let clock = ClockClient::loopback(Tower(gate.clone()));
    (RelayClient::loopback(Station { clock, seen }), gate, told)
}

#[tokio::test(start_paused = true)]
async fn calls_made_inside_a_handler_inherit_what_is_left() -> TestResult {
    let (relay, ..) = relay();
    let relay = relay.with_timeout(10 * SECOND);
    let left = relay.remaining_below(4 * SECOND, None).await?.ok_or("no deadline")?;
    assert!((5 * SECOND..=6 * SECOND).contains(&left), "{left:?}");
    // The shorter of the two holds: a call's own time never stretches what it inherits.
    assert_eq!(relay.remaining_below(4 * SECOND, Some(SECOND)).await?, Some(SECOND));
    let left = relay
        .remaining_below(4 * SECOND, Some(60 * SECOND))
        .await?
        .ok_or("no deadline")?;
    assert!((5 * SECOND..=6 * SECOND).contains(&left), "{left:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deadline_stops_the_whole_chain() {
    let (relay, gate, _told) = relay();
    let start = Instant::now();
    let result = relay.with_timeout(3 * SECOND).wait_below().await;
    assert_fails(result, Code::DeadlineExceeded, Outcome::Unknown, &["Relay.wait_below"]);
    gate.entered().await;
    gate.stopped().await;
    assert!(start.elapsed() < 4 * SECOND);
}

/// In a task that outlives its handler's deadline no call is sent at all.
#[tokio::test(start_paused = true)]
async fn a_call_made_after_the_inherited_deadline_is_not_sent() -> TestResult {
    let (relay, gate, mut told) = relay();
    let result = relay.with_timeout(SECOND).late().await;
    assert_fails(result, Code::DeadlineExceeded, Outcome::Unknown, &[]);
    let late = told.recv().await.ok_or("the task is gone")?;
    let parts = [
        "Clock.wait: ",
        "the deadline of the handler that makes this call has passed",
    ];
    assert_fails(late, Code::DeadlineExceeded, Outcome::NotExecuted, &parts);
    assert!(!gate.has_entered());
    Ok(())
}

/// A peer that vanishes is given up at the very moment at which the default deadline comes; the caller hears of one of
/// them.
#[tokio::test(start_paused = true)]
async fn a_deadline_at_the_moment_at_which_the_connection_is_given_up() -> TestResult {
    let network = farcall::testing::Network::seeded(1);
    let server = Server::new()
        .service(ClockServer::new(Tower(Gate::new())))
        .listen("mem://vanishes")
        .await?;
    let clock = ClockClient::new(network.connect(&server).await?);
    network.half_open();
    let error: Error = tokio::time::timeout(60 * SECOND, clock.wait())
        .await?
        .expect_err("nobody answers");
    assert!(
        matches!(error.code(), Code::DeadlineExceeded | Code::Unavailable),
        "{error}"
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
    Ok(())
}

#[tokio::test]
async fn a_call_whose_time_is_up_before_it_is_sent_was_not_executed() -> TestResult {
    let server = Server::new().service(ClockServer::new(Tower(Gate::new())));
    let clock = ClockClient::new(Channel::builder().loopback(server));
    clock.channel().ready().await?;
    for _ in 0..20 {
        let late = clock.with_timeout(Duration::ZERO).wait().await;
        assert_fails(
            late,
            Code::DeadlineExceeded,
            Outcome::NotExecuted,
            &["Clock.wait", "before"],
        );
    }
    Ok(())
}
