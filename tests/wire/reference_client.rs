//! A client of the wire that was written from `docs/protocol.md` alone, in Python, understands a real server.
//!
//! The client is `wire/farcall_wire.py`, what it tries is `wire/exercise.py`. Needs `python3`, and says so where it is
//! missing.
#![allow(missing_docs, clippy::print_stderr, reason = "a test that says when it cannot run")]

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Context, Error, Metadata, Server,
    channel::{Receiver, Sender, channel, watch},
    contract::ContractCheck,
    registry::{Names, RegistryServer},
    stream::Stream,
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

#[derive(Debug, Serialize, Deserialize)]
enum Fault {
    ByZero(i64),
    Remote(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Remote(error)
    }
}

#[derive(Serialize, Deserialize)]
struct Desk {
    orders: Sender<String>,
    receipts: Receiver<u64>,
}

#[farcall::service]
trait Session {
    async fn next(&self) -> farcall::Result<u64>;
}

#[farcall::service]
trait Listener {
    async fn heard(&self, text: &str) -> farcall::Result<()>;
}

#[farcall::service]
trait Bench {
    async fn double(&self, number: u64) -> u64;
    async fn describe(&self, signed: i64, text: &str, none: Option<u8>, many: Vec<u32>, bytes: &[u8]) -> String;
    async fn divide(&self, dividend: i64, divisor: i64) -> Result<i64, Fault>;
    async fn refuse(&self, code: u8) -> farcall::Result<()>;
    async fn tenant(&self) -> String;
    async fn hang(&self);
    async fn echo(&self, bytes: Vec<u8>) -> Vec<u8>;
    fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    fn blobs(&self, count: u32, length: u32) -> impl Stream<Item = Vec<u8>> + Send;
    fn fail_after(&self, count: u32) -> impl Stream<Item = farcall::Result<u32>> + Send;
    fn forever(&self) -> impl Stream<Item = u64> + Send;
    async fn sum(&self, numbers: impl Stream<Item = u64> + Send) -> farcall::Result<u64>;
    fn doubled(&self, numbers: impl Stream<Item = u64> + Send) -> impl Stream<Item = u64> + Send;
    async fn desk(&self) -> farcall::Result<Desk>;
    async fn fill(&self, into: Sender<u32>, count: u32);
    fn nested(&self) -> impl Stream<Item = Receiver<u32>> + Send;
    async fn level(&self) -> farcall::Result<watch::Receiver<u32>>;
    async fn raise_level(&self);
    async fn open(&self) -> farcall::Result<SessionClient>;
    async fn look(&self, session: SessionClient) -> farcall::Result<u64>;
    async fn sessions(&self) -> u32;
    async fn tell(&self, listener: ListenerClient, times: u32) -> farcall::Result<()>;
    async fn elsewhere(&self) -> farcall::Result<SessionClient>;
    async fn shut_down(&self);
}

/// Counts up, and is counted while it lives.
struct Counter {
    next: AtomicU32,
    alive: Arc<AtomicU32>,
}

