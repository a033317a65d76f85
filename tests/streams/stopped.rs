//! A stream that its reader stopped is over for both sides, even if its sender has nothing more to send:
//! it takes no place among the streams of its connection, and the connection becomes idle.

use std::{sync::Arc, time::Duration};

use farcall::{
    Channel, ChannelState, Limits, Result, Server,
    channel::{Receiver, Sender, channel, watch},
    stream::Stream,
};
use farcall_tests::{Gate, Site, TestResult, Transport, until};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

/// More than anything that might be tidied up now and then.
const ROUNDS: usize = 40;

#[farcall::service]
trait Quiet {
    /// One item, and then nothing for ever.
    fn numbers(&self) -> impl Stream<Item = u32> + Send;
    /// The same behind an answer that had to be waited for.
    async fn later(&self) -> Result<impl Stream<Item = u32> + Send>;
    /// The same, of items that another task makes.
    fn handed_on(&self) -> impl Stream<Item = Result<u32>> + Send;
    /// A value that does not change.
    async fn value(&self) -> Result<watch::Receiver<u32>>;
    /// So many followers of the value.
    fn values(&self, count: usize) -> impl Stream<Item = watch::Receiver<u32>> + Send;
    /// Takes one number, leaves the others, and goes on.
    async fn first(&self, numbers: impl Stream<Item = u32> + Send) -> Result<()>;
    async fn ping(&self) -> Result<()>;
}

#[derive(Clone)]
struct Source {
    /// Where the streams wait for ever.
    gate: Gate,
    /// Where the method waits that has enough of its argument.
    enough: Gate,
    value: Arc<watch::Sender<u32>>,
    /// Senders whose streams were handed on.
    senders: Arc<std::sync::Mutex<Vec<Sender<u32>>>>,
}

impl Source {
    fn new() -> Self {
        Self {
            gate: Gate::new(),
            enough: Gate::new(),
            value: Arc::new(watch::channel(7).0),
            senders: Arc::default(),
        }
    }

    fn server(&self) -> Server {
        Server::new().service(QuietServer::new(self.clone()))
    }

    fn one_and_no_more(&self) -> impl Stream<Item = u32> + Send + use<> {
        let gate = self.gate.clone();
        let never = async move {
            gate.pass().await;
            stream::empty()
        };
        stream::iter([1]).chain(never.flatten_stream())
    }

    /// Waits until the value has no receiver any more.
    async fn unwatched(&self) {
        until(|| self.value.receiver_count() == 0).await;
    }
}

impl Quiet for Source {
    fn numbers(&self) -> impl Stream<Item = u32> + Send {
        self.one_and_no_more()
    }

    async fn later(&self) -> Result<impl Stream<Item = u32> + Send> {
        tokio::task::yield_now().await;
        Ok(self.one_and_no_more())
    }

    fn handed_on(&self) -> impl Stream<Item = Result<u32>> + Send {
        let (sender, receiver) = channel();
        let senders = Arc::clone(&self.senders);
        stream::once(async move {
            sender.send(1).await?;
            senders.lock().expect("not poisoned").push(sender);
            Ok(receiver)
        })
        .flat_map(|receiver: Result<Receiver<u32>>| receiver.expect("there is room for one"))
    }

    async fn value(&self) -> Result<watch::Receiver<u32>> {
        Ok(self.value.subscribe())
    }

    fn values(&self, count: usize) -> impl Stream<Item = watch::Receiver<u32>> + Send {
        stream::iter((0..count).map(|_| self.value.subscribe()))
    }

