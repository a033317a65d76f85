//! What a layer sees of a call on either side, and what it may make of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use farcall::{
    Channel, Code, Context, Error, Limits, Metadata, Outcome, Result, Server,
    layer::{Next, Request, Response},
};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport, until, wrap};
use tower_service::Service;

#[farcall::service]
trait Shop {
    async fn greet(&self, name: &str) -> Result<String>;
    async fn tenant(&self) -> Result<Vec<String>>;
    async fn remaining(&self) -> Result<Option<Duration>>;
    async fn wait(&self) -> Result<()>;
    #[rpc(idempotent)]
    async fn panic(&self) -> Result<()>;
}

struct Counter(Gate);

impl Shop for Counter {
    async fn greet(&self, name: &str) -> Result<String> {
        Context::current().append_reply_metadata("served-by", "handler")?;
        Ok(format!("hello {name}"))
    }
    async fn tenant(&self) -> Result<Vec<String>> {
        let context = Context::current();
        Ok(context.metadata().values("tenant").map(str::to_owned).collect())
    }
    async fn remaining(&self) -> Result<Option<Duration>> {
        Ok(Context::current().remaining())
    }
    async fn wait(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
    async fn panic(&self) -> Result<()> {
        panic!("behind layers")
    }
}

fn shop() -> Server {
    Server::new().service(ShopServer::new(Counter(Gate::new())))
}

type Log<T> = Arc<Mutex<Vec<T>>>;

fn push<T>(log: &Log<T>, entry: T) {
    log.lock().expect("nobody panics").push(entry);
}

fn logged<T: Clone>(log: &Log<T>) -> Vec<T> {
    log.lock().expect("nobody panics").clone()
}

over_every_transport!(
    a_layer_sees_the_call,
    the_first_named_is_the_outermost,
    a_layer_may_wait,
    a_layer_may_refuse,
    a_layer_may_refuse_on_the_client_before_anything_is_sent,
    a_layer_may_rewrite_metadata,
    a_layer_may_rewrite_the_deadline,
    a_layer_may_rewrite_the_answer,
    a_layer_may_try_again,
    a_layer_on_the_server_may_try_again,
    a_layer_cannot_make_up_a_request,
    a_panic_in_a_layer_fails_its_own_call,
    cancelling_reaches_the_handler_through_layers,
    a_layer_refuses_strangers_before_they_are_told_what_there_is,
);

async fn a_layer_sees_the_call(transport: Transport) -> TestResult {
    let log: Log<Request> = Log::default();
    let note = |log: &Log<Request>| {
        let log = Arc::clone(log);
        wrap(move |request: Request, mut next: Next| {
            push(&log, request.clone());
            next.call(request)
        })
    };
    let server = shop()
        .named_service("eu", ShopServer::new(Counter(Gate::new())))
        .layer(note(&log));
    let site = transport.serve_to(server, Channel::builder().layer(note(&log))).await?;
    let shop = ShopClient::new(site.channel.with_instance("eu")).with_metadata("tenant", "eu");
    let before = Instant::now();
    shop.with_timeout(Duration::from_secs(9)).greet("eve").await?;
    let requests = logged(&log);
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request.method.path, "Shop.greet");
        assert_eq!((request.method.service(), request.method.method()), ("Shop", "greet"));
        assert!(!request.method.idempotent);
        assert_eq!(request.instance.as_deref(), Some("eu"));
        assert_eq!(request.metadata.value("tenant"), Some("eu"));
        let deadline = request.deadline.ok_or("no deadline")?;
        assert!(deadline > before + Duration::from_secs(8) && deadline < before + Duration::from_secs(20));
        assert_eq!(request.peer.scheme(), site.channel.address().scheme());
    }
    assert_eq!(&requests[0].peer, site.channel.address());
    assert_eq!(requests[0].body, requests[1].body);
    Ok(())
}

async fn the_first_named_is_the_outermost(transport: Transport) -> TestResult {
    let log: Log<&'static str> = Log::default();
    let note = |before: &'static str, after: &'static str| {
        let log = Arc::clone(&log);
        wrap(move |request: Request, mut next: Next| {
            let log = Arc::clone(&log);
            async move {
                push(&log, before);
                let answer = next.call(request).await;
                push(&log, after);
                answer
            }
        })
    };
    let server = shop()
        .layer(note("server 1", "server 1 end"))
        .layer(note("server 2", "server 2 end"));
    let client = Channel::builder()
        .layer(note("client 1", "client 1 end"))
        .layer(note("client 2", "client 2 end"));
    let site = transport.serve_to(server, client).await?;
    ShopClient::new(site.channel.clone()).greet("eve").await?;
    let inwards = ["client 1", "client 2", "server 1", "server 2"];
    let outwards = ["server 2 end", "server 1 end", "client 2 end", "client 1 end"];
    assert_eq!(logged(&log), [inwards, outwards].concat());
    Ok(())
}

