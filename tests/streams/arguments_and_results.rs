//! Streams as arguments and results, over every transport.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use farcall::{
    Channel, Error, Result, Streaming,
    layer::{Next, Request},
};
use farcall_tests::{
    TestResult, Transport,
    feed::{Feed, FeedBlockingClient, FeedClient, FeedError, Feeder, Step},
    over_every_socket, over_every_transport, wrap,
};
use futures::{StreamExt, TryStreamExt, future, stream};
use tower_service::Service;

over_every_transport!(
    a_result,
    a_result_behind_a_result,
    arguments,
    both_ways,
    code_over_the_trait,
    a_blocking_client,
    layers_on_both_sides,
    items_longer_than_a_window,
    many_items,
    a_slow_reader_stops_its_sender,
    calls_pass_a_stream_that_nobody_reads,
    streams_side_by_side,
    more_streams_one_after_the_other_than_at_one_time,
);
over_every_socket!(a_stream_keeps_its_connection);

async fn a_result(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let script = [Step::Give(3), Step::Blob(5), Step::Blob(0)];
    let items: Vec<_> = client.play(&script).try_collect().await?;
    assert_eq!(items, [vec![1], vec![1], vec![1], vec![7; 5], vec![]]);
    let plain: Streaming<Result<Vec<u8>>> = client.play_plain(&script);
    assert_eq!(plain.try_collect::<Vec<_>>().await?, items);
    Ok(())
}

async fn a_result_behind_a_result(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let opened = client.open(&[Step::Give(2)]).await.expect("a stream");
    assert_eq!(opened.collect::<Vec<_>>().await, [Ok(vec![1]), Ok(vec![1])]);
    assert_eq!(client.open(&[]).await.err(), Some(FeedError::Empty));
    Ok(())
}

async fn arguments(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    assert_eq!(client.sum(stream::iter((0..100).map(Ok))).await?, 4950);
    assert_eq!(
        client.sum_plain("all", stream::iter(0..100)).await,
        Ok("all 4950".to_owned())
    );
    let blobs = Streaming::new(stream::iter([Ok(vec![0; 10]), Ok(vec![0; 20])]));
    assert_eq!(client.take(2, stream::iter([1, 2]), blobs).await?, 33);
    Ok(())
}

/// Each number is answered before the next one is sent.
async fn both_ways(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let (questions, asked) = tokio::sync::mpsc::channel(1);
    let asked = stream::unfold(asked, async |mut asked| Some((asked.recv().await?, asked)));
    let mut answers = client.double(asked);
    for number in 0..20 {
        questions.send(Ok(number)).await?;
        assert_eq!(answers.try_next().await?, Some(number * 2));
    }
    drop(questions);
    assert_eq!(answers.try_next().await?, None);
    let doubled = client.double_plain(stream::iter(0..500));
    assert_eq!(doubled.try_collect::<Vec<_>>().await?.len(), 500);
    Ok(())
}

/// What any implementation of the trait does.
async fn use_feed(feed: impl Feed) -> Result<()> {
    assert_eq!(feed.play(&[Step::Give(2)]).try_collect::<Vec<_>>().await?, [[1], [1]]);
    let doubled = feed.double(stream::iter([Ok(1), Ok(2)]));
    assert_eq!(doubled.try_collect::<Vec<_>>().await?, [2, 4]);
    feed.sum(stream::iter([Ok(4)])).await.map(|sum| assert_eq!(sum, 4))
}

/// The trait with items that can fail, so that a client is one more implementation of it.
async fn code_over_the_trait(transport: Transport) -> TestResult {
    let site = transport.serve(tracks::server()).await?;
    tracks::play(tracks::TracksClient::new(site.channel.clone())).await?;
    tracks::play(tracks::TracksClient::local(tracks::Album)).await?;
    tracks::play(tracks::Album).await?;
    Ok(use_feed(Feeder::new()).await?)
}

