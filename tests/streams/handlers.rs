//! A handler whose result is a stream goes on after its answer: in its call's context, as one of the calls that run,
//! and no longer than its stream is read.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task,
    time::Duration,
};

use farcall::{Channel, Code, Context, Limits, Result, Server, stream::Stream};
use farcall_tests::{TestResult, Transport, over_every_socket, over_every_transport, until, wrap};
use futures::{FutureExt, StreamExt, future::try_join_all, stream};
use tokio::sync::watch;
use tower_service::Service;

#[farcall::service]
trait Feed {
    /// `count` numbers.
    fn count(&self, count: u32) -> impl Stream<Item = Result<u32>>;
    /// One number, and then none for ever.
    fn stay(&self) -> impl Stream<Item = u32>;
    /// A number, and what comes then is no number.
    fn burst(&self) -> impl Stream<Item = Result<u32>>;
    /// What the stream knows of its call.
    fn context(&self) -> impl Stream<Item = Result<Option<String>>>;
    /// The sum of the numbers that `other` counts to.
    async fn sum(&self, other: FeedClient, count: u32) -> Result<u32>;
    /// Takes one number of `other`'s and leaves the rest.
    async fn doze(&self, other: FeedClient) -> Result<()>;
}

/// How many streams there are.
#[derive(Clone)]
struct Source(Arc<watch::Sender<u32>>);

struct Open(Source);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}

impl Source {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    fn open(&self) -> Open {
        self.0.send_modify(|open| *open += 1);
        Open(self.clone())
    }

    async fn left(&self, expected: u32) -> TestResult {
        let mut open = self.0.subscribe();
        tokio::time::timeout(Duration::from_secs(5), open.wait_for(|open| *open == expected)).await??;
        Ok(())
    }

    fn server(&self) -> Server {
        Server::new().service(FeedServer::new(self.clone()))
    }
}

/// Asks at each item who calls.
struct Asking(u32);

impl Stream for Asking {
    type Item = Result<Option<String>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Option<Self::Item>> {
        self.0 += 1;
        if self.0.is_multiple_of(2) {
            cx.waker().wake_by_ref();
            return task::Poll::Pending;
        }
        let tenant = Context::current().metadata().value("tenant").map(str::to_owned);
        task::Poll::Ready((self.0 < 6).then_some(Ok(tenant)))
    }
}

impl Feed for Source {
    fn count(&self, count: u32) -> impl Stream<Item = Result<u32>> {
        let open = self.open();
        stream::iter(0..count).map(move |number| {
            let _open = &open;
            Ok(number)
        })
    }

    fn stay(&self) -> impl Stream<Item = u32> {
        let open = self.open();
        stream::iter([7]).chain(stream::pending()).inspect(move |_| {
            let _open = &open;
        })
    }

    fn burst(&self) -> impl Stream<Item = Result<u32>> {
        let open = self.open();
        stream::iter(0..2).map(move |number| {
            let _open = &open;
            assert!(number < 1, "in a stream");
            Ok(number)
        })
    }

    fn context(&self) -> impl Stream<Item = Result<Option<String>>> {
        Asking(0)
    }

    async fn sum(&self, other: FeedClient, count: u32) -> Result<u32> {
        let mut numbers = other.count(count);
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    async fn doze(&self, other: FeedClient) -> Result<()> {
        let mut numbers = other.count(1_000_000);
        assert_eq!(numbers.next().await.transpose()?, Some(0));
        let _open = self.open();
        std::future::pending().await
    }
}

over_every_transport!(
    a_stream_takes_no_call,
    a_stream_ends_with_its_receiver,
    a_panic_breaks_its_own_stream,
    a_stream_knows_its_call,
    streams_pass_through_layers,
    either_side_streams,
    full_windows_hold_up_no_calls,
);

over_every_socket!(
    a_stream_counts_as_a_call_that_runs,
    a_stream_ends_with_its_connection,
    shutdown_waits_for_streams_and_then_cuts_them,
);

async fn a_stream_takes_no_call(transport: Transport) -> TestResult {
    const STREAMS: usize = 20;
    let source = Source::new();
    let site = transport
        .serve(source.server().limits(Limits::default().max_calls(2)))
        .await?;
    let feed = FeedClient::new(site.channel.clone());
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = feed.stay();
        assert_eq!(stream.next().await.transpose()?, Some(7));
        streams.push(stream);
    }
    source.left(STREAMS as u32).await?;
    let counted: Vec<_> = feed.count(1000).collect().await;
    assert_eq!(counted.len(), 1000);
    drop(streams);
    source.left(0).await
}

