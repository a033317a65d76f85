//! Objects of this process, called without a network: the same promises as over one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, ChannelState, Code, Context, Error, Outcome, Result, client::ReplyMetadata};
use farcall_tests::{Gate, TestResult, assert_fails, until};

#[farcall::service]
trait Shop {
    async fn greet(&self, name: &str) -> Result<String>;
    async fn context(&self) -> Result<(Option<String>, Option<Duration>, Option<String>)>;
    async fn refuse(&self) -> Result<()>;
    async fn panic(&self) -> Result<()>;
    async fn wait(&self) -> Result<u64>;
    #[rpc(detached)]
    async fn wait_detached(&self) -> Result<u64>;
    #[rpc(oneway)]
    async fn note(&self);
    #[rpc(blocking)]
    fn block(&self) -> Result<bool>;
    #[rpc(timeout = "1s")]
    async fn brief(&self) -> Result<()>;
}

#[derive(Clone)]
struct Counter {
    gate: Gate,
    running: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    alive: Arc<()>,
}

/// Counts a handler as long as it is not dropped.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counter {
    fn new() -> Self {
        Self {
            gate: Gate::new(),
            running: Arc::default(),
            ended: Arc::default(),
            alive: Arc::default(),
        }
    }

    async fn pass(&self) -> Result<u64> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(Arc::clone(&self.running));
        self.gate.pass().await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        Ok(7)
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

impl Shop for Counter {
    async fn greet(&self, name: &str) -> Result<String> {
        Context::current().append_reply_metadata("served-by", "handler")?;
        Ok(format!("hello {name}"))
    }

    async fn context(&self) -> Result<(Option<String>, Option<Duration>, Option<String>)> {
        let context = Context::current();
        let tenant = context.metadata().value("tenant").map(str::to_owned);
        Ok((tenant, context.remaining(), context.method().map(str::to_owned)))
    }

    async fn refuse(&self) -> Result<()> {
        Context::current().append_reply_metadata("served-by", "handler")?;
        Err(Error::not_found("no such thing"))
    }

    async fn panic(&self) -> Result<()> {
        panic!("in an object")
    }

    async fn wait(&self) -> Result<u64> {
        self.pass().await
    }

    async fn wait_detached(&self) -> Result<u64> {
        self.pass().await
    }

    async fn note(&self) {
        let _ = self.pass().await;
    }

    fn block(&self) -> Result<bool> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(Arc::clone(&self.running));
        while !Context::current().is_cancelled() {
            std::thread::yield_now();
        }
        self.ended.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }

    async fn brief(&self) -> Result<()> {
        std::future::pending().await
    }
}

fn shop() -> (Counter, ShopClient) {
    let counter = Counter::new();
    (counter.clone(), ShopClient::local(counter))
}

#[tokio::test]
async fn a_call_has_a_context_metadata_and_a_deadline() -> TestResult {
    let (_, shop) = shop();
    let seen = ReplyMetadata::new();
    assert_eq!(shop.with_reply_metadata(&seen).greet("you").await?, "hello you");
    assert_eq!(seen.latest().value("served-by"), Some("handler"));
    assert_eq!(
        shop.context().await?,
        (None, None, Some("context".into())),
        "no deadline unless one is set"
    );
    let (tenant, remaining, _) = shop
        .with_metadata("tenant", "eu")
        .with_timeout(Duration::from_secs(60))
        .context()
        .await?;
    assert_eq!(tenant.as_deref(), Some("eu"));
    assert!(remaining.is_some_and(|remaining| remaining > Duration::from_secs(50)));
    assert_eq!(shop.channel().address().to_string(), "local://");
    Ok(())
}

#[tokio::test]
async fn failures_are_told_as_over_a_network() -> TestResult {
    let (_, shop) = shop();
    let seen = ReplyMetadata::new();
    let refused = shop.with_reply_metadata(&seen).refuse().await;
    assert_fails(
        refused,
        Code::NotFound,
        Outcome::Executed,
        &["Shop.refuse", "no such thing"],
    );
    assert_eq!(seen.latest().value("served-by"), Some("handler"));
    let parts = ["Shop.panic", "the handler panicked"];
    assert_fails(shop.panic().await, Code::Internal, Outcome::Unknown, &parts);
    assert_eq!(shop.greet("you").await?, "hello you");
    Ok(())
}

