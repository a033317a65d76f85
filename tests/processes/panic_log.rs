//! A panic is seen in the process in which it was, beside the id that the caller has, no matter what reads the
//! program's output.
#![allow(missing_docs, clippy::print_stdout, reason = "a test, whose child talks to it")]

use std::{
    env,
    process::{Command, Output},
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
