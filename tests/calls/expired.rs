//! Work whose deadline passes while it waits for its turn is not started.
//!
//! Everything runs on one thread, so that a handler that computes holds up all that waits behind it.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use farcall::{Channel, Code, Error, Result, Server};
use farcall_tests::{TestResult, Transport, until};
use futures::future::join_all;
use tower::limit::ConcurrencyLimitLayer;

#[farcall::service]
trait Mill {
    /// Computes for so long.
    async fn grind(&self, call: u32, millis: u64) -> Result<()>;
    /// The same, with arguments that are decoded in a task of their own.
    async fn grind_much(&self, call: u32, millis: u64, grain: Vec<u8>) -> Result<()>;
    #[rpc(blocking)]
    fn block(&self, call: u32, millis: u64) -> Result<()>;
}

/// Which calls were started.
#[derive(Clone, Default)]
struct Started(Arc<Mutex<Vec<u32>>>);

impl Started {
    fn compute(&self, call: u32, millis: u64) {
        self.0.lock().expect("nobody panics").push(call);
        thread::sleep(Duration::from_millis(millis));
    }

    fn has_any(&self) -> bool {
        !self.0.lock().expect("nobody panics").is_empty()
    }

    fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics"))
    }
}

impl Mill for Started {
    async fn grind(&self, call: u32, millis: u64) -> Result<()> {
        self.compute(call, millis);
        Ok(())
    }
    async fn grind_much(&self, call: u32, millis: u64, _: Vec<u8>) -> Result<()> {
        self.compute(call, millis);
        Ok(())
    }
    fn block(&self, call: u32, millis: u64) -> Result<()> {
        self.compute(call, millis);
        Ok(())
    }
}

/// How long the first call computes, and the time that the others have: they are over when it has ended.
const LONG: u64 = 300;
const SHORT: Duration = Duration::from_millis(100);
/// How many calls wait behind the first one.
const LATE: u32 = 12;

/// Only the first call has run, and the callers of the others know what became of them.
#[track_caller]
fn assert_only_the_first_ran(results: &[Result<()>], started: &Started) {
    assert_eq!(started.take(), [0]);
    assert_eq!(results[0], Ok(()));
    for late in &results[1..] {
        let code = late.as_ref().map_err(Error::code);
        assert_eq!(code, Err(Code::DeadlineExceeded));
    }
}

/// The first call computes for long, and the others wait behind it.
async fn grind_all(mill: &MillClient) -> Vec<Result<()>> {
    let late = mill.with_timeout(SHORT);
    let late = (1..=LATE).map(|call| late.grind(call, 0));
    join_all(std::iter::once(mill.grind(0, LONG)).chain(late)).await
}

/// Over every transport, on one thread.
macro_rules! on_one_thread {
    ($($test:ident),*) => {
        mod one_thread {
            use super::*;

            $(
                #[tokio::test]
                async fn $test() -> TestResult {
                    for transport in [Transport::Tcp, Transport::Unix, Transport::Udp, Transport::Loopback] {
                        super::$test(transport).await?;
                    }
                    Ok(())
                }
            )*
        }
    };
}

on_one_thread!(
    calls_that_came_together_are_not_started_after_their_deadlines,
    calls_in_tasks_of_their_own_are_not_started_after_their_deadlines,
    large_calls_are_not_started_after_their_deadlines,
    calls_that_waited_in_a_layer_are_not_started_after_their_deadlines
);

async fn calls_that_came_together_are_not_started_after_their_deadlines(transport: Transport) -> TestResult {
    let started = Started::default();
    let site = transport
        .serve(Server::new().service(MillServer::new(started.clone())))
        .await?;
    let mill = MillClient::new(site.channel.clone());
    assert_only_the_first_ran(&grind_all(&mill).await, &started);
    // The method is known as one that computes now, and its calls run in tasks of their own.
    assert_only_the_first_ran(&grind_all(&mill).await, &started);
    Ok(())
}

async fn calls_in_tasks_of_their_own_are_not_started_after_their_deadlines(transport: Transport) -> TestResult {
    let started = Started::default();
    let server = Server::new().service(MillServer::new(started.clone()));
    let site = transport.serve(server.spawn_handlers()).await?;
    let mill = MillClient::new(site.channel.clone());
    assert_only_the_first_ran(&grind_all(&mill).await, &started);
    Ok(())
}

async fn large_calls_are_not_started_after_their_deadlines(transport: Transport) -> TestResult {
    let started = Started::default();
    let site = transport
        .serve(Server::new().service(MillServer::new(started.clone())))
        .await?;
    let mill = MillClient::new(site.channel.clone());
    let (grain, late) = (vec![7; 200 << 10], mill.with_timeout(SHORT));
    let results = [
        mill.grind_much(0, LONG, grain.clone()),
        late.grind_much(1, 0, grain.clone()),
        late.grind_much(2, 0, grain),
    ];
    let results = join_all(results).await;
    // A large call may be on its way still while the first one computes, and begin when it has come.
    assert_eq!(started.take().first(), Some(&0));
    assert_eq!(results[0], Ok(()));
    Ok(())
}

async fn calls_that_waited_in_a_layer_are_not_started_after_their_deadlines(transport: Transport) -> TestResult {
    let started = Started::default();
    let server = Server::new().service(MillServer::new(started.clone()));
    let server = server.spawn_handlers().layer(ConcurrencyLimitLayer::new(1));
    let site = transport.serve(server).await?;
    let mill = MillClient::new(site.channel.clone());
    assert_only_the_first_ran(&grind_all(&mill).await, &started);
    Ok(())
}

/// There is one thread for handlers that block.
#[test]
fn a_blocking_handler_that_waits_for_a_thread_is_not_started_after_its_deadline() -> TestResult {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(1).build()?;
    runtime.block_on(async {
        let started = Started::default();
        let server = Server::new().service(MillServer::new(started.clone()));
        let mill = MillClient::new(Channel::builder().loopback(server));
        let late = mill.with_timeout(SHORT);
        let first = tokio::spawn(mill.block(0, LONG));
        until(|| started.has_any()).await;
        let second = tokio::spawn(late.block(1, 0));
        // The call comes to the server, on this very thread, and waits there for the one that may block.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        // The runtime stands still, so it cannot take the closure back that waits.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(2 * LONG) {
            thread::yield_now();
        }
        let (first, second) = (first.await?, second.await?);
        assert_only_the_first_ran(&[first, second], &started);
        Ok(())
    })
}