impl Counter {
    fn new(alive: &Arc<AtomicU32>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self {
            next: AtomicU32::new(1),
            alive: Arc::clone(alive),
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Session for Counter {
    async fn next(&self) -> farcall::Result<u64> {
        Ok(self.next.fetch_add(1, Ordering::SeqCst).into())
    }
}

struct Stand {
    factor: u64,
    level: watch::Sender<u32>,
    levels: watch::Receiver<u32>,
    sessions: Arc<AtomicU32>,
    stops: Arc<Notify>,
}

impl Stand {
    fn new(factor: u64, stops: &Arc<Notify>) -> Self {
        let (level, levels) = watch::channel(7);
        Self {
            factor,
            level,
            levels,
            sessions: Arc::default(),
            stops: Arc::clone(stops),
        }
    }
}

impl Bench for Stand {
    async fn double(&self, number: u64) -> u64 {
        number * self.factor
    }

    async fn describe(&self, signed: i64, text: &str, none: Option<u8>, many: Vec<u32>, bytes: &[u8]) -> String {
        format!("{signed} {text:?} {none:?} {many:?} {bytes:?}")
    }

    async fn divide(&self, dividend: i64, divisor: i64) -> Result<i64, Fault> {
        match divisor {
            0 => Err(Fault::ByZero(dividend)),
            99 => {
                let mut metadata = Metadata::new();
                metadata.append_bin("why-bin", vec![0, 255])?;
                let error = Error::failed_precondition("not that number").with_metadata(metadata);
                Err(Fault::Remote(error))
            }
            _ => Ok(dividend / divisor),
        }
    }

    async fn refuse(&self, _code: u8) -> farcall::Result<()> {
        let mut metadata = Metadata::new();
        metadata.append("retry-after", "3")?;
        Err(Error::not_found("nothing here").with_metadata(metadata))
    }

    async fn tenant(&self) -> String {
        let context = Context::current();
        context.append_reply_metadata("served-by", "bench").expect("a key");
        let metadata = context.metadata();
        format!(
            "{} {:?}",
            metadata.value("tenant").unwrap_or("-"),
            metadata.bin("proof-bin").unwrap_or(&[])
        )
    }

    async fn hang(&self) {
        std::future::pending::<()>().await;
    }

    async fn echo(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(0..to)
    }

    fn blobs(&self, count: u32, length: u32) -> impl Stream<Item = Vec<u8>> + Send {
        stream::iter((0..count).map(move |_| vec![7; length as usize]))
    }

    fn fail_after(&self, count: u32) -> impl Stream<Item = farcall::Result<u32>> + Send {
        stream::iter((0..count).map(Ok)).chain(stream::iter([Err(Error::data_loss("the disk is gone"))]))
    }

    fn forever(&self) -> impl Stream<Item = u64> + Send {
        stream::iter(0..)
    }

    async fn sum(&self, numbers: impl Stream<Item = u64> + Send) -> farcall::Result<u64> {
        Ok(numbers.fold(0, async |sum, number| sum + number).await)
    }

    fn doubled(&self, numbers: impl Stream<Item = u64> + Send) -> impl Stream<Item = u64> + Send {
        numbers.map(|number| 2 * number)
    }

    async fn desk(&self) -> farcall::Result<Desk> {
        let (orders, mut inbox) = channel::<String>();
        let (outbox, receipts) = channel();
        tokio::spawn(async move {
            while let Some(Ok(order)) = inbox.recv().await {
                outbox.send(order.len() as u64).await?;
            }
            outbox.finish();
            Ok::<(), Error>(())
        });
        Ok(Desk { orders, receipts })
    }

    async fn fill(&self, into: Sender<u32>, count: u32) {
        for number in 0..count {
            into.send(number).await.expect("the receiver is there");
        }
        into.finish();
    }

    fn nested(&self) -> impl Stream<Item = Receiver<u32>> + Send {
        stream::iter(1..=3).then(async |count| {
            let (sender, receiver) = channel();
            tokio::spawn(async move {
                for number in 0..count {
                    sender.send(number).await?;
                }
                sender.finish();
                Ok::<(), Error>(())
            });
            receiver
        })
    }

    async fn level(&self) -> farcall::Result<watch::Receiver<u32>> {
        Ok(self.levels.clone())
    }

    async fn raise_level(&self) {
        self.level.send(*self.levels.latest() + 1);
    }

    async fn open(&self) -> farcall::Result<SessionClient> {
        Ok(SessionClient::local(Counter::new(&self.sessions)))
    }

    async fn look(&self, session: SessionClient) -> farcall::Result<u64> {
        session.next().await
    }

    async fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::SeqCst)
    }

    async fn tell(&self, listener: ListenerClient, times: u32) -> farcall::Result<()> {
        for time in 0..times {
            listener.heard(&time.to_string()).await?;
        }
        Ok(())
    }

    async fn elsewhere(&self) -> farcall::Result<SessionClient> {
        Channel::builder()
            .connect_lazily("tcp://127.0.0.1:1/named")
            .map(SessionClient::new)
    }

    async fn shut_down(&self) {
        self.stops.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_in_another_language_understands_a_server() -> Result<(), Box<dyn std::error::Error>> {
    if Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("SKIPPED: python3 is not installed, so the reference client of the wire was not tried");
        return Ok(());
    }
    let stops: Arc<Notify> = Arc::default();
    let names = Names::new();
    names.bind("counter", &SessionClient::local(Counter::new(&Arc::default())))?;
    let server = Server::new()
        .service(BenchServer::new(Stand::new(2, &stops)))
        .named_service("triple/it", BenchServer::new(Stand::new(3, &stops)))
        .service(RegistryServer::new(names))
        .contracts(ContractCheck::Optional)
        .listen("tcp://127.0.0.1:0")
        .await?;
    let address = server.local_addr().to_string();
    let (host, port) = address.trim_start_matches("tcp://").rsplit_once(':').ok_or("a port")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("wire/exercise.py");
    let mut command = tokio::process::Command::new("python3");
    // No caches beside the sources.
    command
        .arg("-B")
        .arg(script)
        .args([host, port])
        .kill_on_drop(true)
        .stdin(Stdio::null());
    let stopping = tokio::spawn(async move {
        stops.notified().await;
        server.shutdown(Duration::from_secs(10)).await;
    });
    let run = tokio::time::timeout(Duration::from_secs(60), command.output()).await??;
    stopping.abort();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.trim_end().ends_with(" passed, 0 failed"),
        "the client failed\n{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    Ok(())
}