async fn a_blocking_client(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedBlockingClient::new(site.channel.clone());
    let used = tokio::task::spawn_blocking(move || {
        let items: Vec<_> = client.play(&[Step::Give(1), Step::Blob(2)]).collect::<Result<_>>()?;
        assert_eq!(items, [vec![1], vec![7, 7]]);
        let mut failing = client.play(&[Step::Give(1), Step::Fail("enough".into())]);
        assert_eq!(failing.next(), Some(Ok(vec![1])));
        let error = failing.next().expect("an error").expect_err("an error");
        assert_eq!((error.message(), failing.next()), ("enough", None));
        assert_eq!(client.open(&[Step::Give(4)]).expect("a stream").count(), 4);
        assert_eq!(client.open(&[]).err(), Some(FeedError::Empty));
        assert_eq!(client.sum(stream::iter([Ok(1), Ok(2)]))?, 3);
        let doubled = client.double_plain(stream::iter(0..3)).collect::<Result<Vec<_>>>()?;
        assert_eq!(doubled, [0, 2, 4]);
        Ok::<_, Error>(())
    });
    Ok(used.await??)
}

async fn layers_on_both_sides(transport: Transport) -> TestResult {
    let passed = Arc::new(AtomicU64::new(0));
    let counting = || {
        let passed = Arc::clone(&passed);
        wrap(move |request: Request, mut next: Next| {
            passed.fetch_add(1, Ordering::Relaxed);
            async move { next.call(request).await }
        })
    };
    let server = Feeder::new().server().layer(counting());
    let site = transport.serve_to(server, Channel::builder().layer(counting())).await?;
    let client = FeedClient::new(site.channel.clone());
    assert_eq!(client.play(&[Step::Give(40)]).try_collect::<Vec<_>>().await?.len(), 40);
    assert_eq!(client.sum(stream::iter((0..10).map(Ok))).await?, 45);
    let doubled = client.double(stream::iter((0..50).map(Ok)));
    assert_eq!(doubled.try_collect::<Vec<_>>().await?.len(), 50);
    assert_eq!(passed.load(Ordering::Relaxed), 6);
    Ok(())
}

async fn items_longer_than_a_window(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let script = [
        Step::Blob(300_000),
        Step::Give(1),
        Step::Blob(700_000),
        Step::Blob(100_000),
    ];
    let lengths = client.play(&script).map_ok(|item| item.len());
    assert_eq!(lengths.try_collect::<Vec<_>>().await?, [300_000, 1, 700_000, 100_000]);
    let blobs = Streaming::new(stream::iter([Ok(vec![0; 400_000]), Ok(vec![0; 200_000])]));
    assert_eq!(client.take(2, stream::empty(), blobs).await?, 600_000);
    Ok(())
}

async fn many_items(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let count = client
        .play(&[Step::Give(50_000)])
        .try_fold(0, |count, _| future::ok(count + 1));
    assert_eq!(count.await?, 50_000);
    assert_eq!(client.sum(stream::iter((0..50_000).map(Ok))).await?, 1_249_975_000);
    let doubled = client.double_plain(stream::iter(0..20_000));
    let sum = doubled.try_fold(0, |sum, number| future::ok(sum + number));
    assert_eq!(sum.await?, 20_000 * 19_999);
    Ok(())
}

