//! Both ends of a connection call each other: at any time, as deep as they like, with deadlines and cancellation all
//! the way.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, Code, Context, Limits, Outcome, Result, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport};
use futures::future::join_all;

/// A player at either end.
#[farcall::service]
trait Player {
    /// Hands the ball to `other` and back, `rounds` times; gives the sum of all rounds.
    async fn rally(&self, other: PlayerClient, rounds: u32) -> Result<u64>;
    /// The same with a ball of many bytes.
    async fn rally_large(&self, other: PlayerClient, ball: Vec<u8>, rounds: u32) -> Result<u64>;
    async fn remaining(&self) -> Result<Option<Duration>>;
    async fn ask_remaining(&self, other: PlayerClient) -> Result<Option<Duration>>;
    async fn wait(&self) -> Result<()>;
    async fn ask_wait(&self, other: PlayerClient) -> Result<()>;
    /// Keeps `other` and greets it later.
    async fn join(&self, other: PlayerClient) -> Result<()>;
    async fn greet(&self, name: &str) -> Result<()>;
}

#[derive(Clone)]
struct Person {
    gate: Gate,
    friends: tokio::sync::mpsc::UnboundedSender<PlayerClient>,
    greeted: Arc<AtomicU64>,
}

type Friends = tokio::sync::mpsc::UnboundedReceiver<PlayerClient>;

impl Person {
    fn new() -> (Self, Friends) {
        let (friends, joined) = tokio::sync::mpsc::unbounded_channel();
        let person = Self {
            gate: Gate::new(),
            friends,
            greeted: Arc::default(),
        };
        (person, joined)
    }

    fn me(&self) -> PlayerClient {
        PlayerClient::local(self.clone())
    }
}

