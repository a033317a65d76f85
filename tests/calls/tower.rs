//! The layers of tower work as they are, on either side, and a call that fails in one says the truth about itself.

use std::{
    fmt,
    future::{Future, Ready, pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Code, Error, Limits, Outcome, Result, Server,
    layer::{Next, Request, Response},
};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport, wrap};
use tokio::{sync::mpsc::unbounded_channel, time::Instant};
use tower::{
    BoxError, ServiceBuilder,
    buffer::BufferLayer,
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    load_shed::LoadShedLayer,
    retry::{Policy, RetryLayer},
    timeout::TimeoutLayer,
};
use tower_service::Service;

#[farcall::service]
trait Shop {
    async fn greet(&self, name: &str) -> Result<String>;
    async fn wait(&self) -> Result<()>;
}

struct Counter(Gate);

impl Shop for Counter {
    async fn greet(&self, name: &str) -> Result<String> {
        Ok(format!("hello {name}"))
    }
    async fn wait(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
}

fn shop(gate: &Gate) -> Server {
    Server::new().service(ShopServer::new(Counter(gate.clone())))
}

/// The same layers once on the server and once on the client.
macro_rules! on_either_side {
    ($transport:expr, $gate:expr, $($layer:expr),+) => {
        [
            $transport.serve(shop($gate)$(.layer($layer))+).await?,
            $transport.serve_to(shop($gate), Channel::builder()$(.layer($layer))+).await?,
        ]
    };
}

over_every_transport!(
    a_timeout_that_strikes_a_running_call_leaves_its_outcome_open,
    a_timeout_that_strikes_before_the_call_left_its_layers_is_certain,
    a_load_shed_refuses_what_was_not_executed,
    a_load_shed_sees_through_other_layers,
    a_concurrency_limit_lets_calls_wait_for_each_other,
    a_buffer_passes_errors_on_as_they_are,
    a_service_builder_is_a_layer,
    a_retry_sends_again_what_was_not_executed,
    a_refused_repeat_does_not_hide_that_the_first_attempt_ran,
    a_call_that_failed_cannot_be_passed_on_later,
    a_layers_own_refusal_says_that_nothing_ran,
    a_foreign_error_is_internal_and_said_once,
);

async fn a_timeout_that_strikes_a_running_call_leaves_its_outcome_open(transport: Transport) -> TestResult {
    let gate = Gate::new();
    for site in on_either_side!(transport, &gate, TimeoutLayer::new(Duration::from_millis(50))) {
        let shop = ShopClient::new(site.channel.clone());
        let call = tokio::spawn(shop.wait());
        gate.entered().await;
        let parts = ["Shop.wait: ", "request timed out"];
        assert_fails(call.await?, Code::DeadlineExceeded, Outcome::Unknown, &parts);
        gate.stopped().await;
    }
    Ok(())
}

/// Holds every call back for ever.
async fn hold(_: Request, _: Next) -> Result<Response> {
    pending().await
}

async fn a_timeout_that_strikes_before_the_call_left_its_layers_is_certain(transport: Transport) -> TestResult {
    let gate = Gate::new();
    for site in on_either_side!(transport, &gate, TimeoutLayer::new(Duration::ZERO), wrap(hold)) {
        let result = ShopClient::new(site.channel.clone()).wait().await;
        assert_fails(result, Code::DeadlineExceeded, Outcome::NotExecuted, &["timed out"]);
        assert!(!gate.has_entered());
    }
    Ok(())
}

async fn a_load_shed_refuses_what_was_not_executed(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let sheds = || ServiceBuilder::new().load_shed().concurrency_limit(1);
    for site in on_either_side!(transport, &gate, sheds()) {
        sheds_the_second_call(ShopClient::new(site.channel.clone()), &gate).await?;
    }
    Ok(())
}

async fn a_load_shed_sees_through_other_layers(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let pass = || wrap(|request: Request, mut next: Next| async move { next.call(request).await });
    let (shed, limit) = (LoadShedLayer::new, || ConcurrencyLimitLayer::new(1));
    for site in on_either_side!(transport, &gate, shed(), pass(), limit()) {
        sheds_the_second_call(ShopClient::new(site.channel.clone()), &gate).await?;
    }
    let server = shop(&gate)
        .layer(shed())
        .intercept(async |request, next| next.run(request).await)
        .layer(limit());
    let site = transport.serve(server).await?;
    sheds_the_second_call(ShopClient::new(site.channel.clone()), &gate).await
}

async fn sheds_the_second_call(shop: ShopClient, gate: &Gate) -> TestResult {
    for _ in 0..3 {
        let first = tokio::spawn(shop.wait());
        gate.entered().await;
        let error = shop.greet("eve").await.expect_err("there is one at work");
        assert!(error.is_retryable(), "{error}");
        let parts = ["Shop.greet: ", "service overloaded"];
        assert_fails::<()>(Err(error), Code::ResourceExhausted, Outcome::NotExecuted, &parts);
        gate.open(1);
        first.await??;
    }
    assert_eq!(shop.greet("eve").await?, "hello eve");
    Ok(())
}

async fn a_concurrency_limit_lets_calls_wait_for_each_other(transport: Transport) -> TestResult {
    let gate = Gate::new();
    for site in on_either_side!(transport, &gate, ConcurrencyLimitLayer::new(2)) {
        let shop = ShopClient::new(site.channel.clone());
        let calls: Vec<_> = (0..20).map(|_| tokio::spawn(shop.wait())).collect();
        for _ in 0..10 {
            gate.entered().await;
            gate.entered().await;
            assert!(!gate.has_entered(), "a third one");
            gate.open(2);
        }
        for call in calls {
            call.await??;
        }
    }
    Ok(())
}

async fn a_buffer_passes_errors_on_as_they_are(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let refuse = || wrap(|_: Request, _: Next| async { Err(Error::permission_denied("not your shelf")) });
    for site in on_either_side!(transport, &gate, BufferLayer::new(4), refuse()) {
        let result = ShopClient::new(site.channel.clone()).greet("eve").await;
        let parts = ["Shop.greet: not your shelf (permission denied"];
        assert_fails(result, Code::PermissionDenied, Outcome::NotExecuted, &parts);
    }
    for site in on_either_side!(transport, &gate, BufferLayer::new(4)) {
        assert_eq!(ShopClient::new(site.channel.clone()).greet("eve").await?, "hello eve");
    }
    Ok(())
}

async fn a_service_builder_is_a_layer(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let stack = || {
        ServiceBuilder::new()
            .load_shed()
            .buffer(16)
            .rate_limit(1_000, Duration::from_millis(1))
            .concurrency_limit(16)
            .timeout(Duration::from_secs(30))
    };
    for site in on_either_side!(transport, &gate, stack()) {
        let shop = ShopClient::new(site.channel.clone());
        for _ in 0..100 {
            assert_eq!(shop.greet("eve").await?, "hello eve");
        }
    }
    Ok(())
}

/// Sends a call again as often as it is allowed to and the call was not executed.
#[derive(Clone)]
struct Again(usize);

impl Policy<Request, Response, Error> for Again {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request, result: &mut Result<Response>) -> Option<Ready<()>> {
        let retryable = result.as_ref().is_err_and(Error::is_retryable);
        self.0 = self.0.checked_sub(1).filter(|_| retryable)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

/// Refuses so many calls as busy; counts all.
fn busy(refuses: usize, seen: &Arc<AtomicUsize>) -> impl tower_layer::Layer<Next, Service: Passes> + Send + use<> {
    let seen = Arc::clone(seen);
    wrap(move |request: Request, mut next: Next| {
        let refused = seen.fetch_add(1, Ordering::SeqCst) < refuses;
        async move {
            if refused {
                return Err(Error::unavailable("busy").with_outcome(Outcome::NotExecuted));
            }
            next.call(request).await
        }
    })
}

/// What a channel and a server ask of a layer's service.
trait Passes: Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static {}

impl<S> Passes for S
where
    S: Service<Request, Response = Response, Error = Error>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
}

async fn a_retry_sends_again_what_was_not_executed(transport: Transport) -> TestResult {
    for (allowed, fine) in [(3, true), (2, false)] {
        let (gate, seen) = (Gate::new(), Arc::default());
        for site in on_either_side!(transport, &gate, RetryLayer::new(Again(allowed)), busy(3, &seen)) {
            seen.store(0, Ordering::SeqCst);
            let greeting = ShopClient::new(site.channel.clone()).greet("eve").await;
            assert_eq!(seen.load(Ordering::SeqCst), allowed + 1);
            if fine {
                assert_eq!(greeting?, "hello eve");
            } else {
                assert_fails(greeting, Code::Unavailable, Outcome::NotExecuted, &["busy"]);
            }
        }
    }
    Ok(())
}

async fn a_refused_repeat_does_not_hide_that_the_first_attempt_ran(transport: Transport) -> TestResult {
    let repeat = || {
        wrap(|request: Request, next: Next| async move {
            next.clone().run(request.clone()).await?;
            Err::<Response, _>(Error::unavailable("busy").with_outcome(Outcome::NotExecuted))
        })
    };
    let gate = Gate::new();
    for site in on_either_side!(transport, &gate, repeat()) {
        let result = ShopClient::new(site.channel.clone()).greet("eve").await;
        assert_fails(result, Code::Unavailable, Outcome::Unknown, &["busy"]);
    }
    Ok(())
}

async fn a_call_that_failed_cannot_be_passed_on_later(transport: Transport) -> TestResult {
    let (told, mut later) = unbounded_channel();
    let (gate, let_go) = (Gate::new(), Gate::new());
    let lies = || {
        let (told, let_go) = (told.clone(), let_go.clone());
        wrap(move |request: Request, next: Next| {
            let (told, let_go) = (told.clone(), let_go.clone());
            tokio::spawn(async move {
                let_go.pass().await;
                told.send(next.run(request).await.map(drop))
            });
            ready(Err::<Response, _>(Error::unavailable("busy")))
        })
    };
    for site in on_either_side!(transport, &gate, lies()) {
        let result = ShopClient::new(site.channel.clone()).wait().await;
        assert_fails(result, Code::Unavailable, Outcome::NotExecuted, &["busy"]);
        let_go.open(1);
        let result = later.recv().await.ok_or("the layer is gone")?;
        let parts = ["a layer passed the call on after it had failed"];
        assert_fails(result, Code::Cancelled, Outcome::NotExecuted, &parts);
        assert!(!gate.has_entered());
    }
    Ok(())
}

async fn a_layers_own_refusal_says_that_nothing_ran(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let refuse = async |_: Request, _: Next| Err::<Response, _>(Error::unauthenticated("who are you?"));
    let sites = [
        transport.serve(shop(&gate).intercept(refuse)).await?,
        transport
            .serve_to(shop(&gate), Channel::builder().intercept(refuse))
            .await?,
    ];
    for site in sites {
        let result = ShopClient::new(site.channel.clone()).greet("eve").await;
        let parts = ["Shop.greet: who are you?"];
        assert_fails(result, Code::Unauthenticated, Outcome::NotExecuted, &parts);
    }
    Ok(())
}

#[derive(Debug)]
struct Fire;

impl fmt::Display for Fire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk is on fire")
    }
}

