//! Giving a call up stops its handler, and a call's place is free when its handler has stopped.

use std::sync::{Arc, mpsc};

use farcall::{Channel, Code, Context, Limits, Outcome, Result, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_socket, over_every_transport, until, wrap};
use tower_service::Service;

#[farcall::service]
trait Worker {
    async fn wait(&self) -> Result<()>;
    #[rpc(detached)]
    async fn finish(&self) -> Result<()>;
    #[rpc(detached)]
    async fn watch(&self) -> Result<()>;
    #[rpc(blocking)]
    fn block(&self) -> Result<()>;
    async fn ping(&self) -> u32;
}

/// The ends of a blocking handler's channels: it says that it has begun, whether it was cancelled, and waits in
/// between.
struct Blocking {
    begun: tokio::sync::mpsc::UnboundedSender<()>,
    cancelled: tokio::sync::mpsc::UnboundedSender<bool>,
    go: mpsc::Receiver<()>,
}

struct Site {
    begun: tokio::sync::mpsc::UnboundedReceiver<()>,
    cancelled: tokio::sync::mpsc::UnboundedReceiver<bool>,
    go: mpsc::Sender<()>,
}

struct Shop {
    gate: Gate,
    finished: Gate,
    blocking: Arc<std::sync::Mutex<Blocking>>,
}

impl Worker for Shop {
    async fn wait(&self) -> Result<()> {
        self.gate.pass().await;
        Ok(())
    }
    async fn finish(&self) -> Result<()> {
        self.gate.pass().await;
        self.finished.pass().await;
        Ok(())
    }
    async fn watch(&self) -> Result<()> {
        self.gate.pass().await;
        Context::current().cancelled().await;
        assert!(Context::current().is_cancelled());
        self.finished.pass().await;
        Ok(())
    }
    fn block(&self) -> Result<()> {
        let blocking = self.blocking.lock().expect("one handler at a time");
        let _ = blocking.begun.send(());
        let _ = blocking.go.recv();
        let _ = blocking.cancelled.send(Context::current().is_cancelled());
        Ok(())
    }
    async fn ping(&self) -> u32 {
        7
    }
}

fn shop() -> (Server, Gate, Gate, Site) {
    let (gate, finished) = (Gate::new(), Gate::new());
    let (begun, begins) = tokio::sync::mpsc::unbounded_channel();
    let (cancelled, cancels) = tokio::sync::mpsc::unbounded_channel();
    let (go, goes) = mpsc::channel();
    let blocking = Blocking {
        begun,
        cancelled,
        go: goes,
    };
    let shop = Shop {
        gate: gate.clone(),
        finished: finished.clone(),
        blocking: Arc::new(std::sync::Mutex::new(blocking)),
    };
    let site = Site {
        begun: begins,
        cancelled: cancels,
        go,
    };
    (Server::new().service(WorkerServer::new(shop)), gate, finished, site)
}

over_every_transport!(
    dropping_the_future_drops_the_handler,
    dropping_a_call_that_was_never_polled_sends_nothing,
    a_chain_of_three_is_cancelled_to_its_end,
    a_detached_handler_finishes,
    a_detached_handler_hears_of_the_cancellation,
    a_cancelled_call_keeps_its_place_until_its_handler_has_stopped,
    layers_change_nothing_about_a_blocking_handlers_place,
    layers_change_nothing_about_what_a_detached_handler_hears,
    the_connection_lives_on,
);

async fn dropping_the_future_drops_the_handler(transport: Transport) -> TestResult {
    let (server, gate, ..) = shop();
    let site = transport.serve(server).await?;
    let worker = WorkerClient::new(site.channel.clone());
    let call = tokio::spawn(worker.wait());
    gate.entered().await;
    call.abort();
    gate.stopped().await;
    Ok(())
}

async fn dropping_a_call_that_was_never_polled_sends_nothing(transport: Transport) -> TestResult {
    let (server, gate, ..) = shop();
    let site = transport.serve(server).await?;
    let worker = WorkerClient::new(site.channel.clone());
    drop(worker.wait());
    // Requests stay in order, so the dropped one would be there before this answer.
    assert_eq!(worker.ping().await?, 7);
    assert!(!gate.has_entered());
    Ok(())
}

#[farcall::service]
trait Link {
    async fn wait_below(&self) -> Result<()>;
}

struct Chained<F>(F);

