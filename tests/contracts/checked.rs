//! A call whose types differ is refused before anything of it is decoded, with a text that a person can act on. All
//! other calls go on.

use std::{
    fmt,
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use farcall::{
    Channel, Code, Error, Outcome, Result, Server,
    layer::{Next, Request},
};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_transport, wrap};
use serde::{Deserialize, Serialize};
use tower_service::Service as _;

/// What the server was built from.
mod old {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Kind {
        Fruit,
        Tool,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Item {
        pub(super) kind: Kind,
        pub(super) count: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) items: Vec<Item>,
    }

    #[farcall::service]
    pub(super) trait Shop {
        async fn order(&self, order: Order) -> Result<u32>;
        async fn same(&self, number: u32) -> Result<u32>;
        async fn list(&self) -> Result<Vec<Item>>;
        async fn sell(&self, sku: &str) -> Result<u32, Refusal>;
        #[rpc(oneway)]
        async fn note(&self, kind: Kind);
        async fn noted(&self) -> usize;
    }

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) enum Refusal {
        Remote(Error),
        Sold,
        Broken,
    }

    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Remote(error)
        }
    }

    /// Counts what it does.
    #[derive(Clone, Default)]
    pub(super) struct Store {
        pub(super) runs: Arc<AtomicUsize>,
    }

    impl Store {
        fn run(&self) {
            self.runs.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Shop for Store {
        async fn order(&self, order: Order) -> Result<u32> {
            self.run();
            Ok(order.items.iter().map(|item| item.count).sum())
        }
        async fn same(&self, number: u32) -> Result<u32> {
            Ok(number)
        }
        async fn list(&self) -> Result<Vec<Item>> {
            self.run();
            Ok(Vec::new())
        }
        async fn sell(&self, _: &str) -> Result<u32, Refusal> {
            self.run();
            Err(Refusal::Sold)
        }
        async fn note(&self, _: Kind) {
            self.run();
        }
        async fn noted(&self) -> usize {
            self.runs.load(Ordering::SeqCst)
        }
    }
}

/// What the client was built from.
mod new {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Kind {
        Fruit,
        Toy,
        Tool,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Item {
        pub(super) kind: Kind,
        pub(super) count: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) items: Vec<Item>,
    }

    #[farcall::service]
    pub(super) trait Shop {
        async fn noted(&self) -> usize;
        async fn same(&self, number: u32) -> Result<u32>;
        async fn order(&self, order: Order) -> Result<u32>;
        async fn list(&self) -> Result<Vec<Item>>;
        async fn sell(&self, sku: &str) -> Result<u32, Refusal>;
        #[rpc(oneway)]
        async fn note(&self, kind: Kind);
    }

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) enum Refusal {
        Remote(Error),
        Broken,
        Sold,
    }

    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Remote(error)
        }
    }

    pub(super) struct Store;

    impl Shop for Store {
        async fn noted(&self) -> usize {
            0
        }
        async fn same(&self, number: u32) -> Result<u32> {
            Ok(number)
        }
        async fn order(&self, order: Order) -> Result<u32> {
            Ok(order.items.iter().map(|item| item.count).sum())
        }
        async fn list(&self) -> Result<Vec<Item>> {
            Ok(Vec::new())
        }
        async fn sell(&self, _: &str) -> Result<u32, Refusal> {
            Err(Refusal::Broken)
        }
        async fn note(&self, _: Kind) {}
    }

    pub(super) fn order() -> Order {
        Order {
            items: vec![Item {
                kind: Kind::Tool,
                count: 3,
            }],
        }
    }
}

use new::{ShopBlockingClient, ShopClient, order};
use old::{ShopServer, Store};

over_every_transport!(
    a_call_with_other_types_is_refused_and_says_where_they_differ,
    each_method_is_judged_by_itself,
    an_error_of_the_service_may_differ_too,
    a_oneway_call_is_not_run,
    layers_see_the_refusal,
    layers_of_the_server_come_before_the_check,
    what_is_refused_is_not_asked_again,
    named_instances_are_checked_too,
    a_blocking_client_is_refused_alike,
);

const WHY: &str = "the two sides were built with different versions of this method: \
    argument `order.items[].kind::Toy`: only this side has it (number 1 of 3); its values would arrive as others, so \
    build both sides from the same version of the trait and its types";

fn server(store: &Store) -> Server {
    Server::new().service(ShopServer::new(store.clone()))
}

#[track_caller]
fn assert_refused<T: fmt::Debug>(result: Result<T>, parts: &[&str]) {
    let error = result.as_ref().expect_err("the call should have failed");
    assert!(!error.is_retryable(), "{error}");
    assert_fails(result, Code::FailedPrecondition, Outcome::NotExecuted, parts);
}

async fn a_call_with_other_types_is_refused_and_says_where_they_differ(transport: Transport) -> TestResult {
    let store = Store::default();
    let site = transport.serve(server(&store)).await?;
    let shop = ShopClient::new(site.channel.clone());
    let error = shop.order(order()).await.expect_err("other types");
    assert_eq!(
        error.to_string(),
        format!("Shop.order: {WHY} (failed precondition; the call was not executed)")
    );
    assert!(error.metadata().is_empty(), "{:?}", error.metadata());
    assert_refused(Err::<(), _>(error), &[]);
    assert_eq!(store.runs.load(Ordering::SeqCst), 0);
    Ok(())
}

