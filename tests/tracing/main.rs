//! With the feature `tracing` every call has a span on either side, and one trace joins them across the wire.

mod recorder;

use std::{error::Error, time::Duration};

use farcall::{Channel, Context, RunningServer, Server};
use recorder::Recorder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type TestResult = Result<(), Box<dyn Error>>;

#[farcall::service]
trait Back {
    async fn metadata(&self, key: &str) -> farcall::Result<Option<String>>;
    async fn fail(&self) -> farcall::Result<()>;
    async fn never(&self) -> farcall::Result<()>;
    async fn panic(&self) -> farcall::Result<()>;
}

#[farcall::service]
trait Front {
    async fn pass_on(&self) -> farcall::Result<Option<String>>;
}

struct BackHandler {
    started: UnboundedSender<()>,
}

impl Back for BackHandler {
    async fn metadata(&self, key: &str) -> farcall::Result<Option<String>> {
        Ok(Context::current().metadata().value(key).map(str::to_owned))
    }

    async fn fail(&self) -> farcall::Result<()> {
        Err(farcall::Error::not_found("nothing here"))
    }

    async fn panic(&self) -> farcall::Result<()> {
        panic!("out of stock")
    }

    async fn never(&self) -> farcall::Result<()> {
        let _ = self.started.send(());
        std::future::pending().await
    }
}

struct FrontHandler {
    back: BackClient,
}

impl Front for FrontHandler {
    async fn pass_on(&self) -> farcall::Result<Option<String>> {
        self.back.metadata("traceparent").await
    }
}

async fn back() -> farcall::Result<RunningServer> {
    let (started, _) = unbounded_channel();
    serve(BackHandler { started }).await
}

async fn serve(handler: BackHandler) -> farcall::Result<RunningServer> {
    Server::new()
        .service(BackServer::new(handler))
        .listen("tcp://127.0.0.1:0")
        .await
}

#[tokio::test]
async fn a_chain_of_calls_over_tcp_is_one_trace() -> TestResult {
    let recording = Recorder::start();
    let back = back().await?;
    let front = FrontHandler {
        back: BackClient::connect(back.local_addr()).await?,
    };
    let front = Server::new()
        .service(FrontServer::new(front))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let client = FrontClient::connect(front.local_addr()).await?;

    let seen = client.pass_on().await?.ok_or("the last handler has a trace parent")?;

    let spans = recording.spans();
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str()).collect();
    assert_eq!(
        names,
        ["farcall.call", "farcall.serve", "farcall.call", "farcall.serve"]
    );
    assert!(!spans[0].contains_key("parent_id"), "nobody asked for the first call");
    for pair in spans.windows(2) {
        assert_eq!(pair[0]["trace_id"], pair[1]["trace_id"]);
        assert_eq!(pair[0]["span_id"], pair[1]["parent_id"]);
        assert_ne!(pair[0]["span_id"], pair[1]["span_id"]);
    }
    assert_eq!(seen, format!("00-{}-{}-01", spans[3]["trace_id"], spans[3]["span_id"]));
    Ok(())
}

#[tokio::test]
async fn two_calls_that_nobody_joins_are_two_traces() -> TestResult {
    let recording = Recorder::start();
    let server = back().await?;
    let client = BackClient::connect(server.local_addr()).await?;
    client.metadata("traceparent").await?;
    client.metadata("traceparent").await?;
    let spans = recording.spans();
    assert_eq!(spans.len(), 4);
    assert_ne!(spans[0]["trace_id"], spans[2]["trace_id"]);
    Ok(())
}

