//! Calls among objects of one process may nest however deep a peer or an honest user makes them: they end with a result
//! or an error, and never with the stack.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use farcall::{Channel, Code, Outcome, Result, Server, layer::Response};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport, until, wrap};
use futures::{StreamExt, stream::Stream};

/// What tokio's threads have, and those of Rust.
const STACK: usize = 2 << 20;
/// More than any honest call nests.
const DEEP: u32 = 10_000;
/// As deep as calls may nest.
const MOST: u32 = 1_024;

type Numbers = Pin<Box<dyn Stream<Item = Result<u32>> + Send>>;

#[farcall::service]
trait Hop {
    /// Calls the one that it is given.
    async fn pass(&self, next: HopClient) -> Result<u32>;
    /// Goes down so many levels before it answers.
    async fn down(&self, levels: u32) -> Result<u32>;
    /// The same in tasks of the handler's own.
    async fn spawn(&self, levels: u32) -> Result<u32>;
    /// Passes on a stream that came from so many levels below.
    async fn numbers(&self, levels: u32) -> Result<impl Stream<Item = Result<u32>>>;
    /// The same, called with the first item.
    fn lazily(&self, levels: u32) -> impl Stream<Item = Result<u32>>;
    /// One stream made of another.
    async fn doubled(&self, numbers: impl Stream<Item = Result<u32>>) -> Result<impl Stream<Item = Result<u32>>>;
    /// Tells all that it knows, twice, and ignores what they answer.
    async fn publish(&self) -> Result<u32>;
}

/// Calls itself, and waits at the bottom.
struct Mirror {
    itself: OnceLock<Channel>,
    gate: Gate,
    calls: AtomicUsize,
}

impl Mirror {
    /// One that knows itself; it lives as long as the test, as a cycle does.
    fn client(gate: &Gate) -> (HopClient, Arc<Self>) {
        let mirror = Arc::new(Self {
            itself: OnceLock::new(),
            gate: gate.clone(),
            calls: AtomicUsize::new(0),
        });
        let channel = Channel::local(HopServer::new(Shared(Arc::clone(&mirror))));
        let _ = mirror.itself.set(channel.clone());
        (HopClient::new(channel), mirror)
    }

    fn next(&self) -> HopClient {
        HopClient::new(self.itself.get().expect("it knows itself").clone())
    }
}

struct Shared(Arc<Mirror>);

impl Hop for Shared {
    async fn pass(&self, next: HopClient) -> Result<u32> {
        next.pass(next.clone()).await
    }
    async fn down(&self, levels: u32) -> Result<u32> {
        let Some(below) = levels.checked_sub(1) else {
            self.0.gate.pass().await;
            return Ok(0);
        };
        Ok(self.0.next().down(below).await? + 1)
    }
    async fn spawn(&self, levels: u32) -> Result<u32> {
        let Some(below) = levels.checked_sub(1) else {
            return Ok(0);
        };
        let call = tokio::spawn(self.0.next().spawn(below));
        Ok(call.await.expect("the call does not panic")? + 1)
    }
    async fn numbers(&self, levels: u32) -> Result<impl Stream<Item = Result<u32>>> {
        Ok(match levels.checked_sub(1) {
            Some(below) => Box::pin(self.0.next().numbers(below).await?) as Numbers,
            None => Box::pin(futures::stream::iter((0..3).map(Ok))),
        })
    }
    fn lazily(&self, levels: u32) -> impl Stream<Item = Result<u32>> {
        match levels.checked_sub(1) {
            Some(below) => Box::pin(self.0.next().lazily(below)) as Numbers,
            None => Box::pin(futures::stream::iter((0..3).map(Ok))),
        }
    }
    async fn doubled(&self, numbers: impl Stream<Item = Result<u32>>) -> Result<impl Stream<Item = Result<u32>>> {
        Ok(numbers)
    }
    async fn publish(&self) -> Result<u32> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        for _ in 0..2 {
            let _ = self.0.next().publish().await;
        }
        Ok(0)
    }
}