impl<F, A> Link for Chained<F>
where
    F: Fn() -> A + Send + Sync,
    A: Future<Output = Result<()>> + Send,
{
    async fn wait_below(&self) -> Result<()> {
        (self.0)().await
    }
}

async fn a_chain_of_three_is_cancelled_to_its_end(transport: Transport) -> TestResult {
    let (server, gate, ..) = shop();
    let third = transport.serve(server).await?;
    let worker = WorkerClient::new(third.channel.clone());
    let link = LinkServer::new(Chained(move || worker.wait()));
    let second = transport.serve(Server::new().service(link)).await?;
    let below = LinkClient::new(second.channel.clone());
    let link = LinkServer::new(Chained(move || below.wait_below()));
    let first = transport.serve(Server::new().service(link)).await?;
    let call = tokio::spawn(LinkClient::new(first.channel.clone()).wait_below());
    gate.entered().await;
    call.abort();
    gate.stopped().await;
    Ok(())
}

async fn a_detached_handler_finishes(transport: Transport) -> TestResult {
    let (server, gate, finished, _) = shop();
    let site = transport.serve(server).await?;
    let worker = WorkerClient::new(site.channel.clone());
    let call = tokio::spawn(worker.finish());
    gate.entered().await;
    call.abort();
    // The cancellation is there before this answer.
    assert!(call.await.expect_err("it was aborted").is_cancelled());
    assert_eq!(worker.ping().await?, 7);
    gate.open(1);
    finished.entered().await;
    assert_eq!(gate.stopped_count(), 0);
    Ok(())
}

async fn a_detached_handler_hears_of_the_cancellation(transport: Transport) -> TestResult {
    let (server, gate, finished, _) = shop();
    hears_of_the_cancellation(transport, server, &gate, &finished).await
}

/// The context that a handler gets behind layers is a copy of the one that the server cancels.
async fn layers_change_nothing_about_what_a_detached_handler_hears(transport: Transport) -> TestResult {
    let (server, gate, finished, _) = shop();
    let server = server.layer(wrap(|request, mut next| Service::call(&mut next, request)));
    hears_of_the_cancellation(transport, server, &gate, &finished).await
}

async fn hears_of_the_cancellation(transport: Transport, server: Server, gate: &Gate, finished: &Gate) -> TestResult {
    let site = transport.serve(server).await?;
    let worker = WorkerClient::new(site.channel.clone());
    let call = tokio::spawn(worker.watch());
    gate.entered().await;
    call.abort();
    gate.open(1);
    finished.entered().await;
    Ok(())
}

async fn a_cancelled_call_keeps_its_place_until_its_handler_has_stopped(transport: Transport) -> TestResult {
    let (server, _, _, blocking) = shop();
    keeps_its_place(transport, server, blocking).await
}

async fn layers_change_nothing_about_a_blocking_handlers_place(transport: Transport) -> TestResult {
    let (server, _, _, blocking) = shop();
    let server = server.layer(wrap(|request, mut next| Service::call(&mut next, request)));
    keeps_its_place(transport, server, blocking).await
}

async fn keeps_its_place(transport: Transport, server: Server, mut blocking: Site) -> TestResult {
    let server = server.limits(Limits::default().max_calls(2).max_server_calls(1));
    let site = transport.serve(server).await?;
    let worker = WorkerClient::new(site.channel.clone());
    let call = tokio::spawn(worker.block());
    blocking.begun.recv().await.ok_or("the handler is gone")?;
    call.abort();
    assert!(call.await.expect_err("it was aborted").is_cancelled());
    // The handler runs on although its caller is gone: one more would be one more than the server runs.
    for _ in 0..3 {
        let parts = ["Worker.ping: ", "max_server_calls", "runs 1 calls already"];
        assert_fails(
            worker.ping().await,
            Code::ResourceExhausted,
            Outcome::NotExecuted,
            &parts,
        );
    }
    blocking.go.send(())?;
    assert_eq!(blocking.cancelled.recv().await, Some(true));
    // The place is free a moment after the handler has ended; nothing tells the caller when.
    loop {
        match worker.ping().await {
            Ok(answer) => break assert_eq!(answer, 7),
            Err(error) => assert_eq!(error.code(), Code::ResourceExhausted, "{error}"),
        }
    }
    Ok(())
}

async fn the_connection_lives_on(transport: Transport) -> TestResult {
    let (server, gate, ..) = shop();
    let site = transport.serve(server).await?;
    let worker = WorkerClient::new(site.channel.clone());
    let other = tokio::spawn(worker.wait());
    gate.entered().await;
    for _ in 0..100 {
        let call = tokio::spawn(worker.wait());
        gate.entered().await;
        call.abort();
        gate.stopped().await;
    }
    gate.open(1);
    assert_eq!(other.await?, Ok(()));
    Ok(())
}