/// Nothing of it needs a runtime, as long as nothing needs the clock.
#[test]
fn a_call_runs_in_any_executor() -> TestResult {
    let (_, shop) = shop();
    assert_eq!(futures::executor::block_on(shop.greet("you"))?, "hello you");
    let refused = futures::executor::block_on(shop.brief());
    let parts = ["Shop.brief", "tokio runtime", "a deadline"];
    assert_fails(refused, Code::FailedPrecondition, Outcome::NotExecuted, &parts);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_stops_the_handler() -> TestResult {
    let (counter, shop) = shop();
    let late = shop.brief().await;
    assert_fails(
        late,
        Code::DeadlineExceeded,
        Outcome::Unknown,
        &["Shop.brief", "at the deadline"],
    );
    let late = shop.with_timeout(Duration::from_secs(5)).wait().await;
    assert_fails(late, Code::DeadlineExceeded, Outcome::Unknown, &["Shop.wait"]);
    assert_eq!((counter.running(), counter.ended()), (0, 0));
    let late = shop.with_timeout(Duration::ZERO).wait().await;
    assert_fails(late, Code::DeadlineExceeded, Outcome::NotExecuted, &["Shop.wait"]);
    Ok(())
}

#[tokio::test]
async fn dropping_the_call_stops_the_handler() -> TestResult {
    let (counter, shop) = shop();
    let mut call = Box::pin(shop.wait());
    assert!(futures::poll!(&mut call).is_pending());
    assert_eq!(counter.running(), 1);
    drop(call);
    assert_eq!((counter.running(), counter.ended()), (0, 0));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_dropped_is_told() -> TestResult {
    let (counter, shop) = shop();
    let mut call = Box::pin(shop.block());
    assert!(futures::poll!(&mut call).is_pending());
    until(|| counter.running() == 1).await;
    drop(call);
    until(|| counter.ended() == 1).await;
    Ok(())
}

#[tokio::test]
async fn a_detached_handler_outlives_its_call_and_ends_with_its_object() -> TestResult {
    let (counter, shop) = shop();
    let mut call = Box::pin(shop.wait_detached());
    assert!(futures::poll!(&mut call).is_pending());
    until(|| counter.running() == 1).await;
    drop(call);
    counter.gate.open(1);
    until(|| counter.ended() == 1).await;

    let counter = Counter::new();
    let shop = ShopClient::local(counter.clone());
    let mut call = Box::pin(shop.wait_detached());
    assert!(futures::poll!(&mut call).is_pending());
    until(|| counter.running() == 1).await;
    drop((call, shop));
    until(|| counter.running() == 0).await;
    assert_eq!(counter.ended(), 0);
    Ok(())
}

#[tokio::test]
async fn nobody_waits_for_a_oneway_handler() -> TestResult {
    let (counter, shop) = shop();
    shop.note().await?;
    until(|| counter.running() == 1).await;
    counter.gate.open(1);
    until(|| counter.ended() == 1).await;
    Ok(())
}

#[tokio::test]
async fn a_revoked_object_takes_no_calls_and_ends_with_those_under_way() -> TestResult {
    let counter = Counter::new();
    let alive = Arc::downgrade(&counter.alive);
    let (gate, ended) = (counter.gate.clone(), Arc::clone(&counter.ended));
    let shop = ShopClient::local(counter);
    let mut call = Box::pin(shop.wait());
    assert!(futures::poll!(&mut call).is_pending());
    assert_eq!(shop.channel().state(), ChannelState::Ready);
    assert!(shop.channel().revoke());
    assert!(!shop.channel().revoke(), "there is nothing left to take back");
    let parts = ["Shop.greet", "the `Shop` object is revoked or gone"];
    assert_fails(shop.greet("you").await, Code::NotFound, Outcome::NotExecuted, &parts);
    assert_eq!(shop.channel().state(), ChannelState::Idle);
    assert_eq!(
        shop.channel().ready().await.map_err(|error| error.code()),
        Err(Code::NotFound)
    );
    assert!(alive.upgrade().is_some(), "the call under way goes on");
    gate.open(1);
    assert_eq!(call.await?, 7);
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    assert!(alive.upgrade().is_none());
    Ok(())
}

#[tokio::test]
async fn a_channel_that_dials_has_nothing_to_revoke() -> TestResult {
    let channel = Channel::builder().connect_lazily("tcp://127.0.0.1:1")?;
    assert!(!channel.revoke());
    Ok(())
}
