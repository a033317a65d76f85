//! Streams, channels and callbacks over a network that loses, repeats and reorders datagrams: every item comes once and
//! in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Error, Result, RunningServer, Server,
    channel::{Receiver, Sender, channel},
    stream::Stream,
};
use farcall_tests::{
    TestResult,
    ledger::{body, socket},
    relay::{Conditions, Relay, To},
    scaled,
};
use futures::{StreamExt, TryStreamExt, stream};

const DEADLINE: Duration = Duration::from_secs(30);
/// Now and then an item is longer than a datagram, and than a window.
const LENGTHS: [usize; 7] = [0, 1, 10, 100, 100, 3000, 70_000];

#[farcall::service]
trait Shapes {
    /// Sends back what comes.
    async fn echo(&self, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<impl Stream<Item = Result<Vec<u8>>>>;
    async fn squares(&self, numbers: Receiver<u64>, squares: Sender<u64>) -> Result<()>;
    /// So many channels, each with its number in it as often.
    async fn nested(&self, count: u64) -> Result<Receiver<Receiver<u64>>>;
    /// Has the counter count so often.
    async fn call_back(&self, counter: CounterClient, times: u64) -> Result<u64>;
    async fn counter(&self) -> Result<CounterClient>;
}

#[farcall::service]
trait Counter {
    /// 1, 2, 3 and so on.
    async fn next(&self) -> Result<u64>;
}

struct There;

impl Shapes for There {
    async fn echo(&self, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<impl Stream<Item = Result<Vec<u8>>>> {
        Ok(items)
    }

    async fn squares(&self, mut numbers: Receiver<u64>, squares: Sender<u64>) -> Result<()> {
        while let Some(number) = numbers.recv().await {
            let number = number?;
            squares.send(number * number).await?;
        }
        squares.finish();
        Ok(())
    }

    async fn nested(&self, count: u64) -> Result<Receiver<Receiver<u64>>> {
        let (sender, receiver) = channel();
        tokio::spawn(async move {
            for number in 0..count {
                let (inner, numbers) = channel();
                sender.send(numbers).await?;
                for _ in 0..number {
                    inner.send(number).await?;
                }
                inner.finish();
            }
            sender.finish();
            Ok::<_, Error>(())
        });
        Ok(receiver)
    }

    async fn call_back(&self, counter: CounterClient, times: u64) -> Result<u64> {
        count(&counter, times).await
    }

    async fn counter(&self) -> Result<CounterClient> {
        Ok(CounterClient::local(Step::default()))
    }
}

/// A counter. Clones are one.
#[derive(Clone, Default)]
struct Step(Arc<AtomicU64>);

impl Counter for Step {
    async fn next(&self) -> Result<u64> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Counts to `times`; says how often it was as it should be.
async fn count(counter: &CounterClient, times: u64) -> Result<u64> {
    for expected in 1..=times {
        assert_eq!(counter.next().await?, expected, "each call runs once, in order");
    }
    Ok(times)
}

fn item(number: u64) -> Vec<u8> {
    body(number, LENGTHS[number as usize % LENGTHS.len()])
}

/// A server behind one hop of a bad network.
struct Site {
    relay: Relay,
    _server: RunningServer,
    client: ShapesClient,
}

impl Site {
    async fn new(seed: u64) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let server = Server::new().service(ShapesServer::new(There));
        let server = server.listen("udp://127.0.0.1:0").await?;
        let relay = Relay::start(socket(&server.local_addr()), seed)?;
        relay.set_both(Conditions {
            loss: 0.1,
            duplicate: 0.1,
            reorder: 0.1,
            jitter: Duration::from_millis(5),
            flip: 0.0,
        });
        let channel = Channel::builder().connect(relay.url()).await?;
        Ok(Self {
            relay,
            _server: server,
            client: ShapesClient::new(channel).with_timeout(DEADLINE),
        })
    }

    fn assert_was_bad(&self) {
        for to in [To::Server, To::Client] {
            let traffic = self.relay.traffic(to);
            assert!(
                traffic.dropped > 0 && traffic.delayed > 0,
                "the network was good: {traffic:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_each_way() -> TestResult {
    let site = Site::new(1).await?;
    let count = scaled(150, 5000);
    let echoed = site
        .client
        .echo(stream::iter((0..count).map(|number| Ok(item(number)))))
        .await?;
    let mut echoed = std::pin::pin!(echoed.enumerate());
    let mut came = 0;
    while let Some((number, echo)) = echoed.next().await {
        assert!(echo? == item(number as u64), "item {number} is not what was sent");
        came += 1;
    }
    assert_eq!(came, count);
    site.assert_was_bad();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_as_values() -> TestResult {
    let site = Site::new(2).await?;
    let count = scaled(2000, 100_000);
    let (numbers, received) = channel();
    let (sender, squares) = channel();
    let feed = tokio::spawn(async move {
        for number in 0..count {
            numbers.send(number).await?;
        }
        numbers.finish();
        Ok::<_, Error>(())
    });
    let (called, squares) = tokio::join!(site.client.squares(received, sender), squares.try_collect::<Vec<_>>());
    called?;
    feed.await??;
    assert!(squares?.into_iter().eq((0..count).map(|number| number * number)));

    let mut nested = site.client.nested(40).await?;
    for number in 0..40 {
        let numbers = nested.recv().await.ok_or("the stream ended early")??;
        let numbers: Vec<_> = numbers.try_collect().await?;
        assert_eq!(numbers, vec![number; number as usize]);
    }
    assert!(nested.recv().await.is_none());
    site.assert_was_bad();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks() -> TestResult {
    let site = Site::new(3).await?;
    let times = scaled(60, 2000);
    let mine = Step::default();
    let counted = site.client.call_back(CounterClient::local(mine.clone()), times).await?;
    assert_eq!((counted, mine.0.load(Ordering::Relaxed)), (times, times));
    let theirs = site.client.counter().await?;
    count(&theirs, times).await?;
    // The same object from another side: it comes back to where it is.
    assert_eq!(site.client.call_back(theirs.clone(), 0).await?, 0);
    assert_eq!(theirs.next().await?, times + 1);
    site.assert_was_bad();
    Ok(())
}