/// A layer that answers by itself drops the rest of the call, and the handler below it may be one that cannot be
/// stopped.
#[tokio::test]
async fn a_layer_that_answers_early_does_not_free_a_blocking_handlers_place() -> TestResult {
    let (server, _, _, mut blocking) = shop();
    let enough = Arc::new(tokio::sync::Notify::new());
    let hears = Arc::clone(&enough);
    let refuses = wrap(move |request: farcall::layer::Request, mut next| {
        let (answer, enough) = (Service::call(&mut next, request), Arc::clone(&hears));
        async move {
            tokio::select! {
                answer = answer => answer,
                () = enough.notified() => Err(farcall::Error::aborted("seen enough")),
            }
        }
    });
    let server = server.layer(refuses).limits(Limits::default().max_server_calls(1));
    let worker = WorkerClient::new(Channel::builder().loopback(server));
    let call = tokio::spawn(worker.block());
    blocking.begun.recv().await.ok_or("the handler is gone")?;
    enough.notify_one();
    assert_fails(call.await?, Code::Aborted, Outcome::Executed, &["seen enough"]);
    let parts = ["max_server_calls"];
    assert_fails(
        worker.ping().await,
        Code::ResourceExhausted,
        Outcome::NotExecuted,
        &parts,
    );
    blocking.go.send(())?;
    blocking.cancelled.recv().await.ok_or("the handler is gone")?;
    while let Err(error) = worker.ping().await {
        assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    }
    Ok(())
}

over_every_socket!(
    a_connection_that_ends_stops_its_handlers,
    a_detached_handler_outlives_its_connection,
    a_cancelled_blocking_call_keeps_its_place_on_the_connection,
);

async fn a_connection_that_ends_stops_its_handlers(transport: Transport) -> TestResult {
    let (server, gate, ..) = shop();
    let site = transport.serve(server).await?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (client, address) = (site.client(), site.server().local_addr());
    runtime.spawn(async move { WorkerClient::new(client.connect(address).await?).wait().await });
    gate.entered().await;
    // All tasks of the client are dropped where they stand, as by the end of its process.
    runtime.shutdown_background();
    gate.stopped().await;
    until(|| site.server().running_calls() == 0).await;
    Ok(())
}

async fn a_detached_handler_outlives_its_connection(transport: Transport) -> TestResult {
    let (server, gate, finished, _) = shop();
    let site = transport.serve(server).await?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (client, address) = (site.client(), site.server().local_addr());
    runtime.spawn(async move { WorkerClient::new(client.connect(address).await?).watch().await });
    gate.entered().await;
    runtime.shutdown_background();
    gate.open(1);
    finished.entered().await;
    assert_eq!(site.server().running_calls(), 1);
    finished.open(1);
    until(|| site.server().running_calls() == 0).await;
    Ok(())
}

/// The same seen by the client: an honest one refuses by itself what its server would refuse.
async fn a_cancelled_blocking_call_keeps_its_place_on_the_connection(transport: Transport) -> TestResult {
    let (server, _, _, mut blocking) = shop();
    let client = Channel::builder().limits(Limits::default().max_waiting_calls(0));
    let site = transport
        .serve_to(server.limits(Limits::default().max_calls(1)), client)
        .await?;
    let worker = WorkerClient::new(site.channel.clone());
    let call = tokio::spawn(worker.block());
    blocking.begun.recv().await.ok_or("the handler is gone")?;
    call.abort();
    assert!(call.await.expect_err("it was aborted").is_cancelled());
    for _ in 0..3 {
        let parts = ["Worker.ping: ", "max_calls", "1 calls are in flight"];
        assert_fails(
            worker.ping().await,
            Code::ResourceExhausted,
            Outcome::NotExecuted,
            &parts,
        );
    }
    // Another connection has places of its own.
    assert_eq!(WorkerClient::new(site.connect().await?).ping().await?, 7);
    blocking.go.send(())?;
    until(|| site.server().running_calls() == 0).await;
    loop {
        match worker.ping().await {
            Ok(answer) => break assert_eq!(answer, 7),
            Err(error) => assert_eq!(error.code(), Code::ResourceExhausted, "{error}"),
        }
    }
    Ok(())
}
