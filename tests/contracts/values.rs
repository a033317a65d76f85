//! What is checked besides arguments and results: streams, channels as values, and objects on their ways.

use std::fmt;

use farcall::{
    Code, Context, Outcome, Result, Server,
    channel::{self, Receiver, Sender, watch},
    registry::{Names, Reference, RegistryClient, RegistryServer},
    stream::Stream,
};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_transport};
use futures::{StreamExt, stream};

/// The same traits over another type of item.
macro_rules! version {
    ($version:ident, $item:ty) => {
        mod $version {
            use super::*;

            pub(super) type Item = $item;

            #[farcall::service]
            pub(super) trait Feed {
                fn items(&self) -> impl Stream<Item = Item> + Send;
                async fn opened(&self) -> Result<impl Stream<Item = Result<Item>> + Send>;
                async fn sum(&self, items: impl Stream<Item = Item> + Send) -> Result<u32>;
                async fn receiver(&self) -> Result<Receiver<Item>>;
                async fn sender(&self, to: Sender<Item>) -> Result<u32>;
                async fn watched(&self) -> Result<watch::Receiver<Item>>;
                async fn plain(&self) -> Result<u32>;
            }

            #[farcall::service]
            pub(super) trait Bell {
                async fn ring(&self, item: Item) -> Result<Item>;
                async fn silent(&self) -> Result<u32>;
            }

            #[derive(Clone)]
            pub(super) struct Brass;

            impl Bell for Brass {
                async fn ring(&self, item: Item) -> Result<Item> {
                    Ok(item)
                }
                async fn silent(&self) -> Result<u32> {
                    Ok(0)
                }
            }

            /// Calls what it is given, and gives what it has.
            #[farcall::service]
            pub(super) trait Tower {
                async fn bell(&self) -> Result<BellClient>;
                async fn ring(&self, bell: BellClient) -> Result<u32>;
                async fn echo(&self, bell: BellClient) -> Result<BellClient>;
            }
        }
    };
}

version!(old, i32);
version!(new, u32);

struct Stone;

impl old::Tower for Stone {
    async fn bell(&self) -> Result<old::BellClient> {
        Ok(old::BellClient::local(old::Brass))
    }
    async fn ring(&self, bell: old::BellClient) -> Result<u32> {
        assert_eq!(bell.silent().await?, 0);
        bell.ring(1).await.map(|_| 1)
    }
    async fn echo(&self, bell: old::BellClient) -> Result<old::BellClient> {
        Ok(bell)
    }
}

struct Feeder;

impl old::Feed for Feeder {
    fn items(&self) -> impl Stream<Item = i32> + Send {
        stream::iter([-5, 7])
    }
    async fn opened(&self) -> Result<impl Stream<Item = Result<i32>> + Send> {
        Ok(stream::iter([Ok(-5)]))
    }
    async fn sum(&self, items: impl Stream<Item = i32> + Send) -> Result<u32> {
        Ok(std::pin::pin!(items).count().await as u32)
    }
    async fn receiver(&self) -> Result<Receiver<i32>> {
        let (sender, receiver) = channel::channel();
        drop(sender);
        Ok(receiver)
    }
    async fn sender(&self, _: Sender<i32>) -> Result<u32> {
        Ok(0)
    }
    async fn watched(&self) -> Result<watch::Receiver<i32>> {
        Ok(watch::channel(-5).1)
    }
    async fn plain(&self) -> Result<u32> {
        Ok(Context::current().metadata().len() as u32)
    }
}

over_every_transport!(
    the_items_of_streams_are_checked,
    channels_as_values_are_checked,
    an_object_that_is_returned_is_checked,
    a_callback_is_checked,
    an_object_that_comes_back_to_its_owner_is_checked,
    an_object_found_by_name_is_checked,
    channels_and_streams_among_refused_arguments_end,
);

#[track_caller]
fn assert_refused<T: fmt::Debug>(result: Result<T>, parts: &[&str]) {
    assert_fails(result, Code::FailedPrecondition, Outcome::NotExecuted, parts);
}

fn feed() -> Server {
    Server::new().service(old::FeedServer::new(Feeder))
}

