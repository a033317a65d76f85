//! Calls beyond `max_calls` wait for their turn: first come, first served, no longer than their deadline, and boundedly
//! many.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall::{
    Channel, Code, Limits, Outcome, Result, Server, client::ChannelBuilder, stream::Stream, testing::Network,
};
use farcall_tests::{Gate, Site, TestResult, Transport, assert_fails, over_every_socket, over_every_transport, until};
use futures::{
    StreamExt,
    future::{join_all, poll_immediate, select},
    stream,
};

#[farcall::service]
trait Desk {
    async fn ask(&self, number: u32) -> Result<u32>;
    async fn wait(&self) -> Result<()>;
    async fn sized(&self, blob: &[u8]) -> Result<usize>;
    #[rpc(oneway)]
    async fn note(&self, number: u32);
    fn count(&self, up_to: u32) -> impl Stream<Item = Result<u32>> + Send;
    async fn sum(&self, numbers: impl Stream<Item = u32> + Send) -> Result<u32>;
    /// Calls `other` twice at one time; the item says how the second call went.
    fn call_back(&self, other: DeskClient) -> impl Stream<Item = Result<u32>> + Send;
}

#[derive(Clone)]
struct Clerk {
    gate: Gate,
    asked: Arc<Mutex<Vec<u32>>>,
}

impl Clerk {
    fn new() -> Self {
        let (gate, asked) = (Gate::new(), Arc::default());
        Self { gate, asked }
    }

    fn server(&self) -> Server {
        Server::new().service(DeskServer::new(self.clone()))
    }

    fn asked(&self) -> Vec<u32> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

impl Desk for Clerk {
    async fn ask(&self, number: u32) -> Result<u32> {
        self.asked.lock().expect("nobody panicked").push(number);
        Ok(number)
    }
    async fn wait(&self) -> Result<()> {
        self.gate.pass().await;
        Ok(())
    }
    async fn sized(&self, blob: &[u8]) -> Result<usize> {
        Ok(blob.len())
    }
    async fn note(&self, number: u32) {
        self.asked.lock().expect("nobody panicked").push(number);
    }
    fn count(&self, up_to: u32) -> impl Stream<Item = Result<u32>> + Send {
        stream::iter((0..up_to).map(Ok))
    }
    async fn sum(&self, numbers: impl Stream<Item = u32> + Send) -> Result<u32> {
        Ok(numbers.fold(0, async |sum, number| sum + number).await)
    }
    fn call_back(&self, other: DeskClient) -> impl Stream<Item = Result<u32>> + Send {
        stream::once(async move {
            let mut first = other.wait();
            assert_eq!(poll_immediate(&mut first).await, None);
            other.ask(1).await
        })
    }
}

fn one_at_a_time() -> Limits {
    Limits::default().max_calls(1)
}

/// A server that takes one call at a time, and the one that it has.
async fn busy(
    transport: Transport,
    clerk: &Clerk,
    client: ChannelBuilder,
) -> TestResult<(Site, DeskClient, tokio::task::JoinHandle<Result<()>>)> {
    let site = transport
        .serve_to(clerk.server().limits(one_at_a_time()), client)
        .await?;
    let desk = DeskClient::new(site.channel.clone());
    // On a busy machine the calls behind it take longer than a call has by default.
    let first = tokio::spawn(desk.with_timeout(Duration::from_secs(3600)).wait());
    clerk.gate.entered().await;
    Ok((site, desk, first))
}

over_every_transport!(
    many_more_than_the_limit_all_succeed,
    they_have_their_turns_in_the_order_in_which_they_came,
    oneway_calls_and_streams_wait_as_well,
    a_call_that_is_dropped_gives_its_place_in_the_queue_to_another,
    an_error_says_whose_limit_it_is,
    blocking_clients_wait,
);

async fn many_more_than_the_limit_all_succeed(transport: Transport) -> TestResult {
    const CALLS: u32 = 5000;
    let clerk = Clerk::new();
    let site = transport.serve(clerk.server()).await?;
    let desk = DeskClient::new(site.channel.clone());
    let answers = join_all((0..CALLS).map(|number| desk.ask(number))).await;
    let answers = answers.into_iter().collect::<Result<Vec<_>>>()?;
    assert!(answers.into_iter().eq(0..CALLS));
    assert_eq!(clerk.asked().len(), CALLS as usize);
    Ok(())
}

async fn they_have_their_turns_in_the_order_in_which_they_came(transport: Transport) -> TestResult {
    const CALLS: u32 = 200;
    let clerk = Clerk::new();
    let (_site, desk, first) = busy(transport, &clerk, Channel::builder()).await?;
    let mut calls: Vec<_> = (0..CALLS).map(|number| desk.ask(number)).collect();
    for call in &mut calls {
        assert_eq!(poll_immediate(call).await, None);
    }
    assert_eq!(clerk.asked(), Vec::<u32>::new());
    clerk.gate.open(1);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await?, number as u32);
    }
    assert!(clerk.asked().into_iter().eq(0..CALLS));
    Ok(first.await??)
}

