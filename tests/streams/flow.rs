//! Streams go at the pace of their readers: a slow one stops its own producer and nothing else, and memory stays
//! bounded.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use farcall::{Channel, Limits, Server, client::ChannelBuilder, stream::Stream, testing::Network};
use farcall_tests::{TestResult, Transport, over_every_transport, scaled, until};
use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use tokio::{sync::Semaphore, time::Instant};

over_every_transport!(
    a_slow_reader_stops_its_producer_and_nothing_else,
    a_slow_handler_stops_the_stream_that_it_takes,
    a_window_is_as_large_as_the_reader_says,
    a_window_grows_for_a_fast_reader_up_to_its_cap,
    an_item_longer_than_the_window_passes,
    many_streams_that_nobody_reads_hold_little,
    a_long_stream_leaves_room_for_small_calls,
    ten_thousand_open_streams_that_carry_nothing,
);

/// The window where a test sets one, which does not grow then.
const WINDOW: usize = 64 << 10;
/// What a sender has ready beyond its credit: what waits to leave, and the items that are put together next.
const AHEAD: usize = 64 << 10;
const ENDLESS: u64 = u64::MAX;

#[farcall::service]
trait Flow {
    async fn add(&self, a: u64, b: u64) -> farcall::Result<u64>;
    /// Items of `size` bytes that begin with their number.
    fn produce(&self, id: u64, count: u64, size: usize) -> impl Stream<Item = Vec<u8>>;
    /// Takes one item for each that the test lets it take, and says how many came.
    async fn consume(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64>;
    /// Open before it is returned; one item when the test says so.
    async fn wait(&self) -> farcall::Result<impl Stream<Item = u64>>;
}

/// What the test sees of the handlers, and how it lets them go on. Clones are one.
#[derive(Clone)]
struct Plant(Arc<Shared>);

struct Shared {
    /// How many items each stream has made.
    made: Mutex<HashMap<u64, u64>>,
    may_take: Semaphore,
    may_speak: Semaphore,
}

impl Plant {
    fn new() -> Self {
        Self(Arc::new(Shared {
            made: Mutex::default(),
            may_take: Semaphore::new(0),
            may_speak: Semaphore::new(0),
        }))
    }

    fn server(&self, limits: Limits) -> Server {
        Server::new().service(FlowServer::new(self.clone())).limits(limits)
    }

    fn made(&self, id: u64) -> u64 {
        let made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(&id).copied().unwrap_or_default()
    }

    fn make(&self, id: u64) {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        *made.entry(id).or_default() += 1;
    }
}

/// An item of `size` bytes with this number.
fn item(number: u64, size: usize) -> Vec<u8> {
    let mut item = vec![7; size.max(8)];
    item[..8].copy_from_slice(&number.to_le_bytes());
    item
}

fn number(item: &[u8]) -> u64 {
    u64::from_le_bytes(*item.first_chunk().expect("an item begins with its number"))
}

impl Flow for Plant {
    async fn add(&self, a: u64, b: u64) -> farcall::Result<u64> {
        Ok(a + b)
    }

    fn produce(&self, id: u64, count: u64, size: usize) -> impl Stream<Item = Vec<u8>> {
        stream::iter(0..count).map(move |number| {
            self.make(id);
            item(number, size)
        })
    }