async fn a_slow_reader_stops_its_sender(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    // The other side takes one item in and none of the results is taken here, so all queues on the way fill up.
    let numbers = stream::iter(0..u64::MAX).inspect(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let mut doubled = client.double_plain(numbers);
    assert_eq!(doubled.try_next().await?, Some(0));
    for _ in 0..100 {
        client.ping().await?;
    }
    // Both windows, both queues of the senders, and what is in between them: a few hundred KiB of twelve-byte items.
    assert!(
        sent.load(Ordering::Relaxed) < 100_000,
        "{}",
        sent.load(Ordering::Relaxed)
    );
    Ok(())
}

async fn calls_pass_a_stream_that_nobody_reads(transport: Transport) -> TestResult {
    let feeder = Feeder::new();
    let site = transport.serve(feeder.server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let mut unread = client.play(&[Step::Give(1), Step::Blob(500_000), Step::Blob(500_000)]);
    assert_eq!(unread.try_next().await?, Some(vec![1]));
    for _ in 0..50 {
        assert_eq!(client.ping().await?, 7);
    }
    let lengths = unread.map_ok(|item| item.len()).try_collect::<Vec<_>>().await?;
    assert_eq!(lengths, [500_000, 500_000]);
    Ok(())
}

async fn streams_side_by_side(transport: Transport) -> TestResult {
    let site = transport.serve(Feeder::new().server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let played = (1..=20).map(|count| {
        let items = client.play(&[Step::Give(count * 50), Step::Blob(count)]);
        async move {
            items
                .try_collect::<Vec<_>>()
                .await
                .map(|items| (items.len() as u32, items))
        }
    });
    let summed = (0..20).map(|count| client.sum(stream::iter((0..count * 100).map(Ok))));
    let (played, summed) = future::try_join(future::try_join_all(played), future::try_join_all(summed)).await?;
    for (index, (count, items)) in (1..).zip(played) {
        assert_eq!(
            (count, items.last().map(Vec::len)),
            (index * 50 + 1, Some(index as usize))
        );
    }
    for (index, sum) in (0..).zip(summed) {
        let count: u64 = index * 100;
        assert_eq!(sum, count * count.saturating_sub(1) / 2);
    }
    Ok(())
}

async fn more_streams_one_after_the_other_than_at_one_time(transport: Transport) -> TestResult {
    let feeder = Feeder::new();
    let limits = farcall::Limits::default().max_streams(4);
    let server = feeder.server().limits(limits.clone());
    let site = transport.serve_to(server, Channel::builder().limits(limits)).await?;
    let client = FeedClient::new(site.channel.clone());
    for count in 0..40 {
        assert_eq!(
            client.play(&[Step::Give(count)]).try_collect::<Vec<_>>().await?.len(),
            count as usize
        );
        assert_eq!(client.sum(stream::iter([Ok(1)])).await?, 1);
        // Given up in the middle.
        let mut cancelled = client.play(&[Step::Give(1), Step::Wait]);
        assert_eq!(cancelled.try_next().await?, Some(vec![1]));
        drop(cancelled);
        feeder.out.stopped().await;
    }
    Ok(())
}

/// A stream outlives the client and the channel that it came over, and its connection with it.
async fn a_stream_keeps_its_connection(transport: Transport) -> TestResult {
    let feeder = Feeder::new();
    let site = transport.serve(feeder.server()).await?;
    let lone = FeedClient::new(site.connect().await?);
    let mut items = lone.play(&[Step::Give(1), Step::Wait, Step::Blob(3)]);
    let mut doubled = lone.double(stream::iter((0..40).map(Ok)));
    assert_eq!(items.try_next().await?, Some(vec![1]));
    assert_eq!(doubled.try_next().await?, Some(0));
    drop(lone);
    assert_eq!(FeedClient::new(site.channel.clone()).ping().await?, 7);
    feeder.out.open(1);
    assert_eq!(items.try_collect::<Vec<_>>().await?, [[7; 3]]);
    assert_eq!(doubled.try_collect::<Vec<_>>().await?.len(), 39);
    Ok(())
}

/// A trait that its client implements.
mod tracks {
    use farcall::{Result, Server, stream::Stream};
    use futures::{StreamExt, TryStreamExt, stream};

    #[farcall::service]
    pub(crate) trait Tracks {
        fn all(&self) -> impl Stream<Item = Result<String>>;
        async fn longer(&self, than: usize) -> Result<impl Stream<Item = Result<String>>>;
        async fn add(&self, names: impl Stream<Item = String>) -> Result<usize>;
    }

    pub(crate) struct Album;

    impl Tracks for Album {
        fn all(&self) -> impl Stream<Item = Result<String>> {
            stream::iter(["one", "three"]).map(|name| Ok(name.to_owned()))
        }
        async fn longer(&self, than: usize) -> Result<impl Stream<Item = Result<String>>> {
            Ok(self.all().try_filter(move |name| std::future::ready(name.len() > than)))
        }
        async fn add(&self, names: impl Stream<Item = String>) -> Result<usize> {
            Ok(names.count().await)
        }
    }

    pub(crate) fn server() -> Server {
        Server::new().service(TracksServer::new(Album))
    }

    pub(crate) async fn play(tracks: impl Tracks) -> Result<()> {
        assert_eq!(tracks.all().try_collect::<Vec<_>>().await?, ["one", "three"]);
        assert_eq!(tracks.longer(4).await?.try_collect::<Vec<_>>().await?, ["three"]);
        assert_eq!(tracks.add(stream::iter(["four".to_owned()])).await?, 1);
        Ok(())
    }
}