const TYPES: &str = "the type is `u32` on this side and `i32` on the other side";

async fn the_items_of_streams_are_checked(transport: Transport) -> TestResult {
    let site = transport.serve(feed()).await?;
    let client = new::FeedClient::new(site.channel.clone());
    let mut items = std::pin::pin!(client.items());
    let first = items.next().await.expect("a refusal");
    assert_refused(first, &["Feed.items", TYPES]);
    assert!(items.next().await.is_none());
    assert_refused(client.opened().await.map(drop), &["Feed.opened", TYPES]);
    assert_refused(client.sum(stream::iter([5])).await, &["Feed.sum", "items", TYPES]);
    assert_eq!(client.plain().await?, 0);
    Ok(())
}

async fn channels_as_values_are_checked(transport: Transport) -> TestResult {
    let site = transport.serve(feed()).await?;
    let client = new::FeedClient::new(site.channel.clone());
    assert_refused(client.receiver().await.map(drop), &["Feed.receiver", TYPES]);
    assert_refused(client.watched().await.map(drop), &["Feed.watched", TYPES]);
    let (sender, _receiver) = channel::channel();
    assert_refused(client.sender(sender).await, &["Feed.sender", "to", TYPES]);
    Ok(())
}

/// The other end of a channel that was an argument is told, so nothing waits for it.
async fn channels_and_streams_among_refused_arguments_end(transport: Transport) -> TestResult {
    let site = transport.serve(feed()).await?;
    let client = new::FeedClient::new(site.channel.clone());
    for _ in 0..2 {
        let (sender, mut receiver) = channel::channel::<u32>();
        assert_refused(client.sender(sender).await, &[TYPES]);
        let end = receiver.recv().await;
        assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    }
    Ok(())
}

async fn an_object_that_is_returned_is_checked(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(old::TowerServer::new(Stone)))
        .await?;
    let tower = new::TowerClient::new(site.channel.clone());
    for _ in 0..2 {
        let bell = tower.bell().await?;
        assert_refused(bell.ring(1).await, &["Bell.ring", "argument `item`", TYPES]);
        assert_eq!(bell.silent().await?, 0);
        assert_refused(bell.ring(1).await, &["Bell.ring", "argument `item`", TYPES]);
    }
    Ok(())
}

async fn a_callback_is_checked(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(old::TowerServer::new(Stone)))
        .await?;
    let tower = new::TowerClient::new(site.channel.clone());
    let error = tower
        .ring(new::BellClient::local(new::Brass))
        .await
        .expect_err("a refusal");
    let text = error.to_string();
    assert!(text.contains("Bell.ring"), "{text}");
    assert!(
        text.contains("the type is `i32` on this side and `u32` on the other side"),
        "{text}"
    );
    assert_eq!(error.code(), Code::FailedPrecondition, "{text}");
    Ok(())
}

/// The call does not travel then, and the two types meet in one process.
async fn an_object_that_comes_back_to_its_owner_is_checked(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(old::TowerServer::new(Stone)))
        .await?;
    let same = old::TowerClient::new(site.channel.clone());
    let bell = same.echo(old::BellClient::local(old::Brass)).await?;
    assert_eq!(bell.ring(3).await?, 3);
    let names = Names::new();
    names.bind("bell", &old::BellClient::local(old::Brass))?;
    let found: new::BellClient = names.lookup("bell")?.client()?;
    assert_refused(found.ring(3).await, &["Bell.ring", "argument `item`", TYPES]);
    assert_eq!(found.silent().await?, 0);
    Ok(())
}

async fn an_object_found_by_name_is_checked(transport: Transport) -> TestResult {
    let names = Names::new();
    names.bind("bell", &old::BellClient::local(old::Brass))?;
    let site = transport
        .serve(Server::new().service(RegistryServer::new(names)))
        .await?;
    let registry = RegistryClient::new(site.channel.clone());
    let reference: Reference = registry.lookup("bell").await?;
    let bell: new::BellClient = reference.client()?;
    assert_refused(bell.ring(3).await, &["Bell.ring", "argument `item`", TYPES]);
    assert_eq!(bell.silent().await?, 0);
    Ok(())
}