async fn each_method_is_judged_by_itself(transport: Transport) -> TestResult {
    let site = transport.serve(server(&Store::default())).await?;
    let shop = ShopClient::new(site.channel.clone());
    for number in 0..3 {
        assert_refused(shop.order(order()).await, &["Shop.order", "order.items[].kind"]);
        assert_eq!(shop.same(number).await?, number);
        assert_refused(shop.list().await, &["Shop.list", "result `[].kind::Toy`"]);
    }
    Ok(())
}

async fn an_error_of_the_service_may_differ_too(transport: Transport) -> TestResult {
    let site = transport.serve(server(&Store::default())).await?;
    let shop = ShopClient::new(site.channel.clone());
    match shop.sell("apple").await {
        Err(new::Refusal::Remote(error)) => assert_refused(
            Err::<(), _>(error),
            &["Shop.sell", "the error: the order is Remote, Broken, Sold on this side"],
        ),
        other => panic!("{other:?}"),
    }
    Ok(())
}

/// Nobody waits for the answer, but the connection learns from it.
async fn a_oneway_call_is_not_run(transport: Transport) -> TestResult {
    let store = Store::default();
    let site = transport.serve(server(&store)).await?;
    let shop = ShopClient::new(site.channel.clone());
    let mut sent = 0;
    let refused = loop {
        match shop.note(new::Kind::Tool).await {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        // Its answer comes behind that of the note.
        assert_eq!(shop.noted().await?, 0);
    };
    assert!(sent >= 1);
    assert_refused(Err::<(), _>(refused), &["Shop.note", "kind::Toy"]);
    Ok(())
}

async fn layers_see_the_refusal(transport: Transport) -> TestResult {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = |side: &'static str| {
        let seen = Arc::clone(&seen);
        wrap(move |request: Request, mut next: Next| {
            let (seen, method) = (Arc::clone(&seen), request.method.path);
            let answer = next.call(request);
            async move {
                let answer = answer.await;
                let code = answer.as_ref().err().map(Error::code);
                seen.lock().expect("no panic").push((side, method, code));
                answer
            }
        })
    };
    let server = server(&Store::default()).layer(watched("server"));
    let site = transport
        .serve_to(server, Channel::builder().layer(watched("client")))
        .await?;
    let shop = ShopClient::new(site.channel.clone());
    assert_refused(shop.order(order()).await, &["Shop.order", "order.items[].kind::Toy"]);
    let refused = |side| (side, "Shop.order", Some(Code::FailedPrecondition));
    assert_eq!(*seen.lock().expect("no panic"), [refused("server"), refused("client")]);
    Ok(())
}

/// Who may not call learns nothing of the types.
async fn layers_of_the_server_come_before_the_check(transport: Transport) -> TestResult {
    let closed = wrap(|_: Request, _: Next| ready(Err(Error::unauthenticated("who are you?"))));
    let site = transport.serve(server(&Store::default()).layer(closed)).await?;
    let shop = ShopClient::new(site.channel.clone());
    let error = shop.order(order()).await.expect_err("a layer refuses");
    assert_eq!(error.code(), Code::Unauthenticated, "{error}");
    assert!(!format!("{error:?}").contains("kind"), "{error:?}");
    Ok(())
}

/// The server is asked once: its layers see one call.
async fn what_is_refused_is_not_asked_again(transport: Transport) -> TestResult {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let count = wrap(move |request: Request, mut next: Next| {
        counted.fetch_add(1, Ordering::SeqCst);
        next.call(request)
    });
    let site = transport.serve(server(&Store::default()).layer(count)).await?;
    let shop = ShopClient::new(site.channel.clone());
    for _ in 0..3 {
        assert_refused(shop.order(order()).await, &["Shop.order", WHY]);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    Ok(())
}

async fn named_instances_are_checked_too(transport: Transport) -> TestResult {
    let server = Server::new()
        .named_service("east", ShopServer::new(Store::default()))
        .named_service("west", ShopServer::new(Store::default()));
    let site = transport.serve(server).await?;
    for instance in ["east", "west", "east"] {
        let shop = ShopClient::new(site.channel.with_instance(instance));
        assert_refused(shop.order(order()).await, &["Shop.order", WHY]);
        assert_eq!(shop.same(5).await?, 5);
    }
    Ok(())
}

async fn a_blocking_client_is_refused_alike(transport: Transport) -> TestResult {
    let site = transport.serve(server(&Store::default())).await?;
    let shop = ShopBlockingClient::new(site.channel.clone());
    let (order, same) = tokio::task::spawn_blocking(move || (shop.order(order()), shop.same(4))).await?;
    assert_refused(order, &["Shop.order", WHY]);
    assert_eq!(same?, 4);
    Ok(())
}

/// A server that was built anew takes the place of the other one.
#[tokio::test]
async fn a_new_connection_is_checked_anew() -> TestResult {
    let address = "mem://contracts-anew";
    let first = server(&Store::default()).listen(address).await?;
    let channel = Channel::connect(address).await?;
    let (news, olds) = (ShopClient::new(channel.clone()), old::ShopClient::new(channel));
    let nothing = || old::Order { items: Vec::new() };
    assert_refused(news.order(order()).await, &[WHY]);
    assert_eq!(olds.order(nothing()).await?, 0);
    first.shutdown(std::time::Duration::ZERO).await;
    let _second = Server::new()
        .service(new::ShopServer::new(new::Store))
        .listen(address)
        .await?;
    assert_eq!(news.order(order()).await?, 3);
    assert_refused(olds.order(nothing()).await, &["only the other side has it"]);
    Ok(())
}
