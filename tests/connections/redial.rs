//! A channel dials anew when what it had is over: an attempt that failed, a connection that drains.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, Code, Outcome, Server, testing::Network, transport::BoxStream};
use farcall_tests::{TestResult, raw};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::Instant,
};

#[farcall::service]
trait Inventory {
    async fn stock(&self) -> farcall::Result<u32>;
    async fn never(&self) -> farcall::Result<()>;
}

struct Warehouse {
    stock: u32,
    started: UnboundedSender<()>,
}

impl Inventory for Warehouse {
    async fn stock(&self) -> farcall::Result<u32> {
        Ok(self.stock)
    }

    async fn never(&self) -> farcall::Result<()> {
        let _ = self.started.send(());
        std::future::pending().await
    }
}

fn server(stock: u32) -> (Server, UnboundedReceiver<()>) {
    let (started, receiver) = unbounded_channel();
    let server = Server::new().service(InventoryServer::new(Warehouse { stock, started }));
    (server, receiver)
}

#[tokio::test]
async fn a_call_after_a_failed_attempt_makes_one_of_its_own() -> TestResult {
    let channel = Channel::builder().connect_lazily("mem://redial-failed")?;
    let inventory = InventoryClient::new(channel);
    for stock in 1..=20 {
        let error = inventory.stock().await.err().ok_or("nobody listens")?;
        assert_eq!(error.code(), Code::Unavailable);
        let running = server(stock).0.listen("mem://redial-failed").await?;
        assert_eq!(inventory.stock().await?, stock);
        running.shutdown(Duration::from_secs(1)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_call_while_the_connection_drains_goes_to_a_new_one() -> TestResult {
    let (old, mut started) = server(1);
    let old = old.listen("mem://redial-drains").await?;
    let inventory = InventoryClient::connect("mem://redial-drains").await?;
    let under_way = tokio::spawn(inventory.never());
    started.recv().await.ok_or("the handler has not started")?;

    // Stops listening at its first poll, and then waits for the handler that never ends.
    let mut shutdown = Box::pin(old.shutdown(Duration::from_secs(3600)));
    assert!(futures::poll!(&mut shutdown).is_pending());
    tokio::task::yield_now().await;
    let _new = server(2).0.listen("mem://redial-drains").await?;

    // The first call may meet the old server, which refuses it; the second one knows better.
    let mut answer = inventory.stock().await;
    if answer.as_ref().is_err_and(farcall::Error::is_retryable) {
        answer = inventory.stock().await;
    }
    assert_eq!(answer?, 2);
    assert!(!under_way.is_finished());
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn an_address_that_no_attempt_can_reach_is_not_worth_another() -> TestResult {
    let address = format!("unix:///tmp/{}", "too-long".repeat(30));
    let error = InventoryClient::connect(&address).await.err().ok_or("no such path")?;
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(!error.is_retryable());
    Ok(())
}

/// Opens each connection and leaves.
fn greets_and_leaves(dials: &Arc<AtomicUsize>) -> Arc<dyn Fn(BoxStream) + Send + Sync> {
    let dials = Arc::clone(dials);
    Arc::new(move |mut stream| {
        dials.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let mut hello = vec![0; raw::client_hello().len()];
            stream.read_exact(&mut hello).await?;
            stream.write_all(&raw::server_hello()).await?;
            stream.shutdown().await
        });
    })
}

#[tokio::test(start_paused = true)]
async fn a_server_that_opens_connections_only_to_close_them_is_not_dialed_without_a_pause() -> TestResult {
    let dials = Arc::<AtomicUsize>::default();
    let network = Network::seeded(1).delay(1..2);
    let channel = Channel::builder().connector(network.connector(greets_and_leaves(&dials)));
    let inventory = InventoryClient::new(channel);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        let error = inventory.stock().await.err().ok_or("nobody answers")?;
        assert_eq!(error.code(), Code::Unavailable);
    }
    // Five attempts in the first second and a half, and one about every second from then on.
    let dials = dials.load(Ordering::Relaxed);
    assert!((15..40).contains(&dials), "{dials} attempts in 20 s");
    Ok(())
}

/// Opens each connection and takes no calls on it.
fn greets_and_drains(dials: &Arc<AtomicUsize>) -> Arc<dyn Fn(BoxStream) + Send + Sync> {
    let dials = Arc::clone(dials);
    Arc::new(move |mut stream| {
        dials.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let mut hello = vec![0; raw::client_hello().len()];
            stream.read_exact(&mut hello).await?;
            let drains = raw::frame(raw::GO_AWAY, 0, &[]);
            stream.write_all(&[raw::server_hello(), drains].concat()).await?;
            stream.read_to_end(&mut Vec::new()).await
        });
    })
}

#[tokio::test(start_paused = true)]
async fn a_call_that_every_connection_refuses_is_given_up() -> TestResult {
    let dials = Arc::<AtomicUsize>::default();
    let network = Network::seeded(1);
    let channel = Channel::builder().connector(network.connector(greets_and_drains(&dials)));
    let inventory = InventoryClient::new(channel);
    for calls in 1..=3 {
        let error = inventory.stock().await.err().ok_or("nobody answers")?;
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::NotExecuted)
        );
        assert!(
            error.message().contains("ended before the call could be sent"),
            "{error}"
        );
        assert_eq!(
            dials.load(Ordering::Relaxed),
            4 * calls,
            "no more and no less than said"
        );
    }
    Ok(())
}