async fn oneway_calls_and_streams_wait_as_well(transport: Transport) -> TestResult {
    const BLOB: usize = 300_000;
    let clerk = Clerk::new();
    let (_site, desk, first) = busy(transport, &clerk, Channel::builder()).await?;
    let counted = tokio::spawn(desk.count(1000).collect::<Vec<_>>());
    let summed = tokio::spawn(desk.sum(stream::iter(1..=1000)));
    let sized = tokio::spawn(desk.sized(&vec![1; BLOB]));
    let mut note = desk.note(3);
    assert_eq!(poll_immediate(&mut note).await, None);
    assert_eq!(clerk.asked(), Vec::<u32>::new());
    let note = tokio::spawn(note);
    clerk.gate.open(1);
    first.await??;
    note.await??;
    assert!(counted.await?.into_iter().eq((0..1000).map(Ok)));
    assert_eq!((summed.await??, sized.await??), (500_500, BLOB));
    until(|| clerk.asked() == [3]).await;
    Ok(())
}

async fn a_call_that_is_dropped_gives_its_place_in_the_queue_to_another(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let client = Channel::builder().limits(Limits::default().max_waiting_calls(1));
    let (_site, desk, first) = busy(transport, &clerk, client).await?;
    for dropped in 0..1000 {
        // There is room for one of them, for the second where the first has to let the driver look before.
        let (refused, waits) = select(desk.ask(dropped), desk.ask(dropped)).await.factor_first();
        let parts = ["Desk.ask: ", "1 calls wait", "`max_waiting_calls`", "this side"];
        assert_fails(refused, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
        drop(waits);
    }
    let mut waits = Box::pin(desk.ask(7));
    assert_eq!(poll_immediate(&mut waits).await, None);
    clerk.gate.open(1);
    assert_eq!(waits.await?, 7);
    assert_eq!(clerk.asked(), [7]);
    Ok(first.await??)
}

async fn an_error_says_whose_limit_it_is(transport: Transport) -> TestResult {
    let none_waits = |limits: Limits| Channel::builder().limits(limits.max_waiting_calls(0));
    let (few, many) = (one_at_a_time(), Limits::default());
    for (theirs, own, whose) in [
        (&few, &many, "of the other side"),
        (&many, &few, "of this side"),
        (&few, &few, "of both sides"),
    ] {
        let clerk = Clerk::new();
        let client = none_waits(own.clone());
        let site = transport
            .serve_to(clerk.server().limits(theirs.clone()), client)
            .await?;
        let desk = DeskClient::new(site.channel.clone());
        let first = tokio::spawn(desk.wait());
        clerk.gate.entered().await;
        let parts = ["1 calls are in flight", "`max_calls`", whose, "`Limits::max_calls`"];
        assert_fails(desk.ask(1).await, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
        clerk.gate.open(1);
        first.await??;
        assert_eq!(desk.ask(2).await?, 2);
    }
    Ok(())
}

async fn blocking_clients_wait(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let (_site, desk, first) = busy(transport, &clerk, Channel::builder()).await?;
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let desk = DeskBlockingClient::new(desk.channel().clone());
            tokio::task::spawn_blocking(move || desk.ask(number))
        })
        .collect();
    clerk.gate.open(1);
    first.await??;
    for (number, caller) in callers.into_iter().enumerate() {
        assert_eq!(caller.await??, number as u32);
    }
    Ok(())
}

over_every_socket!(
    when_the_server_dies_they_did_not_run,
    when_the_server_shuts_down_they_did_not_run,
);