    async fn first(&self, numbers: impl Stream<Item = u32> + Send) -> Result<()> {
        {
            let mut numbers = std::pin::pin!(numbers);
            assert_eq!(numbers.next().await, Some(1));
        }
        self.enough.pass().await;
        Ok(())
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

const EVERY_TRANSPORT: [Transport; 4] = [Transport::Tcp, Transport::Udp, Transport::Unix, Transport::Loopback];

/// Either side may open so many streams. All tasks are in one thread: who is told that something was dropped runs after
/// the code that dropped it has ended the stream.
async fn site(transport: Transport, max_streams: usize) -> Result<(Source, QuietClient, Site)> {
    let source = Source::new();
    let limits = Limits::default().max_streams(max_streams);
    let server = source.server().limits(limits.clone());
    let site = transport.serve_to(server, Channel::builder().limits(limits)).await?;
    let client = QuietClient::new(site.channel.clone());
    Ok((source, client, site))
}

#[tokio::test]
async fn a_result_whose_producer_waits() -> TestResult {
    for transport in EVERY_TRANSPORT {
        let (source, client, _site) = site(transport, 1).await?;
        for _ in 0..ROUNDS {
            let mut numbers = Box::pin(client.numbers());
            assert_eq!(numbers.next().await, Some(Ok(1)));
            source.gate.entered().await;
            drop(numbers);
            source.gate.stopped().await;
            client.ping().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_result_behind_an_answer() -> TestResult {
    for transport in EVERY_TRANSPORT {
        let (source, client, _site) = site(transport, 1).await?;
        for _ in 0..ROUNDS {
            let mut numbers = Box::pin(client.later().await?);
            assert_eq!(numbers.next().await, Some(Ok(1)));
            source.gate.entered().await;
            drop(numbers);
            source.gate.stopped().await;
            client.ping().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_channel_handed_on() -> TestResult {
    for transport in EVERY_TRANSPORT {
        let (source, client, _site) = site(transport, 1).await?;
        for round in 0..ROUNDS {
            let mut numbers = Box::pin(client.handed_on());
            assert_eq!(numbers.next().await, Some(Ok(1)));
            drop(numbers);
            let closed =
                |senders: &Vec<Sender<u32>>| senders.len() == round + 1 && senders.iter().all(Sender::is_closed);
            until(|| closed(&source.senders.lock().expect("not poisoned"))).await;
            client.ping().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_value_that_does_not_change() -> TestResult {
    for transport in EVERY_TRANSPORT {
        let (_source, client, _site) = site(transport, 1).await?;
        for _ in 0..ROUNDS {
            let value = client.value().await?;
            assert_eq!(*value.latest(), 7);
            drop(value);
            client.ping().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_argument_whose_producer_waits() -> TestResult {
    for transport in EVERY_TRANSPORT {
        let (source, client, _site) = site(transport, 1).await?;
        let here = Source::new();
        let mut calls = Vec::new();
        for _ in 0..ROUNDS {
            calls.push(tokio::spawn(client.first(here.one_and_no_more())));
            source.enough.entered().await;
            here.gate.entered().await;
            here.gate.stopped().await;
            client.ping().await?;
        }
        source.enough.open(ROUNDS);
        for call in calls {
            call.await??;
        }
    }
    Ok(())
}

/// The readers of many streams of one connection stop, some of them while others are told of a new value.
#[tokio::test]
async fn of_many_that_stop_none_is_left() -> TestResult {
    const MANY: usize = 100;
    let (source, client, _site) = site(Transport::Loopback, MANY + 1).await?;
    let following: Vec<_> = client.values(MANY).try_collect().await?;
    for (round, stops) in following.into_iter().enumerate() {
        if round % 3 == 0 {
            source.value.send(8);
        }
        drop(stops);
    }
    source.unwatched().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_streams_were_stopped_becomes_idle() -> TestResult {
    const IDLE: Duration = Duration::from_secs(60);
    let source = Source::new();
    let server = source.server().limits(Limits::default().idle_timeout(IDLE));
    let server = server.listen("mem://stopped-streams-idle").await?;
    let channel = Channel::connect(server.local_addr()).await?;
    let client = QuietClient::new(channel.clone());
    let value = client.value().await?;
    tokio::time::sleep(3 * IDLE).await;
    assert_eq!(channel.state(), ChannelState::Ready, "somebody follows the value");
    drop(value);
    tokio::time::sleep(3 * IDLE).await;
    assert_eq!(channel.state(), ChannelState::Idle);
    Ok(())
}