impl std::error::Error for Fire {}

/// Fails with an error that is not of this crate.
#[derive(Clone)]
struct Burning;

impl Service<Request> for Burning {
    type Response = Response;
    type Error = BoxError;
    type Future = Ready<Result<Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        ready(Err(Fire.into()))
    }
}

async fn a_foreign_error_is_internal_and_said_once(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let burning = || tower_layer::layer_fn(|_: Next| Burning);
    for site in on_either_side!(transport, &gate, burning()) {
        let error = ShopClient::new(site.channel.clone())
            .greet("eve")
            .await
            .expect_err("it is on fire");
        let text =
            "Shop.greet: a layer failed the call: the disk is on fire (internal error; the call was not executed)";
        assert_eq!(error.to_string(), text);
        assert!(std::error::Error::source(&error).is_none(), "said already");
    }
    let channel = Channel::builder().layer(burning()).loopback(shop(&gate));
    let error = ShopClient::new(channel).greet("eve").await.expect_err("it is on fire");
    let cause = error.cause().and_then(|cause| cause.downcast_ref::<Fire>());
    assert!(cause.is_some());
    Ok(())
}

/// How long ten calls at once take.
async fn ten(shop: ShopClient) -> Result<Duration, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(shop.greet("eve"))).collect();
    for call in calls {
        call.await??;
    }
    Ok(start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_counts_the_calls_of_all_who_call() -> TestResult {
    let gate = Gate::new();
    let limit = || RateLimitLayer::new(3, Duration::from_secs(1));
    for channel in [
        Channel::builder().loopback(shop(&gate).layer(limit())),
        Channel::builder().layer(limit()).loopback(shop(&gate)),
    ] {
        let taken = ten(ShopClient::new(channel)).await?;
        assert!(
            taken >= Duration::from_secs(3) && taken < Duration::from_secs(4),
            "{taken:?}"
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_a_layer_beyond_its_deadline() -> TestResult {
    let gate = Gate::new();
    let limit = || RateLimitLayer::new(1, Duration::from_secs(3600));
    for channel in [
        Channel::builder().layer(limit()).loopback(shop(&gate)),
        Channel::builder().loopback(shop(&gate).layer(limit())),
    ] {
        let shop = ShopClient::new(channel).with_timeout(Duration::from_secs(5));
        shop.greet("eve").await?;
        let start = Instant::now();
        let error = shop.greet("eve").await.expect_err("it is not its turn");
        assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    }
    let channel = Channel::builder().layer(wrap(hold)).loopback(shop(&gate));
    let result = ShopClient::new(channel)
        .with_timeout(Duration::from_secs(5))
        .wait()
        .await;
    let parts = ["Shop.wait: ", "a layer had not passed the call on"];
    assert_fails(result, Code::DeadlineExceeded, Outcome::NotExecuted, &parts);
    Ok(())
}

/// What a turn was given to and does not want it any more.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_takes_nobodys_turn() -> TestResult {
    let gate = Gate::new();
    let channel = Channel::builder()
        .layer(ConcurrencyLimitLayer::new(1))
        .loopback(shop(&gate));
    let shop = ShopClient::new(channel);
    let first = tokio::spawn(shop.wait());
    gate.entered().await;
    let waiting: Vec<_> = (0..5).map(|_| tokio::spawn(shop.wait())).collect();
    let last = tokio::spawn(shop.greet("eve"));
    tokio::task::yield_now().await;
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    gate.open(1);
    first.await??;
    assert_eq!(last.await??, "hello eve");
    Ok(())
}

/// A channel that is made outside a runtime has the one that it was given.
#[test]
fn a_rate_limit_is_made_in_the_runtime_of_its_channel() -> TestResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let channel = Channel::builder()
        .limits(Limits::default())
        .runtime(runtime.handle().clone())
        .layer(RateLimitLayer::new(1, Duration::from_secs(1)))
        .connect_lazily("tcp://127.0.0.1:1")?;
    let result = runtime.block_on(ShopClient::new(channel).greet("eve"));
    assert_fails(result, Code::Unavailable, Outcome::NotExecuted, &["cannot connect"]);
    Ok(())
}

/// What a closure holds lives as long as each of its calls.
#[tokio::test]
async fn an_interceptor_keeps_what_it_holds_across_awaits() -> TestResult {
    let (gate, seen) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&seen);
    let server = shop(&gate).intercept(async move |request, next| {
        let answer = next.run(request).await;
        count.fetch_add(1, Ordering::SeqCst);
        answer
    });
    let shop = ShopClient::new(Channel::builder().loopback(server));
    for turn in 1..4 {
        shop.greet("eve").await?;
        assert_eq!(seen.load(Ordering::SeqCst), turn);
    }
    Ok(())
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test]
async fn the_future_of_a_layered_call_can_be_sent() -> TestResult {
    let channel = Channel::builder()
        .layer(LoadShedLayer::new())
        .loopback(shop(&Gate::new()));
    assert_eq!(is_send(ShopClient::new(channel).greet("eve")).await?, "hello eve");
    Ok(())
}