async fn when_the_server_dies_they_did_not_run(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let (mut site, desk, first) = busy(transport, &clerk, Channel::builder()).await?;
    let mut waits = desk.ask(1);
    assert_eq!(poll_immediate(&mut waits).await, None);
    site.stop_server();
    assert_fails(waits.await, Code::Unavailable, Outcome::NotExecuted, &["Desk.ask: "]);
    assert!(first.await?.is_err());
    assert_eq!(clerk.asked(), Vec::<u32>::new());
    Ok(())
}

async fn when_the_server_shuts_down_they_did_not_run(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let (site, desk, first) = busy(transport, &clerk, Channel::builder()).await?;
    let mut waits = desk.ask(1);
    assert_eq!(poll_immediate(&mut waits).await, None);
    let ((), waited) = tokio::join!(site.server().shutdown(Duration::from_secs(50)), async {
        let waited = waits.await;
        // The one that runs may finish.
        clerk.gate.open(1);
        waited
    });
    assert_fails(waited, Code::Unavailable, Outcome::NotExecuted, &["Desk.ask: "]);
    assert_eq!(first.await?, Ok(()));
    assert_eq!(clerk.asked(), Vec::<u32>::new());
    Ok(())
}

/// As any call does of which nothing has left.
#[tokio::test(start_paused = true)]
async fn they_go_to_the_next_connection() -> TestResult {
    let clerk = Clerk::new();
    let server = clerk
        .server()
        .limits(one_at_a_time())
        .listen("mem://waiting-calls")
        .await?;
    let network = Network::seeded(1).delay(1..3);
    let desk = DeskClient::new(network.connect(&server).await?);
    let first = tokio::spawn(desk.wait());
    clerk.gate.entered().await;
    let mut waits = desk.ask(1);
    assert_eq!(poll_immediate(&mut waits).await, None);
    network.cut();
    assert_eq!(waits.await?, 1);
    assert_fails(first.await?, Code::Unavailable, Outcome::Unknown, &["Desk.wait: "]);
    assert_eq!(clerk.asked(), [1]);
    Ok(())
}

/// What feeds a stream may be what the calls that it would wait for read.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_handler_does_not_wait_for_its_own_connection() -> TestResult {
    let (here, there) = (Clerk::new(), Clerk::new());
    let site = Transport::Loopback
        .serve_to(there.server(), Channel::builder().limits(one_at_a_time()))
        .await?;
    let desk = DeskClient::new(site.channel.clone());
    let mut calls = std::pin::pin!(desk.call_back(DeskClient::local(here.clone())));
    let second = calls.next().await.ok_or("an item")?;
    let parts = ["Desk.ask: ", "`max_calls`", "of the other side", "for ever"];
    assert_fails(second, Code::ResourceExhausted, Outcome::Executed, &parts);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_its_deadline() -> TestResult {
    let clerk = Clerk::new();
    let (_site, desk, first) = busy(Transport::Loopback, &clerk, Channel::builder()).await?;
    let hurried = desk.with_timeout(Duration::from_secs(5));
    let (behind, late) = (tokio::spawn(desk.ask(1)), hurried.ask(2));
    let began = tokio::time::Instant::now();
    let parts = ["Desk.ask: ", "within 5s", "1 calls are in flight", "`max_calls`"];
    assert_fails(late.await, Code::DeadlineExceeded, Outcome::NotExecuted, &parts);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    clerk.gate.open(1);
    assert_eq!(behind.await??, 1);
    assert_eq!(clerk.asked(), [1]);
    Ok(first.await??)
}

/// What a call has waited counts against what it was allowed.
#[tokio::test(start_paused = true)]
async fn the_handler_has_what_is_left() -> TestResult {
    let clerk = Clerk::new();
    let (_site, desk, first) = busy(Transport::Loopback, &clerk, Channel::builder()).await?;
    let hurried = desk.with_timeout(Duration::from_secs(5));
    let second = tokio::spawn(hurried.wait());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let began = tokio::time::Instant::now();
    clerk.gate.open(1);
    first.await??;
    clerk.gate.entered().await;
    let parts = ["Desk.wait: ", "no answer within 5s"];
    assert_fails(second.await?, Code::DeadlineExceeded, Outcome::Unknown, &parts);
    clerk.gate.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    Ok(())
}