#[tokio::test]
async fn spans_name_the_call_and_say_how_it_ended() -> TestResult {
    let recording = Recorder::start();
    let server = back().await?;
    let address = server.local_addr().to_string();
    let client = BackClient::connect(&address).await?;
    client.metadata("traceparent").await?;
    client.fail().await.expect_err("it always fails");
    let spans = recording.spans();

    let (answered, failed) = (&spans[..2], &spans[2..]);
    for span in answered {
        assert_eq!(
            (span["rpc.service"].as_str(), span["rpc.method"].as_str()),
            ("Back", "metadata")
        );
        assert_eq!(span["code"], "Ok");
        assert!(
            !span.contains_key("outcome"),
            "whether it ran is a question for failures"
        );
    }
    assert_eq!(failed.len(), 2);
    for span in failed {
        assert_eq!(span["rpc.method"], "fail");
        assert_eq!(
            (span["code"].as_str(), span["outcome"].as_str()),
            ("NotFound", "Executed")
        );
    }
    assert_eq!(spans[0]["peer"], address);
    assert!(spans[1]["peer"].starts_with("tcp://127.0.0.1:"), "{}", spans[1]["peer"]);
    assert_ne!(spans[1]["peer"], address);
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_refused_has_a_span_on_the_client_only() -> TestResult {
    let recording = Recorder::start();
    let server = back().await?;
    let client = FrontClient::connect(server.local_addr()).await?;
    client.pass_on().await.expect_err("there is no such service");
    let spans = recording.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(
        (spans[0]["code"].as_str(), spans[0]["outcome"].as_str()),
        ("Unimplemented", "NotExecuted")
    );
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_on_both_sides() -> TestResult {
    let recording = Recorder::start();
    let (started, mut events) = unbounded_channel();
    let server = serve(BackHandler { started }).await?;
    let client = BackClient::connect(server.local_addr()).await?;
    {
        let call = client.never();
        tokio::select! {
            result = call => return Err(format!("it never ends: {result:?}").into()),
            event = events.recv() => event.ok_or("the handler starts")?,
        }
    }
    server.shutdown(Duration::from_secs(60)).await;
    let codes: Vec<_> = recording.spans().iter().map(|span| span["code"].clone()).collect();
    assert_eq!(codes, ["Cancelled", "Cancelled"]);
    Ok(())
}

#[tokio::test]
async fn a_trace_that_the_caller_names_goes_on_with_its_state() -> TestResult {
    let recording = Recorder::start();
    let server = back().await?;
    let client = BackClient::connect(server.local_addr())
        .await?
        .with_metadata("traceparent", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00")
        .with_metadata("tracestate", "vendor=1");
    let parent = client.metadata("traceparent").await?.ok_or("there is a trace parent")?;
    let state = client.metadata("tracestate").await?;

    let spans = recording.spans();
    assert_eq!(spans[0]["parent_id"], "00f067aa0ba902b7");
    assert_eq!(spans[1]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(
        parent,
        format!("00-0af7651916cd43dd8448eb211c80319c-{}-00", spans[1]["span_id"])
    );
    assert_eq!(state.as_deref(), Some("vendor=1"));
    Ok(())
}

#[tokio::test]
async fn where_nobody_records_a_trace_goes_on_unchanged_and_none_begins() -> TestResult {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let back = back().await?;
    let front = FrontHandler {
        back: BackClient::connect(back.local_addr()).await?,
    };
    let front = Server::new()
        .service(FrontServer::new(front))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let client = FrontClient::connect(front.local_addr()).await?;
    assert_eq!(client.pass_on().await?, None);
    let traced = client.with_metadata("traceparent", PARENT).pass_on().await?;
    assert_eq!(traced.as_deref(), Some(PARENT));
    Ok(())
}

#[tokio::test]
async fn what_is_no_trace_parent_begins_a_new_trace() -> TestResult {
    let recording = Recorder::start();
    let server = back().await?;
    let client = BackClient::connect(server.local_addr())
        .await?
        .with_metadata("traceparent", "nonsense")
        .with_metadata("tracestate", "vendor=1");
    assert_eq!(
        client.metadata("tracestate").await?,
        None,
        "the state belonged to another trace"
    );
    let spans = recording.spans();
    assert!(!spans[0].contains_key("parent_id"));
    assert_eq!(spans[0]["trace_id"], spans[1]["trace_id"]);
    Ok(())
}

#[tokio::test]
async fn layers_see_the_trace_and_add_no_span() -> TestResult {
    let recording = Recorder::start();
    let server = back().await?;
    let (sender, mut seen) = unbounded_channel();
    let layer = recorder::Watch(sender);
    let channel = Channel::builder().layer(layer).connect(server.local_addr()).await?;
    BackClient::new(channel).metadata("traceparent").await?;
    let spans = recording.spans();
    assert_eq!(spans.len(), 2);
    let parent = seen.recv().await.ok_or("the layer saw the call")?;
    assert_eq!(
        parent,
        format!("00-{}-{}-01", spans[0]["trace_id"], spans[0]["span_id"])
    );
    Ok(())
}

#[tokio::test]
async fn a_panic_is_an_event_with_the_id_that_the_caller_has() -> TestResult {
    let recording = Recorder::start();
    let back = back().await?;
    let error = BackClient::connect(back.local_addr()).await?.panic().await;
    let error = error.expect_err("it panics").to_string();

    let events = recording.events("panicked");
    let [event] = &events[..] else {
        return Err(format!("{events:?}").into());
    };
    assert_eq!(
        (event["level"].as_str(), event["method"].as_str()),
        ("ERROR", "Back.panic")
    );
    assert_eq!(event["cause"], "out of stock");
    assert!(
        error.contains(&format!("panic {}", event["panic"])),
        "{error} {event:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_handler_that_is_stopped_is_an_event_with_the_reason() -> TestResult {
    let recording = Recorder::start();
    let (started, mut running) = unbounded_channel();
    let server = serve(BackHandler { started }).await?;
    let client = BackClient::connect(server.local_addr()).await?;
    {
        let call = client.never();
        tokio::select! {
            result = call => return Err(format!("it never ends: {result:?}").into()),
            event = running.recv() => event.ok_or("the handler starts")?,
        }
    }
    let late = client.with_timeout(Duration::from_millis(20)).never().await;
    late.expect_err("it never answers");
    running.recv().await.ok_or("the handler started")?;
    let cut = tokio::spawn(client.never());
    running.recv().await.ok_or("the handler starts")?;
    while recording.events("handler stopped").len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(server);
    cut.await?.expect_err("the server is gone");
    while recording.events("handler stopped").len() < 3 {
        tokio::task::yield_now().await;
    }
    let stopped = recording.events("handler stopped");
    for (event, why) in stopped.iter().zip([
        "the caller gave the call up",
        "the deadline has passed",
        "the connection ended",
    ]) {
        assert_eq!(
            (
                event["level"].as_str(),
                event["method"].as_str(),
                event["cause"].as_str()
            ),
            ("DEBUG", "Back.never", why)
        );
        assert!(event["peer"].starts_with("tcp://127.0.0.1:"), "{event:?}");
    }
    Ok(())
}

/// Once in ten seconds for each address, however many calls come to the limit.
#[tokio::test]
async fn a_limit_that_is_passed_is_an_event_once() -> TestResult {
    let recording = Recorder::start();
    let (started, mut running) = unbounded_channel();
    let server = Server::new()
        .service(BackServer::new(BackHandler { started }))
        .limits(farcall::Limits::default().max_server_calls(1))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let client = BackClient::connect(server.local_addr()).await?;
    for _ in 0..2 {
        let call = tokio::spawn(client.never());
        running.recv().await.ok_or("the handler starts")?;
        for _ in 0..3 {
            client.fail().await.expect_err("there is no place");
        }
        call.abort();
        // Until the handler has stopped.
        while client.metadata("none").await.is_err() {}
    }
    let passed = recording.events("limit passed");
    assert_eq!(passed.len(), 1, "{passed:?}");
    for event in passed {
        assert_eq!(event["level"], "WARN");
        assert!(event["cause"].contains("max_server_calls"), "{event:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_dropped_for_want_of_room_is_an_event() -> TestResult {
    let recording = Recorder::start();
    let (started, _) = unbounded_channel();
    let limits = farcall::Limits::default().max_message(8 << 10).max_unread(8 << 10);
    let server = Server::new()
        .service(BackServer::new(BackHandler { started }))
        .limits(limits)
        .listen("tcp://127.0.0.1:0")
        .await?;
    let client = BackClient::connect(server.local_addr()).await?;
    let long = client.with_metadata("long", &"x".repeat(3000));
    // Their requests leave together, and so their answers are made before any of them is written.
    let answers = futures::future::join_all((0..4).map(|_| long.metadata("long"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 2);
    let passed = recording.events("limit passed");
    assert_eq!(passed.len(), 1, "{passed:?}");
    assert!(passed[0]["cause"].contains("max_unread"), "{passed:?}");
    Ok(())
}

#[tokio::test]
async fn connections_that_fail_are_refused_or_end_and_the_shutdown_are_events() -> TestResult {
    use tokio::io::AsyncWriteExt;

    let recording = Recorder::start();
    let (started, _) = unbounded_channel();
    let (told, mut failures) = unbounded_channel();
    let server = Server::new()
        .service(BackServer::new(BackHandler { started }))
        .limits(farcall::Limits::default().max_connections(1))
        .on_failed_connection(move |_, _| told.send(()).expect("the test listens"))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let address = server.local_addr().to_string();
    let mut stranger = tokio::net::TcpStream::connect(address.trim_start_matches("tcp://")).await?;
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    failures.recv().await.ok_or("the handshake fails")?;
    let failed = recording.events("handshake failed");
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0]["level"].as_str(), failed[0]["peer"].starts_with("tcp://")),
        ("DEBUG", true)
    );
    assert!(!failed[0]["cause"].is_empty());

    let client = BackClient::connect(&address).await?;
    client.metadata("none").await?;
    Channel::connect(&address).await.expect_err("there is no room");
    let refused = recording.events("connection refused");
    assert_eq!((refused.len(), refused[0]["level"].as_str()), (1, "WARN"));
    assert!(refused[0]["cause"].contains("max_connections"), "{refused:?}");

    server.shutdown(Duration::from_secs(1)).await;
    assert_eq!(recording.events("shutdown began")[0]["level"], "INFO");
    assert_eq!(recording.events("shutdown ended").len(), 1);
    assert!(recording.events("shutdown cuts what is left").is_empty());
    let ended = recording.events("connection ended");
    assert!(
        !ended.is_empty()
            && ended
                .iter()
                .all(|event| event["level"] == "DEBUG" && !event["cause"].is_empty())
    );
    Ok(())
}

#[farcall::service]
trait Blocker {
    /// Blocks its thread until the test comes to the barrier for the second time.
    async fn block(&self) -> farcall::Result<()>;
}

impl Blocker for std::sync::Arc<std::sync::Barrier> {
    async fn block(&self) -> farcall::Result<()> {
        self.wait();
        self.wait();
        Ok(())
    }
}

#[tokio::test]
async fn a_shard_that_is_blocked_when_its_server_is_over_is_an_event() -> TestResult {
    let recording = Recorder::start();
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(2));
    let server = Server::new().service(BlockerServer::new(barrier.clone())).shards(1);
    let server = server.listen("tcp://127.0.0.1:0").await?;
    let client = BlockerClient::connect(server.local_addr()).await?;
    let call = tokio::spawn(client.block());
    // The call leaves before this thread blocks.
    while server.running_calls() == 0 {
        tokio::task::yield_now().await;
    }
    barrier.wait();
    drop(server);
    let blocked = recording.events("shard blocked");
    assert_eq!(
        (
            blocked.len(),
            blocked[0]["level"].as_str(),
            blocked[0]["thread"].as_str()
        ),
        (1, "WARN", "farcall-0")
    );
    barrier.wait();
    // It is answered before its connection is cut, or not.
    let _ = call.await?;
    Ok(())
}