async fn a_layer_may_wait(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let waits = {
        let gate = gate.clone();
        wrap(move |request: Request, mut next: Next| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                next.call(request).await
            }
        })
    };
    let site = transport.serve(shop().layer(waits)).await?;
    let shop = ShopClient::new(site.channel.clone());
    let call = tokio::spawn(shop.greet("eve"));
    gate.entered().await;
    assert!(!call.is_finished());
    gate.open(1);
    assert_eq!(call.await??, "hello eve");
    Ok(())
}

/// Lets calls of the tenant `eu` pass.
async fn guard(request: Request, mut next: Next) -> Result<Response> {
    match request.metadata.value("tenant") {
        Some("eu") => next.call(request).await,
        Some(_) => Err(Error::permission_denied("not your shelf").with_outcome(Outcome::NotExecuted)),
        None => Err(Error::unauthenticated("who are you?").with_outcome(Outcome::NotExecuted)),
    }
}

async fn a_layer_may_refuse(transport: Transport) -> TestResult {
    let site = transport.serve(shop().layer(wrap(guard))).await?;
    refuses(ShopClient::new(site.channel.clone())).await
}

async fn a_layer_may_refuse_on_the_client_before_anything_is_sent(transport: Transport) -> TestResult {
    let site = transport
        .serve_to(shop(), Channel::builder().layer(wrap(guard)))
        .await?;
    refuses(ShopClient::new(site.channel.clone())).await
}

async fn refuses(shop: ShopClient) -> TestResult {
    let nobody = shop.greet("eve").await;
    let parts = ["Shop.greet: who are you?"];
    assert_fails(nobody, Code::Unauthenticated, Outcome::NotExecuted, &parts);
    let other = shop.with_metadata("tenant", "us").greet("eve").await;
    assert_fails(other, Code::PermissionDenied, Outcome::NotExecuted, &["not your shelf"]);
    assert_eq!(shop.with_metadata("tenant", "eu").greet("eve").await?, "hello eve");
    Ok(())
}

async fn a_layer_may_rewrite_metadata(transport: Transport) -> TestResult {
    let tag = |tenant: &'static str| {
        wrap(move |mut request: Request, mut next: Next| async move {
            request.metadata.remove("secret");
            request.metadata.append("tenant", tenant)?;
            next.call(request).await
        })
    };
    let site = transport
        .serve_to(shop().layer(tag("server")), Channel::builder().layer(tag("client")))
        .await?;
    let shop = ShopClient::new(site.channel.clone()).with_metadata("secret", "1");
    assert_eq!(shop.tenant().await?, ["client", "server"]);
    Ok(())
}

async fn a_layer_may_rewrite_the_deadline(transport: Transport) -> TestResult {
    let set = |deadline: Option<Duration>| {
        wrap(move |mut request: Request, mut next: Next| {
            request.deadline = deadline.map(|time| Instant::now() + time);
            next.call(request)
        })
    };
    let site = transport
        .serve_to(shop(), Channel::builder().layer(set(Some(Duration::from_secs(500)))))
        .await?;
    let left = ShopClient::new(site.channel.clone())
        .remaining()
        .await?
        .ok_or("no deadline")?;
    assert!(
        left > Duration::from_secs(100) && left <= Duration::from_secs(500),
        "{left:?}"
    );
    let site = transport.serve_to(shop(), Channel::builder().layer(set(None))).await?;
    assert_eq!(ShopClient::new(site.channel.clone()).remaining().await?, None);
    let site = transport.serve(shop().layer(set(Some(Duration::from_secs(5))))).await?;
    let left = ShopClient::new(site.channel.clone())
        .remaining()
        .await?
        .ok_or("no deadline")?;
    assert!(left <= Duration::from_secs(5), "{left:?}");
    Ok(())
}

