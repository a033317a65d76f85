//! Every way for a stream to end, on either side: what ends well ends once and whole, and everything else is an error.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use farcall::{Channel, Code, Error, Limits, Outcome, Result, Streaming, stream::Stream};
use farcall_tests::{
    Gate, Site, TestResult, Transport, assert_fails,
    feed::{FeedClient, FeedError, Feeder, Script, Step},
    over_every_socket, over_every_transport,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

over_every_transport!(
    an_empty_stream,
    an_error_is_an_item_like_any_other,
    a_failure_of_the_call_is_the_only_item,
    dropping_a_result_drops_what_makes_it,
    dropping_a_result_that_was_never_polled_sends_nothing,
    dropping_both_ways_drops_both,
    dropping_a_call_drops_its_handler_and_its_streams,
    a_method_that_has_enough,
    a_result_that_ends_before_its_argument,
    an_argument_that_ends_before_its_result,
    a_producer_that_panics,
    a_panic_behind_a_result,
    an_item_that_is_too_large,
    an_argument_item_that_is_too_large,
    an_item_of_another_type,
    an_argument_item_of_another_type,
    a_broken_argument_of_results,
    a_broken_argument_of_plain_items,
    a_broken_argument_ends_the_result,
    a_broken_argument_that_another_task_reads,
    the_connection_lives_on,
);
over_every_socket!(a_lost_connection_is_no_end, a_lost_connection_drops_what_is_sent);

async fn site(transport: Transport) -> Result<(Feeder, FeedClient, Site)> {
    let feeder = Feeder::new();
    let site = transport.serve(feeder.server()).await?;
    let client = FeedClient::new(site.channel.clone());
    Ok((feeder, client, site))
}

/// Numbers that come first, and then a wait at the gate.
fn then_wait(count: u64, gate: &Gate) -> impl Stream<Item = u64> + Send + use<> {
    let gate = gate.clone();
    let wait = async move {
        gate.pass().await;
        stream::empty()
    };
    stream::iter(0..count).chain(wait.flatten_stream())
}

/// Numbers that come first, and then a panic.
fn then_panic(count: u64) -> impl Stream<Item = u64> + Send {
    stream::iter(0..=count).map(move |number| {
        assert!(number < count, "as the test says");
        number
    })
}

async fn an_empty_stream(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let mut items = client.play(&[]);
    assert_eq!(items.try_next().await?, None);
    assert_eq!(items.try_next().await?, None);
    assert_eq!(client.sum(stream::empty()).await?, 0);
    assert_eq!(client.double(stream::empty()).try_next().await?, None);
    Ok(())
}

async fn an_error_is_an_item_like_any_other(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let script = [
        Step::Fail("one".into()),
        Step::Give(1),
        Step::Fail("two".into()),
        Step::Give(1),
    ];
    let items: Vec<_> = client.play(&script).collect().await;
    let failed = |text: &str| Err(Error::aborted(text));
    assert_eq!(items, [failed("one"), Ok(vec![1]), failed("two"), Ok(vec![1])]);
    let items: Vec<_> = client.open(&script[..1]).await.expect("a stream").collect().await;
    assert_eq!(items, [Err(FeedError::Call(Error::aborted("one")))]);
    Ok(())
}

/// A service that is not there, or a method's own refusal, is known at the first item and the last.
async fn a_failure_of_the_call_is_the_only_item(transport: Transport) -> TestResult {
    let site = transport.serve(other::server()).await?;
    let client = FeedClient::new(site.channel.clone());
    let mut items = client.double_plain(stream::pending());
    let refused = items.next().await.expect("an item");
    assert_fails(
        refused,
        Code::Unimplemented,
        Outcome::NotExecuted,
        &["Feed.double_plain", "no such method"],
    );
    assert_eq!(items.next().await, None);
    let refused = client.sum_plain("", stream::pending()).await;
    assert!(matches!(refused, Err(FeedError::Call(error)) if error.code() == Code::Unimplemented));
    Ok(())
}

async fn dropping_a_result_drops_what_makes_it(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    let mut items = client.play(&[Step::Give(1), Step::Wait]);
    assert_eq!(items.try_next().await?, Some(vec![1]));
    feeder.out.entered().await;
    drop(items);
    feeder.out.stopped().await;

    let mut items = client.open(&[Step::Give(1), Step::Wait]).await.expect("a stream");
    assert_eq!(items.next().await, Some(Ok(vec![1])));
    feeder.out.entered().await;
    drop(items);
    feeder.out.stopped().await;
    Ok(())
}

async fn dropping_a_result_that_was_never_polled_sends_nothing(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    drop(client.play(&[Step::Wait]));
    client.ping().await?;
    assert!(!feeder.out.has_entered());
    Ok(())
}

async fn dropping_both_ways_drops_both(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    let here = Gate::new();
    let mut doubled = client.double_plain(then_wait(1, &here));
    assert_eq!(doubled.try_next().await?, Some(0));
    assert!(doubled.next().now_or_never().is_none());
    here.entered().await;
    drop(doubled);
    here.stopped().await;
    feeder.out.stopped().await;
    Ok(())
}

async fn dropping_a_call_drops_its_handler_and_its_streams(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    let here = Gate::new();
    let call = tokio::spawn(client.sum(then_wait(5, &here).map(Ok)));
    feeder.inside.entered().await;
    here.entered().await;
    call.abort();
    feeder.inside.stopped().await;
    here.stopped().await;
    Ok(())
}

/// The method ends before its streams: they are dropped, and the call is as good as any.
async fn a_method_that_has_enough(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let here = Gate::new();
    let numbers = then_wait(2, &here);
    let blobs = Streaming::new(then_wait(2, &here).map(|_| Ok(vec![0; 5])));
    assert_eq!(client.take(2, numbers, blobs).await?, 11);
    assert_eq!(
        client
            .take(0, stream::pending(), Streaming::new(stream::pending()))
            .await?,
        0
    );
    Ok(())
}

async fn a_result_that_ends_before_its_argument(transport: Transport) -> TestResult {
    let site = transport.serve(other::server()).await?;
    let client = other::OtherClient::new(site.channel.clone());
    let here = Gate::new();
    let first = client.first(2, then_wait(4, &here));
    assert_eq!(first.try_collect::<Vec<_>>().await?, [0, 1]);
    assert_eq!(here.stopped_count(), usize::from(here.has_entered()));
    Ok(())
}

async fn an_argument_that_ends_before_its_result(transport: Transport) -> TestResult {
    let site = transport.serve(other::server()).await?;
    let client = other::OtherClient::new(site.channel.clone());
    let after = client.after(stream::iter(0..10), 3);
    assert_eq!(after.try_collect::<Vec<_>>().await?, [10, 10, 10]);
    Ok(())
}

async fn a_producer_that_panics(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let mut items = client.play(&[Step::Give(2), Step::Panic]);
    assert_eq!(items.by_ref().take(2).try_collect::<Vec<_>>().await?, [[1], [1]]);
    let panicked = items.next().await.expect("an error");
    assert_fails(panicked, Code::Internal, Outcome::Unknown, &["Feed.play", "panicked"]);
    assert_eq!(items.next().await, None);

    let mut items = client.play_plain(&[Step::Panic]);
    let panicked = items.next().await.expect("an error");
    assert_fails(
        panicked,
        Code::Internal,
        Outcome::Unknown,
        &["Feed.play_plain", "panicked"],
    );
    assert_eq!(items.next().await, None);
    Ok(())
}

async fn a_panic_behind_a_result(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let mut items = client.open(&[Step::Give(1), Step::Panic]).await.expect("a stream");
    assert_eq!(items.next().await, Some(Ok(vec![1])));
    let panicked = items.next().await.expect("an error");
    assert!(matches!(panicked, Err(FeedError::Call(error)) if error.code() == Code::Internal));
    assert_eq!(items.next().await, None);
    Ok(())
}

async fn an_item_that_is_too_large(transport: Transport) -> TestResult {
    let feeder = Feeder::new();
    let limits = Limits::default().max_message(100_000).max_udp_message(100_000);
    let site = transport
        .serve_to(feeder.server(), Channel::builder().limits(limits))
        .await?;
    let client = FeedClient::new(site.channel.clone());
    let mut items = client.play(&[Step::Blob(90_000), Step::Blob(200_000), Step::Give(1)]);
    assert_eq!(items.try_next().await?.map(|item| item.len()), Some(90_000));
    let refused = items.next().await.expect("an error");
    assert_fails(
        refused,
        Code::ResourceExhausted,
        Outcome::Unknown,
        &["Feed.play", "200"],
    );
    assert_eq!(items.next().await, None);
    Ok(())
}

async fn an_argument_item_that_is_too_large(transport: Transport) -> TestResult {
    let feeder = Feeder::new();
    let limits = Limits::default().max_message(100_000).max_udp_message(100_000);
    let site = transport.serve(feeder.server().limits(limits)).await?;
    let client = FeedClient::new(site.channel.clone());
    let blobs = Streaming::new(stream::iter([Ok(vec![0; 90_000]), Ok(vec![0; 200_000])]));
    let refused = client.take(2, stream::empty(), blobs).await;
    assert_fails(
        refused,
        Code::ResourceExhausted,
        Outcome::Executed,
        &["Feed.take", "200"],
    );
    Ok(())
}

/// Both sides call the service alike and mean different types.
async fn an_item_of_another_type(transport: Transport) -> TestResult {
    let site = transport.serve_unchecked(other::server()).await?;
    let client = texts::FeedClient::new(site.channel.clone());
    let mut items = client.play();
    assert_eq!(items.try_next().await?, Some("text".to_owned()));
    let undecodable = items.next().await.expect("an error");
    let error = undecodable.expect_err("an error");
    assert_eq!(error.code(), Code::DataLoss, "{error}");
    assert!(error.to_string().contains("Feed.play"), "{error}");
    assert_eq!(items.next().await, None);
    Ok(())
}

async fn an_argument_item_of_another_type(transport: Transport) -> TestResult {
    let site = transport.serve_unchecked(other::server()).await?;
    let client = texts::FeedClient::new(site.channel.clone());
    let refused = client.sum(stream::iter([vec![0, 0xff]])).await;
    let error = refused.expect_err("an error");
    assert_eq!(error.code(), Code::DataLoss, "{error}");
    assert!(error.to_string().contains("the stream `texts` broke"), "{error}");
    Ok(())
}

async fn a_broken_argument_of_results(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    let refused = client.sum(then_panic(3).map(Ok)).await;
    assert_fails(refused, Code::Internal, Outcome::Executed, &["Feed.sum", "panicked"]);
    // It had its error and went on to its end.
    assert_eq!(feeder.inside.stopped_count(), 0);
    Ok(())
}

async fn a_broken_argument_of_plain_items(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    let refused = client.sum_plain("all", then_panic(3)).await;
    let Err(FeedError::Call(error)) = refused else {
        panic!("an error of the call's own: {refused:?}");
    };
    let parts = ["Feed.sum_plain", "the stream `numbers` broke", "the stream panicked"];
    assert_fails::<()>(Err(error), Code::Internal, Outcome::Unknown, &parts);
    feeder.inside.stopped().await;
    Ok(())
}

async fn a_broken_argument_ends_the_result(transport: Transport) -> TestResult {
    let (feeder, client, _site) = site(transport).await?;
    let mut doubled = client.double_plain(then_panic(2));
    assert_eq!(doubled.by_ref().take(2).try_collect::<Vec<_>>().await?, [0, 2]);
    let broken = doubled.next().await.expect("an error");
    let parts = ["Feed.double_plain", "the stream `numbers` broke", "the stream panicked"];
    assert_fails(broken, Code::Internal, Outcome::Unknown, &parts);
    assert_eq!(doubled.next().await, None);
    feeder.out.stopped().await;

    let doubled: Vec<_> = client.double(then_panic(1).map(Ok)).collect().await;
    assert!(
        matches!(&doubled[..], [Ok(0), Err(error)] if error.code() == Code::Internal),
        "{doubled:?}"
    );
    Ok(())
}

async fn a_broken_argument_that_another_task_reads(transport: Transport) -> TestResult {
    let site = transport.serve(other::server()).await?;
    let client = other::OtherClient::new(site.channel.clone());
    let refused = client.elsewhere(then_panic(2)).await;
    assert_fails(
        refused,
        Code::Internal,
        Outcome::Unknown,
        &["the stream `numbers` broke"],
    );
    Ok(())
}

async fn the_connection_lives_on(transport: Transport) -> TestResult {
    let (_, client, site) = site(transport).await?;
    client.ping().await?;
    let state = site.channel.state();
    for _ in 0..5 {
        let _ = client.play(&[Step::Panic]).next().await;
        let _ = client.sum(then_panic(0).map(Ok)).await;
        drop(client.play(&[Step::Give(1000)]).next().await);
        drop(client.double_plain(stream::iter(0..1000)).next().await);
    }
    assert_eq!(client.play(&[Step::Give(30)]).count().await, 30);
    assert_eq!(site.channel.state(), state);
    Ok(())
}

async fn a_lost_connection_is_no_end(transport: Transport) -> TestResult {
    let (feeder, client, mut site) = site(transport).await?;
    let mut items = client.play_plain(&[Step::Give(1), Step::Wait]);
    let mut doubled = client.double(stream::iter([Ok(1)]).chain(stream::pending()));
    assert_eq!(items.try_next().await?, Some(vec![1]));
    assert_eq!(doubled.try_next().await?, Some(2));
    let summed = tokio::spawn(client.sum(stream::pending()));
    feeder.inside.entered().await;
    site.stop_server();
    for lost in [
        items.next().await.map(|item| item.map(drop)),
        doubled.next().await.map(|item| item.map(drop)),
    ] {
        let error = lost.expect("an error, not the end").expect_err("an error");
        assert!(
            [Code::Unavailable, Code::Cancelled, Code::Aborted].contains(&error.code()),
            "{error}"
        );
    }
    assert_eq!(items.next().await, None);
    assert_eq!(doubled.next().await, None);
    summed.await?.expect_err("the call is lost, too");
    Ok(())
}

async fn a_lost_connection_drops_what_is_sent(transport: Transport) -> TestResult {
    let (feeder, client, site) = site(transport).await?;
    let mut items = client.play(&[Step::Give(1), Step::Wait]);
    assert_eq!(items.try_next().await?, Some(vec![1]));
    feeder.out.entered().await;
    // The client's side goes away as a whole, with everything that it would send.
    let lost = site.connect().await?;
    let other = FeedClient::new(lost.clone());
    let mut others = other.play(&[Step::Give(1), Step::Wait]);
    assert_eq!(others.try_next().await?, Some(vec![1]));
    feeder.out.entered().await;
    drop((others, other, lost));
    feeder.out.stopped().await;
    assert_eq!(feeder.out.stopped_count(), 0);
    feeder.out.open(1);
    assert_eq!(items.try_next().await?, None);
    Ok(())
}

/// What a script does without a connection, so that the tests above test more than it.
#[tokio::test]
async fn a_script_waits_at_its_gate() {
    let gate = Gate::new();
    let mut script = Script::new(&[Step::Give(2), Step::Wait, Step::Blob(3)], &gate);
    assert_eq!(script.next().await, Some(Ok(vec![1])));
    assert_eq!(script.next().await, Some(Ok(vec![1])));
    let poll = std::future::poll_fn(|cx: &mut Context<'_>| Poll::Ready(Pin::new(&mut script).poll_next(cx))).await;
    assert!(poll.is_pending() && gate.has_entered());
    gate.open(1);
    assert_eq!(script.next().await, Some(Ok(vec![7; 3])));
    assert_eq!(script.next().await, None);
}

/// A service whose methods end at other times than their streams.
mod other {
    use std::pin::pin;

    use farcall::{Result, Server, stream::Stream};
    use futures::{StreamExt, stream};

    #[farcall::service]
    pub(crate) trait Other {
        fn first(&self, count: usize, numbers: impl Stream<Item = u64>) -> impl Stream<Item = Result<u64>>;
        fn after(&self, numbers: impl Stream<Item = u64>, times: usize) -> impl Stream<Item = Result<u64>>;
        async fn elsewhere(&self, numbers: impl Stream<Item = u64>) -> Result<u64>;
    }

    /// The other `Feed`, with other types for the same names.
    #[farcall::service]
    pub(crate) trait Feed {
        fn play(&self) -> impl Stream<Item = Vec<u8>>;
        async fn sum(&self, texts: impl Stream<Item = String>) -> Result<usize>;
    }

    struct Others;

    impl Other for Others {
        fn first(&self, count: usize, numbers: impl Stream<Item = u64>) -> impl Stream<Item = Result<u64>> {
            numbers.take(count).map(Ok)
        }
        fn after(&self, numbers: impl Stream<Item = u64>, times: usize) -> impl Stream<Item = Result<u64>> {
            let count = async move { stream::iter(std::iter::repeat_n(Ok(numbers.count().await as u64), times)) };
            count_first(count)
        }
        async fn elsewhere(&self, numbers: impl Stream<Item = u64> + Send + 'static) -> Result<u64> {
            let reading = tokio::spawn(numbers.fold(0, |sum, number| async move { sum + number }));
            reading
                .await
                .map_err(|_| farcall::Error::internal("the reader panicked"))
        }
    }

    fn count_first<S: Stream>(stream: impl Future<Output = S>) -> impl Stream<Item = S::Item> {
        futures::FutureExt::flatten_stream(stream)
    }

    impl Feed for Others {
        fn play(&self) -> impl Stream<Item = Vec<u8>> {
            stream::iter([b"text".to_vec(), vec![0xff, 0xfe]])
        }
        async fn sum(&self, texts: impl Stream<Item = String>) -> Result<usize> {
            let mut texts = pin!(texts);
            let mut length = 0;
            while let Some(text) = texts.next().await {
                length += text.len();
            }
            Ok(length)
        }
    }

    pub(crate) fn server() -> Server {
        Server::new()
            .service(OtherServer::new(Others))
            .service(FeedServer::new(Others))
    }
}

/// The same names as a client has them who takes bytes for text and text for bytes.
mod texts {
    use farcall::{Result, stream::Stream};

    #[farcall::service]
    pub(crate) trait Feed {
        fn play(&self) -> impl Stream<Item = String>;
        async fn sum(&self, texts: impl Stream<Item = Vec<u8>>) -> Result<usize>;
    }
}