async fn a_stream_ends_with_its_receiver(transport: Transport) -> TestResult {
    let source = Source::new();
    let site = transport.serve(source.server()).await?;
    let feed = FeedClient::new(site.channel.clone());
    let mut stream = feed.stay();
    assert_eq!(stream.next().await.transpose()?, Some(7));
    source.left(1).await?;
    drop(stream);
    source.left(0).await?;
    let mut numbers = feed.count(1_000_000);
    assert_eq!(numbers.next().await.transpose()?, Some(0));
    drop(numbers);
    source.left(0).await
}

async fn a_panic_breaks_its_own_stream(transport: Transport) -> TestResult {
    let source = Source::new();
    let site = transport.serve(source.server()).await?;
    let feed = FeedClient::new(site.channel.clone());
    let items: Vec<_> = feed.burst().collect().await;
    let (broken, well) = items.split_last().expect("an error, at least");
    assert!(well.iter().all(Result::is_ok), "{items:?}");
    let error = broken.as_ref().expect_err("it did not end well");
    assert!(matches!(error.code(), Code::Aborted | Code::Internal), "{error}");
    source.left(0).await?;
    assert_eq!(feed.count(3).count().await, 3);
    Ok(())
}

async fn a_stream_knows_its_call(transport: Transport) -> TestResult {
    let site = transport.serve(Source::new().server()).await?;
    let feed = FeedClient::new(site.channel.clone()).with_metadata("tenant", "eu");
    let seen: Vec<_> = feed.context().map(|tenant| tenant.ok().flatten()).collect().await;
    assert_eq!(seen, vec![Some("eu".to_owned()); 3]);
    Ok(())
}

async fn streams_pass_through_layers(transport: Transport) -> TestResult {
    let calls = Arc::new(AtomicU32::new(0));
    let layer = || {
        let calls = Arc::clone(&calls);
        wrap(move |mut request, mut next| {
            calls.fetch_add(1, Ordering::Relaxed);
            let appended = request.metadata.append("tenant", "layer");
            let answer = next.call(request);
            async move {
                appended?;
                answer.await
            }
        })
    };
    let source = Source::new();
    let options = Channel::builder().layer(layer());
    let site = transport.serve_to(source.server().layer(layer()), options).await?;
    let feed = FeedClient::new(site.channel.clone());
    assert_eq!(feed.count(1000).count().await, 1000);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    // What a layer made of the metadata is what the stream sees.
    let seen: Vec<_> = feed.context().map(|tenant| tenant.ok().flatten()).collect().await;
    assert_eq!(seen, vec![Some("layer".to_owned()); 3]);
    source.left(0).await
}

async fn either_side_streams(transport: Transport) -> TestResult {
    let (here, there) = (Source::new(), Source::new());
    let site = transport.serve(there.server()).await?;
    let feed = FeedClient::new(site.channel.clone());
    let mine = FeedClient::local(here.clone());
    let sums = try_join_all((0..20).map(|_| feed.sum(mine.clone(), 1000))).await?;
    assert_eq!(sums, vec![499_500; 20]);
    here.left(0).await?;
    // And without a network.
    assert_eq!(mine.sum(mine.clone(), 100).await?, 4950);
    let mut stay = mine.stay();
    assert_eq!(stay.next().await.transpose()?, Some(7));
    assert!(stay.next().now_or_never().is_none());
    here.left(1).await?;
    drop(stay);
    here.left(0).await
}