/// Both the caller's deadline and the one that a layer sets are kept, whichever comes first.
#[tokio::test(start_paused = true)]
async fn a_handler_is_stopped_at_the_deadline_that_a_layer_has_set() -> TestResult {
    for (of_caller, of_layer) in [(60, 5), (5, 60)] {
        let gate = Gate::new();
        let layer = wrap(move |mut request: Request, mut next: Next| {
            request.deadline = Some((tokio::time::Instant::now() + Duration::from_secs(of_layer)).into_std());
            next.call(request)
        });
        let server = Server::new()
            .service(ShopServer::new(Counter(gate.clone())))
            .layer(layer);
        let shop = ShopClient::new(Channel::builder().loopback(server));
        let start = tokio::time::Instant::now();
        let result = shop.with_timeout(Duration::from_secs(of_caller)).wait().await;
        assert_fails(result, Code::DeadlineExceeded, Outcome::Unknown, &["Shop.wait: "]);
        gate.stopped().await;
        let seconds = start.elapsed().as_secs_f64();
        assert!((4.9..5.1).contains(&seconds), "{seconds}");
    }
    Ok(())
}

async fn a_layer_may_rewrite_the_answer(transport: Transport) -> TestResult {
    let reverse = wrap(|request: Request, mut next: Next| async move {
        let mut answer = next.call(request).await?;
        assert_eq!(answer.metadata.value("served-by"), Some("handler"));
        answer.metadata.append("served-by", "layer")?;
        let (head, text) = answer.body.split_at(2);
        let upper = text.to_ascii_uppercase();
        answer.body = Bytes::from([head, &upper].concat());
        Ok(answer)
    });
    let site = transport.serve(shop().layer(reverse)).await?;
    let reply = farcall::client::ReplyMetadata::new();
    let shop = ShopClient::new(site.channel.clone()).with_reply_metadata(&reply);
    assert_eq!(shop.greet("eve").await?, "HELLO EVE");
    assert_eq!(
        reply.latest().values("served-by").collect::<Vec<_>>(),
        ["handler", "layer"]
    );
    Ok(())
}

/// Sends the same request until it is answered; says how often it was sent.
fn retry(sent: &Arc<AtomicUsize>) -> impl tower_layer::Layer<Next, Service: ClonedService> + use<> {
    let sent = Arc::clone(sent);
    wrap(move |request: Request, mut next: Next| {
        let sent = Arc::clone(&sent);
        Box::pin(async move {
            loop {
                sent.fetch_add(1, Ordering::SeqCst);
                match next.call(request.clone()).await {
                    Err(error) if error.is_retryable() => tokio::task::yield_now().await,
                    answer => return answer,
                }
            }
        }) as farcall::layer::Answering
    })
}

/// What a channel and a server ask of a layer's service.
trait ClonedService: Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static {}

impl<S> ClonedService for S where
    S: Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static
{
}

async fn a_layer_may_try_again(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let server = Server::new()
        .service(ShopServer::new(Counter(gate.clone())))
        .limits(Limits::default().max_calls(1));
    let sent = Arc::default();
    let site = transport
        .serve_to(
            server,
            Channel::builder()
                .limits(Limits::default().max_waiting_calls(0))
                .layer(retry(&sent)),
        )
        .await?;
    let shop = ShopClient::new(site.channel.clone());
    let first = tokio::spawn(shop.wait());
    gate.entered().await;
    let second = tokio::spawn(shop.greet("eve"));
    until(|| sent.load(Ordering::SeqCst) > 3).await;
    gate.open(1);
    assert_eq!(first.await?, Ok(()));
    assert_eq!(second.await??, "hello eve");
    Ok(())
}

async fn a_layer_on_the_server_may_try_again(transport: Transport) -> TestResult {
    let sent = Arc::new(AtomicUsize::new(0));
    let fails_twice = {
        let sent = Arc::clone(&sent);
        wrap(move |request: Request, mut next: Next| {
            let fails = sent.load(Ordering::SeqCst) < 3;
            async move {
                next.call(request).await?;
                if fails {
                    return Err(Error::unavailable("not yet").with_outcome(Outcome::NotExecuted));
                }
                Ok(Response::new(Metadata::new(), Bytes::from_static(&[0, 2, b'o', b'k'])))
            }
        })
    };
    let site = transport.serve(shop().layer(retry(&sent)).layer(fails_twice)).await?;
    assert_eq!(ShopClient::new(site.channel.clone()).greet("eve").await?, "ok");
    assert_eq!(sent.load(Ordering::SeqCst), 3);
    Ok(())
}

