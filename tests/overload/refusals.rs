//! A call beyond the adaptive limit is refused at once and not executed, and places come back whatever ends a call.

use farcall::{Channel, Code, Outcome, Result, Server, layer::AdaptiveLimit};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_transport, until};
use futures::{Stream, StreamExt, stream};

#[farcall::service]
trait Shop {
    async fn wait(&self) -> Result<()>;
    async fn fail(&self) -> Result<()>;
    async fn panic(&self) -> Result<()>;
    fn count(&self) -> impl Stream<Item = Result<u32>>;
}

struct Counter(Gate);

impl Shop for Counter {
    async fn wait(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
    async fn fail(&self) -> Result<()> {
        Err(farcall::Error::not_found("nothing of that name"))
    }
    async fn panic(&self) -> Result<()> {
        panic!("on purpose");
    }
    fn count(&self) -> impl Stream<Item = Result<u32>> {
        stream::iter((0..).map(Ok))
    }
}

fn shop(gate: &Gate, limit: &AdaptiveLimit) -> Server {
    Server::new()
        .service(ShopServer::new(Counter(gate.clone())))
        .layer(limit.clone())
}

/// All may use the whole limit.
fn limit(calls: usize) -> AdaptiveLimit {
    AdaptiveLimit::new().reserve(0.0).max(calls)
}

over_every_transport!(
    a_call_beyond_the_limit_is_refused_and_not_executed,
    a_place_comes_back_whatever_ends_its_call,
    a_stream_is_refused_as_well_and_takes_no_place,
);

async fn a_call_beyond_the_limit_is_refused_and_not_executed(transport: Transport) -> TestResult {
    let (gate, limit) = (Gate::new(), limit(3));
    let site = transport.serve(shop(&gate, &limit)).await?;
    let shop = ShopClient::new(site.channel.clone());
    for _ in 0..3 {
        let running: Vec<_> = (0..3).map(|_| tokio::spawn(shop.wait())).collect();
        for _ in 0..3 {
            gate.entered().await;
        }
        assert_eq!((limit.limit(), limit.in_flight()), (3, 3));
        let error = shop.wait().await.expect_err("there is no place");
        assert!(error.is_retryable(), "{error}");
        let parts = [
            "Shop.wait: the server is overloaded: 3 calls run, and its adaptive limit is 3 for calls of normal",
            "the call was not executed",
        ];
        assert_fails::<()>(Err(error), Code::ResourceExhausted, Outcome::NotExecuted, &parts);
        assert!(!gate.has_entered());
        gate.open(3);
        for call in running {
            call.await??;
        }
        until(|| limit.in_flight() == 0).await;
    }
    Ok(())
}

async fn a_place_comes_back_whatever_ends_its_call(transport: Transport) -> TestResult {
    let (gate, limit) = (Gate::new(), limit(1));
    let site = transport.serve(shop(&gate, &limit)).await?;
    let shop = ShopClient::new(site.channel.clone());
    for _ in 0..3 {
        let error = shop.fail().await.expect_err("there is none");
        assert_eq!(error.code(), Code::NotFound, "{error}");
        let error = shop.panic().await.expect_err("it panics");
        assert_eq!(error.code(), Code::Internal, "{error}");
        let dropped = tokio::spawn(shop.wait());
        gate.entered().await;
        assert_eq!(limit.in_flight(), 1);
        dropped.abort();
        gate.stopped().await;
        until(|| limit.in_flight() == 0).await;
    }
    Ok(())
}

async fn a_stream_is_refused_as_well_and_takes_no_place(transport: Transport) -> TestResult {
    let (gate, limit) = (Gate::new(), limit(1));
    let site = transport.serve(shop(&gate, &limit)).await?;
    let shop = ShopClient::new(site.channel.clone());
    let mut counted = std::pin::pin!(shop.count());
    assert_eq!(counted.next().await, Some(Ok(0)));
    assert_eq!(limit.in_flight(), 0);
    let running = tokio::spawn(shop.wait());
    gate.entered().await;
    let refused = std::pin::pin!(shop.count()).next().await.ok_or("there is an item")?;
    let parts = ["Shop.count", "the server is overloaded"];
    assert_fails(refused, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    assert_eq!(counted.next().await, Some(Ok(1)), "what runs goes on");
    gate.open(1);
    running.await??;
    Ok(())
}

/// It is an ordinary layer, so a client may have one as well.
#[tokio::test]
async fn a_client_may_limit_its_own_calls() -> TestResult {
    let (gate, limit) = (Gate::new(), limit(1));
    let server = Server::new().service(ShopServer::new(Counter(gate.clone())));
    let channel = Channel::builder().layer(limit.clone()).loopback(server);
    let shop = ShopClient::new(channel);
    let running = tokio::spawn(shop.wait());
    gate.entered().await;
    let refused = shop.wait().await;
    assert_fails(
        refused,
        Code::ResourceExhausted,
        Outcome::NotExecuted,
        &["adaptive limit"],
    );
    gate.open(1);
    running.await??;
    assert_eq!(limit.in_flight(), 0);
    Ok(())
}
