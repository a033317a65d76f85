//! Streams as arguments and results, in every place that takes one.

use std::pin::pin;

use farcall::{Code, Error, Result, Streaming, stream::Stream};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum FeedError {
    Empty,
    Call(String),
}

impl From<Error> for FeedError {
    fn from(error: Error) -> Self {
        Self::Call(error.message().to_owned())
    }
}

type FeedResult<T> = std::result::Result<T, FeedError>;

#[farcall::service]
pub trait Feed {
    fn count(&self, to: u32) -> impl Stream<Item = Result<u32>>;
    fn blobs<'a>(&'a self, blob: &'a [u8]) -> impl Stream<Item = FeedResult<Vec<u8>>> + Unpin;
    fn named(&self, to: u32) -> Streaming<Result<u32>>;
    async fn open(&self, to: u32) -> FeedResult<impl Stream<Item = FeedResult<u32>> + Send>;
    async fn open_named(&self, to: u32) -> Result<Streaming<FeedResult<u32>>>;
    async fn sum(&self, label: &str, rows: impl Stream<Item = u32>) -> Result<String>;
    async fn sum_all(
        &self,
        rows: Streaming<Result<u32>>,
        more: impl Stream<Item = Vec<u8>> + Send + 'static,
    ) -> FeedResult<u64>;
    fn twice(&self, by: u32, rows: impl Stream<Item = u32>) -> impl Stream<Item = Result<u32>>;
    async fn twice_open(&self, rows: impl Stream<Item = Result<u32>>) -> Result<impl Stream<Item = Result<u32>>>;
    fn fallback(&self) -> impl Stream<Item = Result<u32>> {
        self.count(2).map_ok(|number| number * 10)
    }
    async fn open_fallback(&self, to: u32) -> FeedResult<impl Stream<Item = FeedResult<u32>>> {
        if to == 0 {
            return Err(FeedError::Empty);
        }
        self.open(to).await
    }
}

struct Numbers {
    offset: u32,
}

impl Feed for Numbers {
    fn count(&self, to: u32) -> impl Stream<Item = Result<u32>> {
        stream::iter(0..to).map(|number| Ok(number + self.offset))
    }
    fn blobs<'a>(&'a self, blob: &'a [u8]) -> impl Stream<Item = FeedResult<Vec<u8>>> + Unpin {
        stream::iter(blob.chunks(2).map(|chunk| Ok(chunk.to_vec())))
    }
    fn named(&self, to: u32) -> Streaming<Result<u32>> {
        Streaming::new(stream::iter(0..to).map(Ok))
    }
    async fn open(&self, to: u32) -> FeedResult<impl Stream<Item = FeedResult<u32>>> {
        if to == 0 {
            return Err(FeedError::Empty);
        }
        Ok(stream::iter(0..to).map(|number| Ok(number + self.offset)))
    }
    async fn open_named(&self, to: u32) -> Result<Streaming<FeedResult<u32>>> {
        if to == 0 {
            return Err(Error::not_found("nothing to count"));
        }
        Ok(Streaming::new(stream::iter(0..to).map(Ok)))
    }
    async fn sum(&self, label: &str, rows: impl Stream<Item = u32>) -> Result<String> {
        let sum = rows.fold(0, |sum, row| async move { sum + row }).await;
        Ok(format!("{label} {sum}"))
    }
    async fn sum_all(
        &self,
        rows: Streaming<Result<u32>>,
        more: impl Stream<Item = Vec<u8>> + Send + 'static,
    ) -> FeedResult<u64> {
        let mut sum = 0;
        let mut rows = pin!(rows);
        while let Some(row) = rows.try_next().await? {
            sum += u64::from(row);
        }
        let lengths: Vec<usize> = more.map(|blob| blob.len()).collect().await;
        Ok(sum + lengths.into_iter().sum::<usize>() as u64)
    }
    fn twice(&self, by: u32, rows: impl Stream<Item = u32>) -> impl Stream<Item = Result<u32>> {
        rows.map(move |row| Ok(row * 2 + by + self.offset))
    }
    async fn twice_open(&self, rows: impl Stream<Item = Result<u32>>) -> Result<impl Stream<Item = Result<u32>>> {
        Ok(rows.map_ok(|row| row * 2))
    }
}

