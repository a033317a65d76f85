//! Handlers that block run beside the others and keep what a handler has.

use std::sync::{
    Arc, Barrier, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use farcall::{Context, Result, Server};
use farcall_tests::{TestResult, Transport, over_every_transport};
use futures::future::try_join_all;
use tokio::sync::Notify;

#[farcall::service]
trait Mill {
    #[rpc(blocking)]
    fn grind(&self, corn: &str, blob: &[u8]) -> Result<String>;
    #[rpc(blocking)]
    fn meet(&self, number: u32) -> Result<u32>;
    #[rpc(blocking)]
    fn wait(&self) -> Result<()>;
    #[rpc(blocking)]
    fn count(&self) -> Result<()>;
    async fn ping(&self) -> u32;
}

struct Miller {
    meeting: Barrier,
    begun: Arc<Notify>,
    go: Mutex<mpsc::Receiver<()>>,
    counted: Arc<AtomicUsize>,
}

impl Mill for Miller {
    fn grind(&self, corn: &str, blob: &[u8]) -> Result<String> {
        let method = Context::current().method().unwrap_or("none");
        Ok(format!("{corn} {} {method}", blob.len()))
    }
    fn meet(&self, number: u32) -> Result<u32> {
        self.meeting.wait();
        Ok(number)
    }
    fn wait(&self) -> Result<()> {
        self.begun.notify_one();
        let _ = self.go.lock().expect("one at a time").recv();
        Ok(())
    }
    fn count(&self) -> Result<()> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn ping(&self) -> u32 {
        7
    }
}

struct Handles {
    begun: Arc<Notify>,
    go: mpsc::Sender<()>,
    counted: Arc<AtomicUsize>,
}

fn mill(participants: usize) -> (MillServer<Miller>, Handles) {
    let (go, waits) = mpsc::channel();
    let (begun, counted) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let miller = Miller {
        meeting: Barrier::new(participants),
        begun: Arc::clone(&begun),
        go: Mutex::new(waits),
        counted: Arc::clone(&counted),
    };
    (MillServer::new(miller), Handles { begun, go, counted })
}

over_every_transport!(
    arguments_are_borrowed_and_the_context_is_there,
    they_block_nobody_else,
    they_run_side_by_side,
);

async fn arguments_are_borrowed_and_the_context_is_there(transport: Transport) -> TestResult {
    let site = transport.serve(Server::new().service(mill(1).0)).await?;
    let mill = MillClient::new(site.channel.clone());
    assert_eq!(mill.grind("rye", &vec![0; 100_000]).await?, "rye 100000 grind");
    Ok(())
}

async fn they_block_nobody_else(transport: Transport) -> TestResult {
    let (server, handles) = mill(1);
    let site = transport.serve(Server::new().service(server)).await?;
    let mill = MillClient::new(site.channel.clone());
    let waiting = tokio::spawn(mill.wait());
    handles.begun.notified().await;
    assert_eq!(mill.ping().await?, 7);
    handles.go.send(())?;
    assert_eq!(waiting.await?, Ok(()));
    Ok(())
}

/// Every handler blocks until all the others are there.
async fn they_run_side_by_side(transport: Transport) -> TestResult {
    let site = transport.serve(Server::new().service(mill(8).0)).await?;
    let mill = MillClient::new(site.channel.clone());
    let answers = try_join_all((0..8).map(|number| mill.meet(number))).await?;
    assert!(answers.into_iter().eq(0..8));
    Ok(())
}

/// A handler that waits for a thread has not begun, so nothing keeps it from being stopped.
#[test]
fn a_handler_that_waits_for_a_thread_is_not_started_after_its_caller_has_gone() -> TestResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()?;
    let (server, handles) = mill(1);
    let counted = Arc::clone(&handles.counted);
    runtime.block_on(async {
        let mill = MillClient::new(farcall::Channel::loopback(server));
        let waiting = tokio::spawn(mill.wait());
        handles.begun.notified().await;
        let queued = tokio::spawn(mill.count());
        // The request is ahead of this one.
        assert_eq!(mill.ping().await?, 7);
        queued.abort();
        assert!(queued.await.expect_err("it was aborted").is_cancelled());
        assert_eq!(mill.ping().await?, 7);
        handles.go.send(())?;
        assert_eq!(waiting.await?, Ok(()));
        // Behind the cancelled one in the only thread's queue.
        assert_eq!(mill.grind("rye", &[]).await?, "rye 0 grind");
        assert_eq!(counted.load(Ordering::SeqCst), 0);
        Ok(())
    })
}