/// Both sides have streams that are not read, as full as they get, and go on calling each other.
async fn full_windows_hold_up_no_calls(transport: Transport) -> TestResult {
    const STREAMS: u32 = 8;
    let (here, there) = (Source::new(), Source::new());
    let site = transport.serve(there.server()).await?;
    let feed = FeedClient::new(site.channel.clone());
    let mine = FeedClient::local(here.clone());
    let mut unread: Vec<_> = (0..STREAMS).map(|_| feed.count(1_000_000)).collect();
    for numbers in &mut unread {
        assert_eq!(numbers.next().await.transpose()?, Some(0));
    }
    let dozing: Vec<_> = (0..STREAMS).map(|_| tokio::spawn(feed.doze(mine.clone()))).collect();
    here.left(STREAMS).await?;
    there.left(2 * STREAMS).await?;
    let sums = try_join_all((0..20).map(|_| feed.sum(mine.clone(), 1000))).await?;
    assert_eq!(sums, vec![499_500; 20]);
    drop(unread);
    dozing.iter().for_each(tokio::task::JoinHandle::abort);
    here.left(0).await?;
    there.left(0).await
}

async fn a_stream_counts_as_a_call_that_runs(transport: Transport) -> TestResult {
    let source = Source::new();
    let limits = Limits::default().max_server_calls(3);
    let site = transport.serve(source.server().limits(limits)).await?;
    let feed = FeedClient::new(site.channel.clone());
    let mut streams: Vec<_> = (0..3).map(|_| feed.stay()).collect();
    for stream in &mut streams {
        assert_eq!(stream.next().await.transpose()?, Some(7));
    }
    assert_eq!(site.server().running_calls(), 3);
    let refused = feed
        .count(1)
        .next()
        .await
        .expect("an answer")
        .expect_err("one too many");
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    drop(streams);
    source.left(0).await?;
    let free = || site.server().running_calls() == 0;
    tokio::time::timeout(Duration::from_secs(5), until(free)).await?;
    assert_eq!(feed.count(1).count().await, 1);
    Ok(())
}

async fn a_stream_ends_with_its_connection(transport: Transport) -> TestResult {
    let source = Source::new();
    let site = transport.serve(source.server()).await?;
    let feed = FeedClient::new(site.connect().await?);
    let (connected, mut stream) = (feed.channel().clone(), feed.stay());
    assert_eq!(stream.next().await.transpose()?, Some(7));
    // The stream is what keeps the connection now.
    drop((feed, connected));
    source.left(1).await?;
    drop(stream);
    source.left(0).await
}

async fn shutdown_waits_for_streams_and_then_cuts_them(transport: Transport) -> TestResult {
    let source = Source::new();
    let site = transport.serve(source.server()).await?;
    let feed = FeedClient::new(site.channel.clone());
    let mut numbers = feed.count(50_000);
    assert_eq!(numbers.next().await.transpose()?, Some(0));
    let rest = async {
        let mut count = 1;
        while let Some(number) = numbers.next().await {
            number?;
            count += 1;
        }
        Ok::<_, farcall::Error>(count)
    };
    let (counted, ()) = tokio::join!(rest, site.server().shutdown(Duration::from_secs(30)));
    assert_eq!(counted?, 50_000);
    source.left(0).await?;

    let source = Source::new();
    let site = transport.serve(source.server()).await?;
    let feed = FeedClient::new(site.channel.clone());
    let mut stay = feed.stay();
    assert_eq!(stay.next().await.transpose()?, Some(7));
    site.server().shutdown(Duration::from_millis(50)).await;
    assert_eq!(*source.0.borrow(), 0, "nothing runs after a shutdown");
    assert_eq!(site.server().running_calls(), 0);
    let cut = stay.next().await.expect("an error").expect_err("the server is gone");
    assert_eq!(cut.code(), Code::Unavailable, "{cut}");
    assert!(stay.next().await.is_none());
    Ok(())
}