/// What a caller sees, of the object itself as of a client.
async fn use_feed(feed: impl Feed + Sync) -> Result<()> {
    assert_eq!(feed.count(3).try_collect::<Vec<_>>().await?, [7, 8, 9]);
    assert_eq!(feed.count(0).try_collect::<Vec<_>>().await?, Vec::<u32>::new());
    let blobs: Vec<_> = feed.blobs(&[1, 2, 3]).collect().await;
    assert_eq!(blobs, [Ok(vec![1, 2]), Ok(vec![3])]);
    assert_eq!(feed.named(2).try_collect::<Vec<_>>().await?, [0, 1]);
    let opened: Vec<_> = feed.open(2).await.expect("a stream").collect().await;
    assert_eq!(opened, [Ok(7), Ok(8)]);
    assert_eq!(feed.open(0).await.err(), Some(FeedError::Empty));
    let opened: Vec<_> = feed.open_named(1).await?.collect().await;
    assert_eq!(opened, [Ok(0)]);
    let error = feed.open_named(0).await.expect_err("an error");
    assert_eq!((error.code(), error.message()), (Code::NotFound, "nothing to count"));
    assert_eq!(feed.sum("all", stream::iter(0..50)).await?, "all 1225");
    let rows = Streaming::new(stream::iter([Ok(1), Ok(2)]));
    let blobs = stream::iter([vec![1; 3], vec![2; 4]]);
    assert_eq!(feed.sum_all(rows, blobs).await, Ok(10));
    let rows = Streaming::new(stream::iter([Ok(1), Err(Error::aborted("no more"))]));
    let refused = feed.sum_all(rows, stream::empty()).await;
    assert_eq!(refused, Err(FeedError::Call("no more".into())));
    let twice = feed.twice(1, stream::iter(0..20));
    assert_eq!(twice.try_collect::<Vec<_>>().await?.len(), 20);
    let twice = feed.twice_open(stream::iter([Ok(1), Ok(2)])).await?;
    assert_eq!(twice.try_collect::<Vec<_>>().await?, [2, 4]);
    assert_eq!(feed.fallback().try_collect::<Vec<_>>().await?, [70, 80]);
    assert_eq!(feed.open_fallback(0).await.err(), Some(FeedError::Empty));
    assert_eq!(feed.open_fallback(1).await.expect("a stream").count().await, 1);
    Ok(())
}

#[tokio::test]
async fn an_object_of_this_process() -> Result<()> {
    use_feed(Numbers { offset: 7 }).await
}

#[tokio::test]
async fn a_local_client() -> Result<()> {
    use_feed(FeedClient::local(Numbers { offset: 7 })).await
}

#[tokio::test]
async fn a_client() -> Result<()> {
    use_feed(FeedClient::loopback(Numbers { offset: 7 })).await
}