    async fn consume(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64> {
        let mut items = std::pin::pin!(items);
        let mut count = 0;
        loop {
            take(&self.0.may_take).await;
            match items.try_next().await? {
                Some(item) => assert_eq!(number(&item), count),
                None => return Ok(count),
            }
            count += 1;
        }
    }

    async fn wait(&self) -> farcall::Result<impl Stream<Item = u64>> {
        Ok(stream::once(async {
            take(&self.0.may_speak).await;
            7
        }))
    }
}

async fn take(permits: &Semaphore) {
    permits.acquire().await.expect("never closed").forget();
}

/// Windows of `first` bytes that grow to `most`.
fn windows(first: usize, most: usize) -> Limits {
    Limits::default().stream_window(first).max_stream_window(most)
}

fn fixed() -> Limits {
    windows(WINDOW, WINDOW)
}

fn options(limits: Limits) -> ChannelBuilder {
    Channel::builder().no_timeout().limits(limits)
}

/// The next items of `items`, which are those from number `from`.
async fn read(items: &mut (impl Stream<Item = farcall::Result<Vec<u8>>> + Unpin), from: u64, count: u64) -> TestResult {
    for expected in from..from + count {
        let item = items.next().await.ok_or("the stream ended early")??;
        assert_eq!(number(&item), expected);
    }
    Ok(())
}

/// Calls, and a whole stream: they go on, no matter what another stream does.
async fn others_go_on(client: &FlowClient, id: u64) -> TestResult {
    const COUNT: u64 = 500;
    let mut items = client.produce(id, COUNT, 1000);
    read(&mut items, 0, COUNT).await?;
    assert!(items.next().await.is_none());
    for a in 0..50 {
        assert_eq!(client.add(a, 1).await?, a + 1);
    }
    Ok(())
}

async fn a_slow_reader_stops_its_producer_and_nothing_else(transport: Transport) -> TestResult {
    for size in [100, 2000, 20_000] {
        let plant = Plant::new();
        let site = transport.serve_to(plant.server(fixed()), options(fixed())).await?;
        let client = FlowClient::new(site.channel.clone());
        let mut slow = client.produce(0, ENDLESS, size);
        let mut taken = 0;
        for round in 1..=5 {
            let count = 20 * round;
            read(&mut slow, taken, count).await?;
            taken += count;
            others_go_on(&client, round).await?;
            let ahead = (plant.made(0) - taken) as usize * size;
            assert!(
                ahead <= WINDOW + AHEAD + 2 * size,
                "{ahead} bytes ahead in items of {size}"
            );
        }
    }
    Ok(())
}

async fn a_slow_handler_stops_the_stream_that_it_takes(transport: Transport) -> TestResult {
    const SIZE: usize = 2000;
    const COUNT: u64 = 1000;
    let plant = Plant::new();
    let site = transport.serve_to(plant.server(fixed()), options(fixed())).await?;
    let client = FlowClient::new(site.channel.clone());
    let made = plant.clone();
    let items = stream::iter(0..COUNT).map(move |number| {
        made.make(0);
        Ok(item(number, SIZE))
    });
    let call = tokio::spawn(client.consume(items));
    for taken in [1, 100, 500] {
        plant.0.may_take.add_permits(taken - taken_before(taken));
        until(|| plant.0.may_take.available_permits() == 0).await;
        others_go_on(&client, taken as u64).await?;
        let ahead = (plant.made(0) as usize).saturating_sub(taken) * SIZE;
        assert!(ahead <= WINDOW + AHEAD + 2 * SIZE, "{ahead} bytes ahead");
    }
    assert!(!call.is_finished());
    plant.0.may_take.add_permits(COUNT as usize);
    assert_eq!(call.await??, COUNT);
    Ok(())
}

/// How many the steps before this one let the handler take.
fn taken_before(taken: usize) -> usize {
    [0, 1, 100].into_iter().rfind(|before| *before < taken).unwrap_or(0)
}

async fn a_window_is_as_large_as_the_reader_says(transport: Transport) -> TestResult {
    const SIZE: usize = 1000;
    for window in [16 << 10, 256 << 10, 1 << 20] {
        let plant = Plant::new();
        let limits = windows(window, window);
        // The server's own window is for what it receives.
        let site = transport.serve_to(plant.server(fixed()), options(limits)).await?;
        let client = FlowClient::new(site.channel.clone());
        let mut unread = client.produce(0, ENDLESS, SIZE);
        read(&mut unread, 0, 1).await?;
        until(|| plant.made(0) as usize * SIZE >= window - window / 8).await;
        others_go_on(&client, 1).await?;
        let ahead = (plant.made(0) - 1) as usize * SIZE;
        assert!(ahead <= window + AHEAD + 2 * SIZE, "{ahead} bytes ahead with {window}");
    }
    Ok(())
}

async fn a_window_grows_for_a_fast_reader_up_to_its_cap(transport: Transport) -> TestResult {
    const SIZE: usize = 1000;
    const MOST: usize = 1 << 20;
    let plant = Plant::new();
    let limits = windows(16 << 10, MOST);
    let site = transport
        .serve_to(plant.server(limits.clone()), options(limits))
        .await?;
    let client = FlowClient::new(site.channel.clone());
    let mut items = client.produce(0, ENDLESS, SIZE);
    let mut taken = 0;
    // However far it was ahead, it stops when its stream is not read.
    while ((plant.made(0) - taken) as usize) * SIZE < MOST - MOST / 8 {
        read(&mut items, taken, 1).await?;
        taken += 1;
    }
    others_go_on(&client, 1).await?;
    let ahead = (plant.made(0) - taken) as usize * SIZE;
    assert!(ahead <= MOST + AHEAD + 2 * SIZE, "{ahead} bytes ahead");
    Ok(())
}

async fn an_item_longer_than_the_window_passes(transport: Transport) -> TestResult {
    let plant = Plant::new();
    let limits = windows(16 << 10, 16 << 10);
    let site = transport
        .serve_to(plant.server(limits.clone()), options(limits))
        .await?;
    let client = FlowClient::new(site.channel.clone());
    let mut items = client.produce(0, 20, 300_000);
    read(&mut items, 0, 20).await?;
    assert!(items.next().await.is_none());
    Ok(())
}

async fn many_streams_that_nobody_reads_hold_little(transport: Transport) -> TestResult {
    const STREAMS: u64 = 200;
    const SIZE: usize = 1000;
    const WINDOW: usize = 16 << 10;
    let plant = Plant::new();
    let limits = windows(WINDOW, 16 << 20);
    let site = transport
        .serve_to(plant.server(limits.clone()), options(limits))
        .await?;
    let client = FlowClient::new(site.channel.clone());
    let mut unread: Vec<_> = (1..=STREAMS).map(|id| client.produce(id, ENDLESS, SIZE)).collect();
    for items in &mut unread {
        read(items, 0, 1).await?;
    }
    others_go_on(&client, 0).await?;
    let ahead = (1..=STREAMS).map(|id| plant.made(id) as usize * SIZE).max();
    // Read once at most, none of them has a reason to grow.
    assert!(ahead <= Some(2 * WINDOW + AHEAD + 2 * SIZE), "{ahead:?} bytes ahead");
    Ok(())
}

async fn a_long_stream_leaves_room_for_small_calls(transport: Transport) -> TestResult {
    const SIZE: usize = 64 << 10;
    let count = (scaled(32 << 20, 1 << 30) / SIZE) as u64;
    let plant = Plant::new();
    let site = transport
        .serve_to(plant.server(Limits::default()), options(Limits::default()))
        .await?;
    let client = FlowClient::new(site.channel.clone());
    let mut items = client.produce(0, count, SIZE);
    for from in (0..count).step_by(16) {
        read(&mut items, from, 16).await?;
        // What is on its way of the stream is not read while the call goes there and back.
        assert_eq!(client.add(from, 1).await?, from + 1);
    }
    assert!(items.next().await.is_none());
    assert_eq!(plant.made(0), count);
    Ok(())
}

async fn ten_thousand_open_streams_that_carry_nothing(transport: Transport) -> TestResult {
    const STREAMS: usize = 10_000;
    let plant = Plant::new();
    let limits = Limits::default().max_streams(STREAMS);
    let site = transport
        .serve_to(plant.server(limits.clone()), options(limits))
        .await?;
    let client = FlowClient::new(site.channel.clone());
    let mut open = Vec::new();
    while open.len() < STREAMS {
        let calls = (0..500).map(|_| client.wait());
        for items in join_all(calls).await {
            open.push(items?);
        }
    }
    others_do_not_fit(&client).await?;
    plant.0.may_speak.add_permits(STREAMS);
    for items in open {
        let items: Vec<u64> = items.try_collect().await?;
        assert_eq!(items, [7]);
    }
    others_go_on(&client, 1).await
}

/// One more is refused and takes nothing along.
async fn others_do_not_fit(client: &FlowClient) -> TestResult {
    let refused = client.wait().await.map(drop).expect_err("there are too many");
    assert_eq!(refused.code(), farcall::Code::ResourceExhausted, "{refused}");
    assert_eq!(client.add(1, 2).await?, 3);
    Ok(())
}

/// Where time is the network's: what a call waits for is what the line holds, and not the stream.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_a_long_stream() -> TestResult {
    const LENGTH: u64 = 64 << 20;
    const SIZE: usize = 64 << 10;
    const COUNT: u64 = LENGTH / SIZE as u64;
    let plant = Plant::new();
    let server = plant
        .server(Limits::default())
        .listen("mem://call-beside-stream")
        .await?;
    let network = Network::seeded(1).delay(1..2).bandwidth(10 << 20);
    let client = FlowClient::new(network.channel(&server, options(Limits::default())));
    let mut items = client.produce(0, COUNT, SIZE);
    let reading = async {
        read(&mut items, 0, COUNT).await?;
        Ok::<_, Box<dyn std::error::Error>>(Instant::now())
    };
    let calling = async {
        let mut slowest = Duration::ZERO;
        for round in 0..30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let start = Instant::now();
            assert_eq!(client.add(round, 1).await?, round + 1);
            slowest = slowest.max(start.elapsed());
        }
        Ok::<_, farcall::Error>((slowest, Instant::now()))
    };
    let (read, called) = tokio::join!(reading, calling);
    let (slowest, last_call) = called?;
    assert!(last_call < read?, "the calls were made beside the stream");
    // The stream takes more than six seconds; what the line holds takes a fortieth of one.
    assert!(slowest < Duration::from_millis(100), "{slowest:?}");
    Ok(())
}
