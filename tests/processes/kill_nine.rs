//! A server process dies without a word: every call ends soon and says truly whether it ran, and none runs twice.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use farcall::{Channel, Limits};
use farcall_tests::{
    TestResult,
    history::{Executions, History},
    process::{self, Process},
};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpListener, UdpSocket},
    time::timeout,
};

const CALLS: u64 = 64;
const ADDRESS: &str = "KILL_NINE_ADDRESS";
const LEDGER: &str = "KILL_NINE_LEDGER";

#[farcall::service]
trait Work {
    /// Notes that `id` runs, and answers at once or never.
    async fn run(&self, id: u64, answers: bool) -> farcall::Result<u64>;
}

/// Appends each call to a file, which outlives the process.
struct Worker(Mutex<File>);

impl Worker {
    fn note(&self, id: u64) {
        let mut ledger = self.0.lock().expect("not poisoned");
        ledger.write_all(&id.to_le_bytes()).expect("the ledger can be written");
    }
}

impl Work for Worker {
    async fn run(&self, id: u64, answers: bool) -> farcall::Result<u64> {
        self.note(id);
        if !answers {
            std::future::pending::<()>().await;
        }
        Ok(id)
    }
}

/// The server's process; without a parent it has nothing to do.
#[tokio::test]
async fn server_process() -> TestResult {
    if !process::is_child() {
        return Ok(());
    }
    let ledger = OpenOptions::new().create(true).append(true).open(env::var(LEDGER)?)?;
    let server = farcall::Server::new()
        .service(WorkServer::new(Worker(Mutex::new(ledger))))
        .listen(env::var(ADDRESS)?)
        .await?;
    process::ready()?;
    server.wait().await;
    Ok(())
}

/// A directory that is removed when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = env::temp_dir().join(format!("farcall-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How often each call ran.
fn executions(ledger: &Path) -> std::io::Result<Executions> {
    let bytes = fs::read(ledger)?;
    let (ids, rest) = bytes.as_chunks::<8>();
    assert!(rest.is_empty(), "half an entry");
    let mut executions = Executions::new();
    for id in ids {
        *executions.entry(u64::from_le_bytes(*id)).or_default() += 1;
    }
    Ok(executions)
}

/// How a transport notices.
struct Pace {
    rounds: usize,
    /// How soon after the kill every call has ended.
    ends_within: Duration,
    limits: Limits,
}

/// The system closes the connections of a dead process.
fn at_once() -> Pace {
    Pace {
        rounds: 100,
        ends_within: Duration::from_secs(2),
        limits: Limits::default(),
    }
}

/// Nothing is said on behalf of a dead process until its client asks.
fn when_asked() -> Pace {
    Pace {
        rounds: 10,
        ends_within: Duration::from_secs(5),
        limits: Limits::default().keepalive(Duration::from_secs(1)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() -> TestResult {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let scratch = Scratch::new("kill-nine-tcp")?;
    die_often(&scratch.0, &format!("tcp://127.0.0.1:{port}"), at_once()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_udp() -> TestResult {
    let port = UdpSocket::bind("127.0.0.1:0").await?.local_addr()?.port();
    let scratch = Scratch::new("kill-nine-udp")?;
    die_often(&scratch.0, &format!("udp://127.0.0.1:{port}"), when_asked()).await
}

#[cfg(unix)]
#[tokio::test]
async fn over_a_unix_socket() -> TestResult {
    let scratch = Scratch::new("kill-nine-unix")?;
    let address = format!("unix://{}", scratch.0.join("socket").display());
    die_often(&scratch.0, &address, at_once()).await
}

async fn die_often(scratch: &Path, address: &str, pace: Pace) -> TestResult {
    if process::is_child() {
        return Ok(());
    }
    let ledger = scratch.join("ledger");
    let start = || {
        let variables = [(ADDRESS, address.as_ref()), (LEDGER, ledger.as_os_str())];
        Process::start("kill_nine::server_process", variables)
    };
    let mut server = start()?;
    let Pace {
        rounds,
        ends_within,
        limits,
    } = pace;
    let channel = Channel::builder().limits(limits).connect(address).await?;
    let client = WorkClient::new(channel);
    let history = History::new();
    for round in 0..rounds {
        let first = (round as u64 + 1) * 1000;
        // The first call after each restart succeeds.
        timeout(Duration::from_secs(5), history.call(first, client.run(first, true))).await??;

        let mut killed = Some(server);
        let answering = round as u64 % CALLS;
        if answering == 0 {
            // Nothing is known of the calls by then: they may not even have left.
            killed.take().map(Process::kill).transpose()?;
        }
        let mut calls: FuturesUnordered<_> = (1..=CALLS)
            .map(|call| {
                let (id, call) = (first + call, client.run(first + call, call <= answering));
                let call = history.call(id, call);
                async move { (id, call.await) }
            })
            .collect();
        let mut answered = 0;
        while let Some((id, result)) = timeout(ends_within, calls.next()).await? {
            if let Ok(answer) = result {
                assert_eq!(answer, id);
                answered += 1;
            }
            if answered == answering
                && let Some(server) = killed.take()
            {
                server.kill()?;
            }
        }
        server = start()?;
    }
    server.kill()?;

    let ended = history.check(&executions(&ledger)?)?;
    let rounds = rounds as u64;
    assert_eq!(
        ended.answered + ended.unknown + ended.not_executed,
        rounds * (CALLS + 1)
    );
    assert!(
        ended.answered > rounds && ended.unknown > rounds,
        "the rounds meant nothing: {ended:?}"
    );
    Ok(())
}