#[tokio::test]
async fn a_task_of_its_own() -> Result<()> {
    let client = FeedClient::loopback(Numbers { offset: 0 });
    let (first, second) = (client.count(3), client.twice(0, stream::iter(0..3)));
    let first = tokio::spawn(first.try_collect::<Vec<_>>());
    let second = tokio::spawn(second.try_collect::<Vec<_>>());
    assert_eq!(first.await.expect("no panic")?, [0, 1, 2]);
    assert_eq!(second.await.expect("no panic")?, [0, 2, 4]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_client() -> Result<()> {
    let channel = farcall::Channel::loopback(FeedServer::new(Numbers { offset: 1 }));
    let client = FeedBlockingClient::new(channel);
    let used = tokio::task::spawn_blocking(move || {
        assert_eq!(client.count(3).collect::<Result<Vec<_>>>()?, [1, 2, 3]);
        assert_eq!(client.open(2).expect("a stream").count(), 2);
        assert_eq!(client.open(0).err(), Some(FeedError::Empty));
        assert_eq!(client.sum("all", stream::iter(0..5))?, "all 10");
        let twice = client.twice(0, stream::iter(0..3)).collect::<Result<Vec<_>>>()?;
        assert_eq!(twice, [1, 3, 5]);
        Ok(())
    });
    used.await.expect("no panic")
}

#[tokio::test]
async fn a_blocking_client_is_not_for_tasks() -> Result<()> {
    let channel = farcall::Channel::loopback(FeedServer::new(Numbers { offset: 1 }));
    let mut counted = FeedBlockingClient::new(channel).count(3);
    let refused = counted.next().expect("an error").expect_err("an error");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(counted.next(), None);
    Ok(())
}

/// Items that cannot hold what broke their stream.
#[farcall::service]
pub trait Plain {
    fn count(&self, to: u32) -> impl Stream<Item = u32>;
    async fn open(&self, to: u32) -> impl Stream<Item = Vec<u8>>;
    async fn checked(&self, to: u32) -> Result<Streaming<u32>>;
    async fn fallback(&self, to: u32) -> impl Stream<Item = u32> {
        if to == 0 {
            return Streaming::new(stream::empty());
        }
        Streaming::new(stream::iter(0..to))
    }
}

impl Plain for Numbers {
    fn count(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(0..to)
    }
    async fn open(&self, to: u32) -> impl Stream<Item = Vec<u8>> {
        stream::iter([vec![0; to as usize]])
    }
    async fn checked(&self, to: u32) -> Result<Streaming<u32>> {
        Ok(Streaming::new(stream::iter(0..to)))
    }
}

#[tokio::test]
async fn plain_items_are_results_on_the_client() -> Result<()> {
    let client = PlainClient::loopback(Numbers { offset: 0 });
    let counted: Streaming<Result<u32>> = client.count(2);
    assert_eq!(counted.try_collect::<Vec<_>>().await?, [0, 1]);
    let opened: Streaming<Result<Vec<u8>>> = client.open(3).await?;
    assert_eq!(opened.try_collect::<Vec<_>>().await?, [[0; 3]]);
    assert_eq!(client.checked(2).await?.try_collect::<Vec<_>>().await?, [0, 1]);
    assert_eq!(client.fallback(1).await?.try_collect::<Vec<_>>().await?, [0]);
    Ok(())
}

/// Items that are little, or much more than bytes.
#[farcall::service]
pub trait Odd {
    fn beats(&self, count: usize) -> impl Stream<Item = Result<()>>;
    fn feeds(&self) -> impl Stream<Item = Result<PlainClient>>;
    async fn collect(&self, feeds: impl Stream<Item = (String, PlainClient)>) -> Result<Vec<u32>>;
}

impl Odd for Numbers {
    fn beats(&self, count: usize) -> impl Stream<Item = Result<()>> {
        stream::repeat_with(|| Ok(())).take(count)
    }
    fn feeds(&self) -> impl Stream<Item = Result<PlainClient>> {
        stream::iter([Ok(PlainClient::local(Numbers { offset: 0 }))])
    }
    async fn collect(&self, feeds: impl Stream<Item = (String, PlainClient)>) -> Result<Vec<u32>> {
        feeds.map(|(_, feed)| feed.count(2)).flatten().try_collect().await
    }
}

#[tokio::test]
async fn items_of_nothing_and_items_that_are_clients() -> Result<()> {
    for client in [
        OddClient::loopback(Numbers { offset: 0 }),
        OddClient::local(Numbers { offset: 0 }),
    ] {
        assert_eq!(
            client
                .beats(100_000)
                .try_fold(0, async |count, ()| Ok(count + 1))
                .await?,
            100_000
        );
        let feeds: Vec<PlainClient> = client.feeds().try_collect().await?;
        assert_eq!(feeds[0].count(3).try_collect::<Vec<_>>().await?, [0, 1, 2]);
        let own = stream::iter([("mine".to_owned(), PlainClient::local(Numbers { offset: 0 }))]);
        assert_eq!(client.collect(own).await?, [0, 1]);
    }
    Ok(())
}

/// Items of types that the service does not know.
#[farcall::service]
pub trait Store<K: Clone> {
    type Row;
    fn rows(&self, key: K) -> impl Stream<Item = Result<Self::Row>>;
    async fn put(&self, rows: impl Stream<Item = (K, Self::Row)>) -> Result<Vec<K>>;
}

impl Store<String> for Numbers {
    type Row = u8;
    fn rows(&self, key: String) -> impl Stream<Item = Result<u8>> {
        stream::iter(key.into_bytes()).map(Ok)
    }
    async fn put(&self, rows: impl Stream<Item = (String, u8)>) -> Result<Vec<String>> {
        Ok(rows.map(|(key, _)| key).collect().await)
    }
}

#[tokio::test]
async fn a_generic_service() -> Result<()> {
    let client: StoreClient<String, u8> = StoreClient::loopback(Numbers { offset: 0 });
    assert_eq!(client.rows("ab".into()).try_collect::<Vec<_>>().await?, [97, 98]);
    let rows = stream::iter([("a".to_owned(), 1)]);
    assert_eq!(Store::put(&client, rows).await?, ["a"]);
    Ok(())
}

/// More than the client's own streams have: it does not implement the trait, and its methods are there.
#[farcall::service]
pub trait Demanding {
    fn count(&self) -> impl Stream<Item = Result<u32>> + Sync;
}

impl Demanding for Numbers {
    fn count(&self) -> impl Stream<Item = Result<u32>> + Sync {
        stream::iter([Ok(1)])
    }
}

#[tokio::test]
async fn a_bound_that_the_client_lacks() -> Result<()> {
    let client = DemandingClient::loopback(Numbers { offset: 0 });
    assert_eq!(client.count().try_collect::<Vec<_>>().await?, [1]);
    Ok(())
}

/// Methods called like the functions of clients are the service's.
#[farcall::service]
pub trait Clash {
    async fn local(&self) -> Result<u8>;
    async fn descriptor(&self) -> Result<u8>;
    async fn with_item_timeout(&self) -> Result<u8>;
    fn feeds(&self, feeds: impl Stream<Item = u8>, streams: impl Stream<Item = u8>) -> impl Stream<Item = Result<u8>>;
}

impl Clash for Numbers {
    async fn local(&self) -> Result<u8> {
        Ok(1)
    }
    async fn descriptor(&self) -> Result<u8> {
        Ok(2)
    }
    async fn with_item_timeout(&self) -> Result<u8> {
        Ok(3)
    }
    fn feeds(&self, feeds: impl Stream<Item = u8>, streams: impl Stream<Item = u8>) -> impl Stream<Item = Result<u8>> {
        feeds.zip(streams).map(|(a, b)| Ok(a + b))
    }
}

#[tokio::test]
async fn names_of_methods_come_first() -> Result<()> {
    let client = ClashClient::loopback(Numbers { offset: 0 });
    assert_eq!(
        (
            client.local().await?,
            client.descriptor().await?,
            client.with_item_timeout().await?
        ),
        (1, 2, 3)
    );
    let sums = client.feeds(stream::iter([1, 2]), stream::iter([3, 4]));
    assert_eq!(sums.try_collect::<Vec<_>>().await?, [4, 6]);
    Ok(())
}