#[farcall::service]
trait Root {
    async fn open(&self) -> Result<HopClient>;
    async fn ping(&self) -> Result<()>;
}

struct Opener(HopClient);

impl Root for Opener {
    async fn open(&self) -> Result<HopClient> {
        Ok(self.0.clone())
    }
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

over_every_transport!(
    an_object_that_is_handed_itself_back_ends_with_an_error,
    a_hub_that_hears_itself_keeps_nobody_from_being_answered,
);

async fn an_object_that_is_handed_itself_back_ends_with_an_error(transport: Transport) -> TestResult {
    let (hop, _) = Mirror::client(&Gate::new());
    let site = transport
        .serve(Server::new().service(RootServer::new(Opener(hop))))
        .await?;
    let root = RootClient::new(site.channel.clone());
    let hop = root.open().await?;
    let parts = ["nest 1024 deep", "the limit"];
    assert_fails(
        hop.pass(hop.clone()).await,
        Code::ResourceExhausted,
        Outcome::Executed,
        &parts,
    );
    root.ping().await?;
    Ok(())
}

async fn a_hub_that_hears_itself_keeps_nobody_from_being_answered(transport: Transport) -> TestResult {
    let (hub, mirror) = Mirror::client(&Gate::new());
    let site = transport
        .serve(Server::new().service(RootServer::new(Opener(hub))))
        .await?;
    let root = RootClient::new(site.channel.clone());
    // It would make 2^1024 calls.
    let publishing = tokio::spawn(root.open().await?.publish());
    until(|| mirror.calls.load(Ordering::Relaxed) > 10_000).await;
    root.ping().await?;
    publishing.abort();
    Ok(())
}

/// Runs a test on threads with small stacks, in either kind of runtime.
fn on_small_stacks<F: Future<Output = ()> + Send + 'static>(test: fn() -> F) {
    let current = tokio::runtime::Builder::new_current_thread;
    let run = move || {
        let runtime = current().enable_all().build().expect("a runtime");
        runtime.block_on(test());
    };
    let small = thread::Builder::new().stack_size(STACK);
    small.spawn(run).expect("a thread").join().expect("the test passes");
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = threads
        .worker_threads(2)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async { tokio::spawn(test()).await.expect("the test passes") });
}

#[test]
fn calls_nest_as_deep_as_they_may() {
    on_small_stacks(|| async {
        let gate = Gate::new();
        gate.open(1);
        let (hop, _) = Mirror::client(&gate);
        assert_eq!(hop.down(MOST - 1).await, Ok(MOST - 1));
        let refused = hop.down(MOST).await;
        assert_fails(
            refused,
            Code::ResourceExhausted,
            Outcome::Executed,
            &["nest 1024 deep", "the limit"],
        );
        assert_eq!(
            hop.down(DEEP).await.map_err(|error| error.code()),
            Err(Code::ResourceExhausted)
        );
        assert_eq!(
            hop.spawn(DEEP).await.map_err(|error| error.code()),
            Err(Code::ResourceExhausted)
        );
    });
}

#[test]
fn a_deep_chain_of_calls_is_cancelled() {
    on_small_stacks(|| async {
        let gate = Gate::new();
        let (hop, _) = Mirror::client(&gate);
        let call = tokio::spawn(hop.down(MOST - 1));
        gate.entered().await;
        call.abort();
        gate.stopped().await;
        // And with the call itself, where it was polled here.
        let mut call = Box::pin(hop.down(MOST - 1));
        tokio::select! {
            biased;
            _ = &mut call => panic!("nobody opened the gate"),
            () = gate.entered() => drop(call),
        }
        gate.stopped().await;
    });
}

#[test]
fn a_runtime_ends_with_a_deep_chain_of_calls() {
    let gate = Gate::new();
    let (hop, _) = Mirror::client(&gate);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    runtime.spawn(hop.down(MOST - 1));
    runtime.block_on(gate.entered());
    drop(runtime);
    assert_eq!(gate.stopped_count(), 1);
}

