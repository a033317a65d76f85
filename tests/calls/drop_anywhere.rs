//! Calls dropped at any moment leave nothing behind, and every later answer is right.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use farcall::{Channel, Limits, Result, Server};
use farcall_tests::{TestResult, Transport, over_every_transport, scaled, until};
use futures::future::join_all;
use tokio::{sync::Notify, time::timeout};

const TASKS: usize = 16;

#[farcall::service]
trait Echo {
    async fn at_once(&self, number: u64) -> Result<u64>;
    async fn later(&self, number: u64, turns: u32) -> Result<u64>;
    async fn padded(&self, number: u64, padding: &[u8]) -> Result<(u64, Vec<u8>)>;
    #[rpc(blocking)]
    fn aside(&self, number: u64) -> Result<u64>;
    #[rpc(detached)]
    async fn to_the_end(&self, number: u64, turns: u32) -> Result<u64>;
    #[rpc(oneway)]
    async fn told(&self, number: u64);
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

struct Running<'a>(&'a AtomicUsize);

impl Counter {
    fn enter(&self) -> Running<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Running(&self.0)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

impl Echo for Counter {
    async fn at_once(&self, number: u64) -> Result<u64> {
        let _running = self.enter();
        Ok(number)
    }
    async fn later(&self, number: u64, count: u32) -> Result<u64> {
        let _running = self.enter();
        turns(count).await;
        Ok(number)
    }
    async fn padded(&self, number: u64, padding: &[u8]) -> Result<(u64, Vec<u8>)> {
        let _running = self.enter();
        turns(1).await;
        Ok((number, padding.to_vec()))
    }
    fn aside(&self, number: u64) -> Result<u64> {
        let _running = self.enter();
        Ok(number)
    }
    async fn to_the_end(&self, number: u64, count: u32) -> Result<u64> {
        let _running = self.enter();
        turns(count).await;
        Ok(number)
    }
    async fn told(&self, _number: u64) {
        let _running = self.enter();
    }
}

/// Polls `call` at most `polls` times, then drops it.
async fn polled<T>(call: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match call.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // Each turn of the task is one poll, whether or not something has happened.
            Poll::Pending => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

/// One call of a kind that `random` picks; an answer that comes is the one to this call.
async fn one_call(echo: &EchoClient, random: &mut fastrand::Rng, number: u64) -> Result<()> {
    let polls = random.usize(0..12);
    let count = random.u32(0..8);
    let padding = vec![number as u8; random.usize(0..200_000)];
    match random.u8(0..12) {
        0..3 => check(polled(echo.at_once(number), polls).await, number),
        3..6 => check(polled(echo.later(number, count), polls).await, number),
        6 => match polled(echo.padded(number, &padding), polls).await.transpose()? {
            Some(answer) => {
                assert!(answer == (number, padding), "another call's answer");
                Ok(())
            }
            None => Ok(()),
        },
        7..9 => check(polled(echo.aside(number), polls).await, number),
        9..11 => check(polled(echo.to_the_end(number, count), polls).await, number),
        _ => polled(echo.told(number), polls).await.transpose().map(|_| ()),
    }
}

fn check(answer: Option<Result<u64>>, number: u64) -> Result<()> {
    if let Some(answer) = answer.transpose()? {
        assert_eq!(answer, number, "another call's answer");
    }
    Ok(())
}

over_every_transport!(
    calls_dropped_anywhere_leave_nothing_behind,
    calls_that_move_from_task_to_task_are_woken,
);

async fn calls_dropped_anywhere_leave_nothing_behind(transport: Transport) -> TestResult {
    const SEED: u64 = 0x5eed;
    let calls = scaled(3000, 100_000);
    let counter = Counter::default();
    // Every place is needed again and again; one that is lost shows in the end.
    let limits = || {
        Limits::default()
            .max_calls(64)
            .max_buffered(1 << 20)
            .max_message(1 << 20)
    };
    let server = Server::new().service(EchoServer::new(counter.clone())).limits(limits());
    let site = transport.serve_to(server, Channel::builder().limits(limits())).await?;
    let tasks = (0..TASKS).map(|task| {
        let echo = EchoClient::new(site.channel.clone());
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(SEED + task as u64);
            for call in 0..calls / TASKS {
                let number = (task * calls + call) as u64;
                // Given-up calls keep their places for a moment, and the next ones wait for them.
                one_call(&echo, &mut random, number).await.expect("it has its turn");
            }
        })
    });
    for task in join_all(tasks).await {
        task?;
    }
    until(|| counter.0.load(Ordering::SeqCst) == 0).await;
    let echo = EchoClient::new(site.channel.clone());
    // All places are free again: as many calls as there may be, at one time, and each gets its own answer.
    let answers = join_all((0..64).map(|number| echo.later(number, 3))).await;
    assert!(answers.into_iter().map(|answer| answer.expect("a turn")).eq(0..64));
    // A loopback channel keeps its server to itself.
    if transport != Transport::Loopback {
        until(|| site.server().running_calls() == 0).await;
    }
    Ok(())
}

/// Wakes one task by way of many wakers.
#[derive(Default)]
struct Latest(Notify);

impl Wake for Latest {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Polls `call` with a new waker each time, several times in a row, and after that not before the last of them is
/// woken.
async fn moved<T>(call: impl Future<Output = T>, times: usize) -> T {
    let mut call = pin!(call);
    loop {
        let mut latest = Arc::<Latest>::default();
        for _ in 0..=times {
            latest = Arc::default();
            let waker = Waker::from(Arc::clone(&latest));
            if let Poll::Ready(answer) = call.as_mut().poll(&mut Context::from_waker(&waker)) {
                return answer;
            }
        }
        latest.0.notified().await;
    }
}

async fn calls_that_move_from_task_to_task_are_woken(transport: Transport) -> TestResult {
    let server = Server::new().service(EchoServer::new(Counter::default()));
    let site = transport.serve(server).await?;
    let echo = EchoClient::new(site.channel.clone());
    let padding = vec![7; 100_000];
    for number in 0..scaled(60, 2000) {
        let (times, turns) = (number as usize % 3, number as u32 % 5);
        let all = async {
            assert_eq!(moved(echo.at_once(number), times).await?, number);
            assert_eq!(moved(echo.later(number, turns), times).await?, number);
            assert_eq!(moved(echo.padded(number, &padding), times).await?.0, number);
            assert_eq!(moved(echo.aside(number), times).await?, number);
            assert_eq!(moved(echo.to_the_end(number, turns), times).await?, number);
            moved(echo.told(number), times).await
        };
        timeout(Duration::from_secs(60), all).await.expect("it is woken")?;
    }
    Ok(())
}

/// A task of a small executor: its waker owns its future.
#[expect(dead_code, reason = "held to be dropped")]
struct Owner(Mutex<Option<farcall::Call<Result<u64>>>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test]
async fn a_waker_that_owns_a_call_is_dropped_by_another() -> TestResult {
    let echo = EchoClient::loopback(Counter::default());
    echo.channel().ready().await?;
    let mut owned = echo.later(1, 1000);
    let mut call = echo.later(2, 2);
    assert!(futures::poll!(&mut owned).is_pending());
    let waker = Waker::from(Arc::new(Owner(Mutex::new(Some(owned)))));
    assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&waker)).is_pending());
    // From here on only the connection has the waker, and gives it up as the call moves to this task.
    drop(waker);
    assert_eq!(call.await?, 2);
    Ok(())
}