/// Handlers that call each other need a size that the compiler can tell.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl Player for Person {
    async fn rally(&self, other: PlayerClient, rounds: u32) -> Result<u64> {
        if rounds == 0 {
            return Ok(0);
        }
        let back: Boxed<'_, u64> = Box::pin(other.rally(self.me(), rounds - 1));
        Ok(u64::from(rounds) + back.await?)
    }

    async fn rally_large(&self, other: PlayerClient, ball: Vec<u8>, rounds: u32) -> Result<u64> {
        if rounds == 0 {
            return Ok(ball.len() as u64);
        }
        let back: Boxed<'_, u64> = Box::pin(other.rally_large(self.me(), ball, rounds - 1));
        back.await
    }

    async fn remaining(&self) -> Result<Option<Duration>> {
        Ok(Context::current().remaining())
    }

    async fn ask_remaining(&self, other: PlayerClient) -> Result<Option<Duration>> {
        other.with_timeout(Duration::from_secs(3600)).remaining().await
    }

    async fn wait(&self) -> Result<()> {
        self.gate.pass().await;
        Ok(())
    }

    async fn ask_wait(&self, other: PlayerClient) -> Result<()> {
        other.wait().await
    }

    async fn join(&self, other: PlayerClient) -> Result<()> {
        let _ = self.friends.send(other);
        Ok(())
    }

    async fn greet(&self, name: &str) -> Result<()> {
        assert_eq!(name, "you");
        self.greeted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn server() -> (Person, Friends, Server) {
    let (person, friends) = Person::new();
    let server = Server::new().service(PlayerServer::new(person.clone()));
    (person, friends, server)
}

over_every_transport!(
    thirty_two_deep,
    at_any_time_after_the_call,
    the_deadline_passes_through,
    cancelling_passes_through,
    with_every_call_taken_nobody_waits_for_ever,
    with_both_budgets_full_nobody_waits_for_ever,
    thousands_both_ways,
);

async fn thirty_two_deep(transport: Transport) -> TestResult {
    let (_, _, server) = server();
    let site = transport.serve(server).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    assert_eq!(there.rally(here.me(), 32).await?, 32 * 33 / 2);
    Ok(())
}

async fn at_any_time_after_the_call(transport: Transport) -> TestResult {
    let (_, mut friends, server) = server();
    let site = transport.serve(server).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    there.join(here.me()).await?;
    let friend = friends.recv().await.expect("it joined");
    for _ in 0..100 {
        friend.greet("you").await?;
    }
    assert_eq!(here.greeted.load(Ordering::Relaxed), 100);
    Ok(())
}

async fn the_deadline_passes_through(transport: Transport) -> TestResult {
    let (_, _, server) = server();
    let site = transport.serve(server).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    let limit = Duration::from_secs(20);
    let remaining = there.with_timeout(limit).ask_remaining(here.me()).await?;
    let remaining = remaining.expect("a deadline");
    assert!(remaining <= limit, "{remaining:?}");
    Ok(())
}

async fn cancelling_passes_through(transport: Transport) -> TestResult {
    let (_, _, server) = server();
    let site = transport.serve(server).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    let call = tokio::spawn(there.ask_wait(here.me()));
    here.gate.entered().await;
    call.abort();
    here.gate.stopped().await;
    Ok(())
}

/// Each side has as many calls under way as the other takes, and more that wait, and all of them call back. There is no
/// deadline that would help.
async fn with_every_call_taken_nobody_waits_for_ever(transport: Transport) -> TestResult {
    const CALLS: usize = 8;
    let limits = || Limits::default().max_calls(CALLS);
    let (_, _, server) = server();
    let options = Channel::builder().limits(limits()).no_timeout();
    let site = transport.serve_to(server.limits(limits()), options).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    let rallies = join_all((0..5 * CALLS).map(|_| there.rally(here.me(), 8))).await;
    for rally in rallies {
        match rally {
            Ok(sum) => assert_eq!(sum, 36),
            Err(error) => assert_eq!(error.code(), Code::ResourceExhausted, "{error}"),
        }
    }
    assert_eq!(there.rally(here.me(), 3).await?, 6);
    Ok(())
}

/// Each side's large requests fill what the other takes of them, and their handlers make more.
async fn with_both_budgets_full_nobody_waits_for_ever(transport: Transport) -> TestResult {
    const BALL: usize = 100_000;
    let limits = || Limits::default().max_message(2 * BALL).max_buffered(4 * BALL);
    let (_, _, server) = server();
    let options = Channel::builder().limits(limits()).no_timeout();
    let site = transport.serve_to(server.limits(limits()), options).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    let rallies = (0..40).map(|_| there.rally_large(here.me(), vec![7; BALL], 6));
    let (mut done, mut refused) = (0, 0);
    for rally in join_all(rallies).await {
        match rally {
            Ok(length) => {
                assert_eq!(length, BALL as u64);
                done += 1;
            }
            Err(error) => {
                assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
                assert!(error.to_string().contains("`max_buffered`"), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(done + refused, 40);
    // One alone has room for three in each direction.
    let alone = there.rally_large(here.me(), vec![7; BALL], 5).await?;
    assert_eq!(alone, BALL as u64);
    let refused = there.rally_large(here.me(), vec![7; BALL], 20).await;
    assert_fails(refused, Code::ResourceExhausted, Outcome::Executed, &["`max_buffered`"]);
    Ok(())
}

async fn thousands_both_ways(transport: Transport) -> TestResult {
    let (_, mut friends, server) = server();
    let site = transport.serve(server).await?;
    let there = PlayerClient::new(site.channel.clone());
    let (here, _friends) = Person::new();
    there.join(here.me()).await?;
    let friend = friends.recv().await.expect("it joined");
    let calls = |player: PlayerClient| async move {
        for _ in 0..20 {
            for greeted in join_all((0..100).map(|_| player.greet("you"))).await {
                greeted?;
            }
        }
        Ok::<_, farcall::Error>(())
    };
    let (to, fro) = tokio::join!(calls(there.clone()), calls(friend));
    to?;
    fro?;
    assert_eq!(here.greeted.load(Ordering::Relaxed), 2000);
    Ok(())
}