/// A request of the client cannot be used on the server's side of the same process.
async fn a_layer_cannot_make_up_a_request(transport: Transport) -> TestResult {
    let kept: Arc<Mutex<Option<Request>>> = Arc::default();
    let keep = {
        let kept = Arc::clone(&kept);
        wrap(move |request: Request, mut next: Next| {
            *kept.lock().expect("nobody panics") = Some(request.clone());
            next.call(request)
        })
    };
    let replace = wrap(move |request: Request, mut next: Next| {
        let kept = kept.lock().expect("nobody panics").take();
        next.call(kept.unwrap_or(request))
    });
    let site = transport
        .serve_to(shop().layer(replace), Channel::builder().layer(keep))
        .await?;
    let result = ShopClient::new(site.channel.clone()).greet("eve").await;
    let parts = ["a layer made a request of its own"];
    assert_fails(result, Code::Internal, Outcome::NotExecuted, &parts);
    Ok(())
}

async fn a_panic_in_a_layer_fails_its_own_call(transport: Transport) -> TestResult {
    let panics = wrap(|request: Request, mut next: Next| async move {
        assert!(request.metadata.is_empty(), "cannot stand metadata");
        next.call(request).await
    });
    let site = transport.serve(shop().layer(panics).send_panic_texts()).await?;
    let shop = ShopClient::new(site.channel.clone());
    let result = shop.with_metadata("tenant", "eu").greet("eve").await;
    assert_fails(
        result,
        Code::Internal,
        Outcome::Unknown,
        &["panicked: cannot stand metadata"],
    );
    assert_fails(
        shop.panic().await,
        Code::Internal,
        Outcome::Unknown,
        &["panicked: behind layers"],
    );
    assert_eq!(shop.greet("eve").await?, "hello eve");
    Ok(())
}

async fn cancelling_reaches_the_handler_through_layers(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let pass = || wrap(|request: Request, mut next: Next| async move { next.call(request).await });
    let server = Server::new()
        .service(ShopServer::new(Counter(gate.clone())))
        .layer(pass());
    let site = transport.serve_to(server, Channel::builder().layer(pass())).await?;
    let call = tokio::spawn(ShopClient::new(site.channel.clone()).wait());
    gate.entered().await;
    call.abort();
    gate.stopped().await;
    Ok(())
}

async fn a_layer_refuses_strangers_before_they_are_told_what_there_is(transport: Transport) -> TestResult {
    #[farcall::service(name = "Shop")]
    trait NewerShop {
        async fn farewell(&self) -> Result<String>;
    }
    let log: Log<&'static str> = Log::default();
    let seen = Arc::clone(&log);
    let server = shop().layer(wrap(guard)).intercept(async move |request, next| {
        push(&seen, request.method.path);
        next.run(request).await
    });
    let site = transport.serve(server).await?;
    let shop = NewerShopClient::new(site.channel.clone());
    let stranger = shop.farewell().await;
    assert_fails(
        stranger,
        Code::Unauthenticated,
        Outcome::NotExecuted,
        &["Shop.farewell"],
    );
    assert_eq!(logged(&log), [""; 0]);
    let known = shop.with_metadata("tenant", "eu").farewell().await;
    let parts = ["Shop.farewell", "no such method; it has: greet"];
    assert_fails(known, Code::Unimplemented, Outcome::NotExecuted, &parts);
    assert_eq!(logged(&log), ["(unknown)"]);
    Ok(())
}

#[tokio::test]
async fn a_layer_that_panics_while_it_is_asked_fails_that_call_only() -> TestResult {
    let panics = || tower_layer::layer_fn(|next| Moody { next, calls: 0 });
    let shop = ShopClient::new(Channel::builder().loopback(shop().layer(panics()).send_panic_texts()));
    for text in ["not in the mood", "not now"] {
        assert_fails(shop.greet("eve").await, Code::Internal, Outcome::Unknown, &[text]);
        assert_eq!(shop.greet("eve").await?, "hello eve");
    }
    Ok(())
}

/// Panics when it is asked whether it is ready, and the next time when it is called.
struct Moody {
    next: Next,
    calls: usize,
}

impl Service<Request> for Moody {
    type Response = Response;
    type Error = Error;
    type Future = farcall::layer::Answering;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        self.calls += 1;
        assert!(self.calls != 1, "not in the mood");
        self.next.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(self.calls != 3, "not now");
        self.next.call(request)
    }
}
