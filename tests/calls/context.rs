//! What a handler knows about its call, and where.

use std::time::Duration;

use farcall::{Channel, Context, Result, Server};
use farcall_tests::{TestResult, Transport, over_every_transport};
use serde::{Deserialize, Serialize};

/// What a context says, to be looked at by the caller.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    peer: Option<String>,
    service: Option<String>,
    method: Option<String>,
    instance: Option<String>,
    tenant: Option<String>,
    has_deadline: bool,
    is_cancelled: bool,
}

impl Seen {
    fn here() -> Self {
        let context = Context::current();
        Self {
            peer: context.peer().map(ToString::to_string),
            service: context.service().map(str::to_owned),
            method: context.method().map(str::to_owned),
            instance: context.instance().map(str::to_owned),
            tenant: context.metadata().value("tenant").map(str::to_owned),
            has_deadline: context.deadline().is_some(),
            is_cancelled: context.is_cancelled(),
        }
    }
}

#[farcall::service(name = "Looking")]
trait Looks {
    async fn at_once(&self) -> Seen;
    async fn after_an_await(&self) -> Seen;
    fn inline(&self) -> Seen;
    #[rpc(blocking)]
    fn aside(&self) -> Seen;
    async fn in_a_task(&self) -> Seen;
    async fn in_a_scoped_task(&self) -> Seen;
    #[rpc(name = "otherwise")]
    async fn renamed(&self) -> Seen;
    async fn remaining(&self) -> Option<Duration>;
    async fn around_a_nested_call(&self) -> Result<(Seen, Seen)>;
}

struct Eyes;

impl Looks for Eyes {
    async fn at_once(&self) -> Seen {
        Seen::here()
    }
    async fn after_an_await(&self) -> Seen {
        tokio::task::yield_now().await;
        Seen::here()
    }
    fn inline(&self) -> Seen {
        Seen::here()
    }
    fn aside(&self) -> Seen {
        Seen::here()
    }
    async fn in_a_task(&self) -> Seen {
        tokio::spawn(async { Seen::here() }).await.expect("it does not panic")
    }
    async fn in_a_scoped_task(&self) -> Seen {
        let looking = Context::current().scope(async {
            tokio::task::yield_now().await;
            Seen::here()
        });
        tokio::spawn(looking).await.expect("it does not panic")
    }
    async fn renamed(&self) -> Seen {
        Seen::here()
    }
    async fn remaining(&self) -> Option<Duration> {
        Context::current().remaining()
    }
    async fn around_a_nested_call(&self) -> Result<(Seen, Seen)> {
        let below = LooksClient::loopback(Eyes).after_an_await().await?;
        Ok((below, Seen::here()))
    }
}

fn looking() -> Server {
    Server::new()
        .service(LooksServer::new(Eyes))
        .named_service("left/eye", LooksServer::new(Eyes))
}

fn client(channel: &Channel) -> LooksClient {
    LooksClient::new(channel.clone()).with_metadata("tenant", "eu")
}

over_every_transport!(
    every_kind_of_handler_has_it,
    a_task_has_it_when_it_is_given,
    the_instance_is_named_as_it_was_registered,
    a_nested_call_has_its_own,
);

async fn every_kind_of_handler_has_it(transport: Transport) -> TestResult {
    let site = transport.serve(looking()).await?;
    let looks = client(&site.channel);
    let expected = |method: &str, peer: Option<String>| Seen {
        peer,
        service: Some("Looking".to_owned()),
        method: Some(method.to_owned()),
        instance: None,
        tenant: Some("eu".to_owned()),
        has_deadline: true,
        is_cancelled: false,
    };
    for (method, seen) in [
        ("at_once", looks.at_once().await?),
        ("after_an_await", looks.after_an_await().await?),
        ("inline", looks.inline().await?),
        ("aside", looks.aside().await?),
        ("otherwise", looks.renamed().await?),
    ] {
        let peer = seen.peer.clone();
        let scheme = peer
            .as_deref()
            .and_then(|peer| peer.split_once("://"))
            .map(|(scheme, _)| scheme);
        assert_eq!(scheme, Some(site.channel.address().scheme()), "{method}");
        assert_eq!(seen, expected(method, peer));
    }
    Ok(())
}

async fn a_task_has_it_when_it_is_given(transport: Transport) -> TestResult {
    let site = transport.serve(looking()).await?;
    let looks = client(&site.channel);
    assert_eq!(looks.in_a_task().await?, Seen::default());
    assert_eq!(
        looks.in_a_scoped_task().await?.method.as_deref(),
        Some("in_a_scoped_task")
    );
    Ok(())
}

async fn the_instance_is_named_as_it_was_registered(transport: Transport) -> TestResult {
    let site = transport.serve(looking()).await?;
    let seen = client(&site.channel.with_instance("left/eye")).at_once().await?;
    assert_eq!(seen.instance.as_deref(), Some("left/eye"));
    assert_eq!(client(&site.channel).at_once().await?.instance, None);
    Ok(())
}

/// The call below has its own context, gets none of the metadata by itself, and leaves the one above as it was.
async fn a_nested_call_has_its_own(transport: Transport) -> TestResult {
    let site = transport.serve(looking()).await?;
    let (below, above) = client(&site.channel).around_a_nested_call().await?;
    assert_eq!(below.method.as_deref(), Some("after_an_await"));
    assert_eq!((below.peer.as_deref(), below.tenant), (Some("loopback://"), None));
    assert_eq!(above.method.as_deref(), Some("around_a_nested_call"));
    assert_eq!(above.tenant.as_deref(), Some("eu"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_remaining_time_is_what_the_caller_gave() -> TestResult {
    let looks = LooksClient::loopback(Eyes).with_timeout(Duration::from_micros(1_234_567));
    assert_eq!(looks.remaining().await?, Some(Duration::from_micros(1_234_567)));
    Ok(())
}

#[tokio::test]
async fn outside_a_handler_it_is_empty() -> TestResult {
    assert!(Context::try_current().is_none());
    let context = Context::current();
    assert_eq!(Seen::here(), Seen::default());
    assert_eq!(context.remaining(), None);
    context.append_reply_metadata("goes", "nowhere")?;
    assert!(tokio::time::timeout(Duration::ZERO, context.cancelled()).await.is_err());
    // Nor does a call leave one behind.
    LooksClient::loopback(Eyes).inline().await?;
    assert!(Context::try_current().is_none());
    Ok(())
}