#[test]
fn streams_come_from_deep_below() {
    on_small_stacks(|| async {
        let (hop, _) = Mirror::client(&Gate::new());
        let numbers: Vec<_> = hop.numbers(MOST - 1).await.expect("it is not too deep").collect().await;
        assert_eq!(numbers, [Ok(0), Ok(1), Ok(2)]);
        let numbers: Vec<_> = hop.lazily(MOST - 1).collect().await;
        assert_eq!(numbers, [Ok(0), Ok(1), Ok(2)]);
        let refused = hop.numbers(DEEP).await.map(drop).map_err(|error| error.code());
        assert_eq!(refused, Err(Code::ResourceExhausted));
        let refused: Vec<_> = hop.lazily(DEEP).collect().await;
        assert!(matches!(&refused[..], [Err(_)]), "{refused:?}");
        // And are dropped before their first item, and behind it.
        drop(hop.numbers(MOST - 1).await);
        let mut numbers = std::pin::pin!(hop.lazily(MOST - 1));
        assert_eq!(numbers.next().await, Some(Ok(0)));
    });
}

#[test]
fn streams_are_made_of_streams_without_end() {
    on_small_stacks(|| async {
        let (hop, _) = Mirror::client(&Gate::new());
        for taken in [3, 1, 0] {
            let mut numbers: Numbers = Box::pin(futures::stream::iter((0..3).map(Ok)));
            for _ in 0..DEEP / 4 {
                numbers = Box::pin(hop.doubled(numbers).await.expect("nothing nests while it is made"));
            }
            let numbers: Vec<_> = numbers.take(taken).collect().await;
            assert_eq!(numbers.len(), taken);
            assert!(numbers.iter().all(Result::is_ok), "{numbers:?}");
        }
    });
}

#[farcall::service]
trait Chain {
    async fn nothing(&self);
}

/// An object that keeps something, which may be another one.
struct Keeper<T>(T);

impl<T: Send + Sync + 'static> Chain for Keeper<T> {
    async fn nothing(&self) {}
}

#[test]
fn a_long_chain_of_objects_is_dropped() {
    on_small_stacks(|| async {
        let alive = Arc::new(());
        let mut chain = ChainClient::local(Keeper(Arc::clone(&alive)));
        for _ in 0..DEEP {
            chain = ChainClient::local(Keeper((chain, Arc::clone(&alive))));
        }
        drop(chain);
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn a_layer_calls_through_itself() {
    on_small_stacks(|| async {
        let itself: Arc<OnceLock<RootClient>> = Arc::default();
        let (left, weak) = (Arc::new(AtomicUsize::new(DEEP as usize)), Arc::downgrade(&itself));
        let layer = wrap(move |request, _| {
            let (left, itself) = (Arc::clone(&left), Weak::clone(&weak));
            async move {
                if left.fetch_sub(1, Ordering::Relaxed) > 0 {
                    itself
                        .upgrade()
                        .expect("the test runs")
                        .get()
                        .expect("it was set")
                        .ping()
                        .await?;
                }
                let body = request.body.slice(..0);
                Ok(Response::new(request.metadata, body))
            }
        });
        let channel = Channel::builder().layer(layer).loopback(Server::new());
        let root = itself.get_or_init(|| RootClient::new(channel));
        let answered = root.ping().await;
        assert!(answered.is_err(), "it is no answer of the method's: {answered:?}");
    });
}

#[test]
fn outside_a_runtime_calls_nest_until_they_are_refused() {
    let refuse = || {
        let (hop, _) = Mirror::client(&Gate::new());
        let refused = futures::executor::block_on(hop.down(MOST - 1));
        assert_fails(refused, Code::ResourceExhausted, Outcome::Executed, &["runtime"]);
    };
    let small = thread::Builder::new().stack_size(STACK);
    small.spawn(refuse).expect("a thread").join().expect("the test passes");
}
