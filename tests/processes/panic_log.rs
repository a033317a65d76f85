//! A panic is seen in the process in which it was, beside the id that the caller has, no matter what reads the
//! program's output.
#![allow(missing_docs, clippy::print_stdout, reason = "a test, whose child talks to it")]

use std::{
    env,
    future::poll_fn,
    pin::pin,
    process::{Command, Output},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use farcall::{Channel, Error, Server};
use farcall_tests::{TestResult, process};
use futures::{StreamExt, stream};

#[farcall::service]
trait Shop {
    async fn panic(&self) -> farcall::Result<u32>;
    fn numbers(&self) -> impl stream::Stream<Item = farcall::Result<u32>> + Send;
}

struct Broken;

impl Shop for Broken {
    async fn panic(&self) -> farcall::Result<u32> {
        panic!("the till is on fire")
    }
    fn numbers(&self) -> impl stream::Stream<Item = farcall::Result<u32>> + Send {
        stream::iter([1, 2]).map(|number| {
            assert!(number != 2, "two is too many");
            Ok(number)
        })
    }
}

/// Runs the test `name` of this binary in a process of its own, to its end.
fn child(name: &str) -> std::io::Result<Output> {
    Command::new(env::current_exe()?)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(process::ROLE, "1")
        .output()
}

/// The id in what a caller is told.
fn id(error: &Error) -> Option<&str> {
    error.message().split_once("`panic ")?.1.strip_suffix('`')
}

#[tokio::test]
async fn a_panic_is_seen_beside_its_id() -> TestResult {
    if process::is_child() {
        let shop = ShopClient::new(Channel::builder().loopback(Server::new().service(ShopServer::new(Broken))));
        let error = shop.panic().await.expect_err("it panics");
        println!("\nid {}", id(&error).ok_or("no id")?);
        let mut items = shop.numbers();
        assert_eq!(items.next().await, Some(Ok(1)));
        let error = items.next().await.ok_or("no error")?.expect_err("it panics");
        println!("id {}", id(&error).ok_or("no id")?);
        return Ok(());
    }
    let output = child("panic_log::a_panic_is_seen_beside_its_id")?;
    assert!(output.status.success());
    let (told, seen) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    let ids: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("id ")).collect();
    assert_eq!(ids.len(), 2, "{told}");
    let texts = [
        ("the handler of `Shop.panic`", "the till is on fire"),
        ("the stream", "two is too many"),
    ];
    for (id, (what, text)) in ids.iter().zip(texts) {
        let line = format!("farcall: {what} panicked (panic {id}): {text}");
        assert!(seen.contains(&line), "`{line}` is not in: {seen}");
    }
    Ok(())
}

#[farcall::service]
trait Bomb {
    /// Waits with a waker that panics, outside of any handler.
    async fn set(&self) -> farcall::Result<()>;
}

struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("the waker is on fire")
    }
}

impl Bomb for Broken {
    async fn set(&self) -> farcall::Result<()> {
        let waker = Waker::from(Arc::new(PanickingWaker));
        let mut sleep = pin!(tokio::time::sleep(Duration::from_millis(1)));
        poll_fn(|_| {
            let _ = sleep.as_mut().poll(&mut Context::from_waker(&waker));
            Poll::Pending
        })
        .await
    }
}

#[tokio::test]
async fn a_panic_of_a_shard_is_seen() -> TestResult {
    if process::is_child() {
        let server = Server::new().service(BombServer::new(Broken)).shards(1);
        let server = server.listen("tcp://127.0.0.1:0").await?;
        let bomb = BombClient::connect(server.local_addr()).await?;
        bomb.set().await.expect_err("its thread is gone");
        server.wait().await;
        return Ok(());
    }
    let output = child("panic_log::a_panic_of_a_shard_is_seen")?;
    assert!(output.status.success());
    let seen = String::from_utf8(output.stderr)?;
    let line = seen
        .lines()
        .find(|line| line.starts_with("farcall: a thread of the server `farcall-0` panicked (panic "));
    assert!(
        line.is_some_and(|line| line.ends_with("the waker is on fire")),
        "{seen}"
    );
    Ok(())
}
