//! What limits the time of a stream: the deadline of its call, which both sides keep, and the longest wait for an item.

use std::time::Duration;

use farcall::{Channel, ChannelState, Code, Context, Error, Outcome, Result, Streaming, stream::Stream};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[farcall::service]
trait Clock {
    /// Numbers at a distance, and then a wait for ever.
    fn ticks(&self, count: u32, distance: Duration) -> impl Stream<Item = Result<u32>>;
    #[rpc(timeout = "3s")]
    fn ticks_of_three(&self, count: u32, distance: Duration) -> Streaming<Result<u32>>;
    async fn open(&self, count: u32, distance: Duration) -> Result<impl Stream<Item = Result<u32>>>;
    /// Opens when the gate does.
    async fn open_late(&self) -> Result<impl Stream<Item = Result<u32>>>;
    async fn open_late_with(&self, ticks: impl Stream<Item = u32>) -> impl Stream<Item = Result<u32>>;
    async fn count(&self, ticks: impl Stream<Item = u32>) -> Result<u32>;
    fn echo(&self, ticks: impl Stream<Item = u32>) -> impl Stream<Item = Result<u32>>;
    fn remaining(&self) -> impl Stream<Item = Result<Option<Duration>>>;
}

struct Tower(Gate);

fn ticks(count: u32, distance: Duration, gate: &Gate) -> impl Stream<Item = u32> + Send + use<> {
    let gate = gate.clone();
    let ticks = stream::iter(0..count).then(move |number| async move {
        sleep(distance).await;
        number
    });
    let stays = async move {
        gate.pass().await;
        stream::empty()
    };
    ticks.chain(stays.flatten_stream())
}

impl Clock for Tower {
    fn ticks(&self, count: u32, distance: Duration) -> impl Stream<Item = Result<u32>> {
        ticks(count, distance, &self.0).map(Ok)
    }
    fn ticks_of_three(&self, count: u32, distance: Duration) -> Streaming<Result<u32>> {
        Streaming::new(ticks(count, distance, &self.0).map(Ok))
    }
    async fn open(&self, count: u32, distance: Duration) -> Result<impl Stream<Item = Result<u32>>> {
        Ok(ticks(count, distance, &self.0).map(Ok))
    }
    async fn open_late(&self) -> Result<impl Stream<Item = Result<u32>>> {
        self.0.pass().await;
        Ok(stream::iter([Ok(7)]))
    }
    async fn open_late_with(&self, ticks: impl Stream<Item = u32>) -> impl Stream<Item = Result<u32>> {
        self.0.pass().await;
        ticks.map(Ok)
    }
    async fn count(&self, ticks: impl Stream<Item = u32>) -> Result<u32> {
        let watched = self.0.watched();
        let count = ticks.count().await as u32;
        watched.ended();
        Ok(count)
    }
    fn echo(&self, ticks: impl Stream<Item = u32>) -> impl Stream<Item = Result<u32>> {
        ticks.map(Ok)
    }
    fn remaining(&self) -> impl Stream<Item = Result<Option<Duration>>> {
        stream::once(async { Ok(Context::current().remaining()) })
    }
}

/// Passes ticks on.
#[farcall::service]
trait Relay {
    fn ticks_below(&self) -> impl Stream<Item = Result<u32>>;
}

struct Station(ClockClient);

impl Relay for Station {
    fn ticks_below(&self) -> impl Stream<Item = Result<u32>> {
        self.0.ticks(100, SECOND)
    }
}

fn clock() -> (ClockClient, Gate) {
    let gate = Gate::new();
    (ClockClient::loopback(Tower(gate.clone())), gate)
}

fn local_clock() -> (ClockClient, Gate) {
    let gate = Gate::new();
    (ClockClient::local(Tower(gate.clone())), gate)
}

fn layered_clock() -> (ClockClient, Gate) {
    let gate = Gate::new();
    let server = farcall::Server::new().service(ClockServer::new(Tower(gate.clone())));
    let passes_on = tower_layer::layer_fn(|next: farcall::layer::Next| next);
    let channel = Channel::builder().layer(passes_on).loopback(server);
    (ClockClient::new(channel), gate)
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_as_long_as_it_takes() -> TestResult {
    for (clock, _gate) in [clock(), local_clock()] {
        let ticks: Vec<_> = clock.ticks(3, 3600 * SECOND).take(3).try_collect().await?;
        assert_eq!(ticks, [0, 1, 2]);
        assert_eq!(clock.count(stream::once(sleep(7200 * SECOND).map(|()| 1))).await?, 1);
        assert_eq!(clock.remaining().try_next().await?, Some(None));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_result() -> TestResult {
    for (clock, gate) in [clock(), local_clock()] {
        let start = Instant::now();
        let mut ticks = clock.with_timeout(5 * SECOND / 2).ticks(100, SECOND);
        assert_eq!(ticks.by_ref().take(2).try_collect::<Vec<_>>().await?, [0, 1]);
        let late = ticks.next().await.expect("an error");
        assert_fails(
            late,
            Code::DeadlineExceeded,
            Outcome::Unknown,
            &["Clock.ticks", "deadline"],
        );
        assert_eq!(ticks.next().await, None);
        assert!((Duration::from_millis(2500)..Duration::from_millis(2600)).contains(&start.elapsed()));

        let mut ticks = clock.with_timeout(2 * SECOND).open(0, SECOND).await?;
        let late = ticks.next().await.expect("an error");
        assert_fails(
            late,
            Code::DeadlineExceeded,
            Outcome::Unknown,
            &["Clock.open", "deadline"],
        );
        drop(ticks);
        gate.stopped().await;
    }
    Ok(())
}

/// The server does not wait for the client to notice.
#[tokio::test(start_paused = true)]
async fn the_server_keeps_the_deadline() -> TestResult {
    let (clock, gate) = clock();
    let mut ticks = clock.with_timeout(2 * SECOND).ticks(1, Duration::ZERO);
    assert_eq!(ticks.try_next().await?, Some(0));
    gate.entered().await;
    // The stream is not polled.
    gate.stopped().await;
    let late = ticks.next().await.expect("an error");
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::Unknown,
        &["Clock.ticks", "deadline"],
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_arguments() -> TestResult {
    for (clock, gate) in [clock(), local_clock()] {
        let here = Gate::new();
        let late = clock.with_timeout(2 * SECOND).count(ticks(0, SECOND, &here)).await;
        assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &["Clock.count"]);
        here.stopped().await;
        gate.stopped().await;

        let mut echo = clock.with_timeout(3 * SECOND / 2).echo(ticks(100, SECOND, &here));
        assert_eq!(echo.try_next().await?, Some(0));
        let late = echo.next().await.expect("an error");
        assert_fails(
            late,
            Code::DeadlineExceeded,
            Outcome::Unknown,
            &["Clock.echo", "deadline"],
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_method_may_set_one() -> TestResult {
    let (clock, _gate) = clock();
    let mut ticks = clock.ticks_of_three(100, 2 * SECOND);
    assert_eq!(ticks.try_next().await?, Some(0));
    let late = ticks.next().await.expect("an error");
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::Unknown,
        &["Clock.ticks_of_three"],
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_channels_own_timeout_is_for_calls() -> TestResult {
    let server = farcall::Server::new().service(ClockServer::new(Tower(Gate::new())));
    let clock = ClockClient::new(Channel::builder().timeout(SECOND).loopback(server));
    assert_eq!(
        clock.ticks(2, 10 * SECOND).take(2).try_collect::<Vec<_>>().await?,
        [0, 1]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handlers_deadline_goes_on_to_the_streams_it_takes() -> TestResult {
    let (clock, _gate) = clock();
    let relay = RelayClient::loopback(Station(clock));
    let mut ticks = relay.with_timeout(5 * SECOND / 2).ticks_below();
    assert_eq!(ticks.by_ref().take(2).try_collect::<Vec<_>>().await?, [0, 1]);
    let late = ticks.next().await.expect("an error").expect_err("an error");
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_item_may_take_so_long() -> TestResult {
    for (clock, gate) in [clock(), local_clock()] {
        let clock = clock.with_item_timeout(3 * SECOND);
        let start = Instant::now();
        let mut ticks = clock.ticks(4, 2 * SECOND);
        assert_eq!(ticks.by_ref().take(4).try_collect::<Vec<_>>().await?, [0, 1, 2, 3]);
        let late = ticks.next().await.expect("an error");
        assert_fails(
            late,
            Code::DeadlineExceeded,
            Outcome::Unknown,
            &["Clock.ticks", "no item came within the item timeout of 3s"],
        );
        assert_eq!(ticks.next().await, None);
        assert!(
            (11 * SECOND..SECOND * 111 / 10).contains(&start.elapsed()),
            "{:?}",
            start.elapsed()
        );
        gate.stopped().await;

        let mut opened = clock.open(1, 2 * SECOND).await?;
        assert_eq!(opened.try_next().await?, Some(0));
        let late = opened.next().await.expect("an error");
        assert_fails(
            late,
            Code::DeadlineExceeded,
            Outcome::Unknown,
            &["Clock.open", "no item came within the item timeout of 3s"],
        );
        gate.stopped().await;
    }
    Ok(())
}

/// Time that the reader takes for itself does not count.
#[tokio::test(start_paused = true)]
async fn an_item_is_waited_for_from_when_it_is_asked_for() -> TestResult {
    let (clock, _gate) = clock();
    let mut ticks = clock.with_item_timeout(3 * SECOND).ticks(3, 2 * SECOND);
    sleep(10 * SECOND).await;
    assert_eq!(ticks.try_next().await?, Some(0));
    sleep(10 * SECOND).await;
    assert_eq!(ticks.try_next().await?, Some(1));
    assert_eq!(ticks.try_next().await?, Some(2));
    Ok(())
}

/// The opening of a stream is part of the wait for its first item.
#[tokio::test(start_paused = true)]
async fn the_first_item_may_take_so_long() -> TestResult {
    let network = farcall::testing::Network::seeded(1).delay(1..3);
    let server = farcall::Server::new().service(ClockServer::new(Tower(Gate::new())));
    let server = server.listen("mem://the-first-item").await?;
    let channel = network.connect(&server).await?;
    network.partition();
    let clock = ClockClient::new(channel).with_item_timeout(3 * SECOND);
    let start = Instant::now();
    let late = clock.ticks(1, Duration::ZERO).next().await.expect("an error");
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::Unknown,
        &["Clock.ticks", "no item came within the item timeout of 3s"],
    );
    assert_eq!(start.elapsed().as_secs(), 3);
    Ok(())
}

/// Where a method opens its stream in an answer of its own, the wait for that is limited as well.
#[tokio::test(start_paused = true)]
async fn the_answer_that_opens_a_stream_may_take_so_long() -> TestResult {
    for (clock, gate) in [clock(), local_clock(), layered_clock()] {
        let clock = clock.with_item_timeout(3 * SECOND);
        let start = Instant::now();
        let parts = ["Clock.open_late", "no answer came within the item timeout of 3s"];
        let late = clock.open_late().await.map(drop);
        assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &parts);
        assert_eq!(start.elapsed().as_secs(), 3);
        gate.stopped().await;

        let here = Gate::new();
        let late = clock.open_late_with(ticks(0, SECOND, &here)).await.map(drop);
        assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &parts);
        assert_eq!(start.elapsed().as_secs(), 6);
        gate.stopped().await;
        here.stopped().await;

        // Each wait counts by itself.
        let opened = tokio::spawn(clock.open_late());
        sleep(2 * SECOND).await;
        gate.open(1);
        let mut opened = opened.await??;
        sleep(2 * SECOND).await;
        assert_eq!(opened.try_next().await?, Some(7));
        assert_eq!(opened.try_next().await?, None);
    }
    Ok(())
}

/// It says nothing about calls whose result is no stream.
#[tokio::test(start_paused = true)]
async fn a_result_that_is_no_stream_takes_as_long_as_it_takes() -> TestResult {
    for (clock, _gate) in [clock(), local_clock()] {
        let clock = clock.with_item_timeout(3 * SECOND);
        let late = stream::once(sleep(10 * SECOND).map(|()| 1));
        assert_eq!(clock.count(late).await?, 1);
    }
    Ok(())
}

/// Nothing was sent, so nothing was executed.
#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_come_is_waited_for_no_longer() -> TestResult {
    let network = farcall::testing::Network::seeded(1).delay(1..3);
    let server = farcall::Server::new().service(ClockServer::new(Tower(Gate::new())));
    let server = server.listen("mem://no-connection").await?;
    let channel = network.connect(&server).await?;
    let mut state = channel.watch_state();
    network.partition();
    network.reset();
    while state.state() == ChannelState::Ready {
        state.changed().await.expect("the channel is there");
    }
    let clock = ClockClient::new(channel).with_item_timeout(3 * SECOND);
    let late = clock.open_late().await.map(drop);
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::NotExecuted,
        &["Clock.open_late", "item timeout"],
    );
    Ok(())
}

over_every_transport!(limits_of_real_time, an_answer_that_opens_too_late);

async fn an_answer_that_opens_too_late(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let server = farcall::Server::new().service(ClockServer::new(Tower(gate.clone())));
    let site = transport.serve(server).await?;
    let clock = ClockClient::new(site.channel.clone()).with_item_timeout(SECOND / 5);
    let parts = ["Clock.open_late", "no answer came within the item timeout of 200ms"];
    let late = clock.open_late().await.map(drop);
    assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &parts);
    gate.stopped().await;
    let late = clock.open_late_with(stream::pending()).await.map(drop);
    assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &parts);
    gate.stopped().await;
    let blocking = ClockBlockingClient::new(site.channel.clone()).with_item_timeout(SECOND / 5);
    let late = tokio::task::spawn_blocking(move || blocking.open_late().map(drop)).await?;
    assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &parts);
    gate.stopped().await;
    Ok(())
}

/// Short ones, since time is real here, but long enough for a handler to begin on a busy machine.
async fn limits_of_real_time(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let server = farcall::Server::new().service(ClockServer::new(Tower(gate.clone())));
    let site = transport.serve(server).await?;
    let clock = ClockClient::new(site.channel.clone());
    let mut ticks = clock.with_timeout(SECOND / 4).ticks(0, SECOND);
    let late = ticks.next().await.expect("an error");
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::Unknown,
        &["Clock.ticks", "deadline"],
    );
    let mut ticks = clock.with_item_timeout(SECOND / 4).ticks(1, Duration::ZERO);
    assert_eq!(ticks.try_next().await?, Some(0));
    let late = ticks.next().await.expect("an error");
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::Unknown,
        &["Clock.ticks", "no item came"],
    );
    drop(ticks);
    let late = clock.with_timeout(SECOND / 4).count(stream::pending()).await;
    assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &["Clock.count"]);
    gate.stopped().await;
    gate.stopped().await;
    gate.stopped().await;
    let blocking = ClockBlockingClient::new(site.channel.clone()).with_item_timeout(SECOND / 4);
    let late = tokio::task::spawn_blocking(move || blocking.ticks(0, SECOND).next()).await?;
    let late: Error = late.expect("an error").expect_err("an error");
    assert_eq!(late.code(), Code::DeadlineExceeded);
    Ok(())
}
