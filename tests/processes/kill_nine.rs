//! A server process dies without a word: every call ends soon and says truly whether it ran, and none runs twice.

use std::{
    collections::HashMap,
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use farcall::{Channel, Limits, Outcome};
use farcall_tests::{
    TestResult,
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
fn executions(ledger: &Path) -> std::io::Result<HashMap<u64, usize>> {
    let bytes = fs::read(ledger)?;
    let (ids, rest) = bytes.as_chunks::<8>();
    assert!(rest.is_empty(), "half an entry");
    let mut executions = HashMap::new();
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
    let mut outcomes = HashMap::new();
    for round in 0..rounds {
        let first = (round as u64 + 1) * 1000;
        // The first call after each restart succeeds.
        let id = timeout(Duration::from_secs(5), client.run(first, true)).await??;
        outcomes.insert(id, None);

        let mut killed = Some(server);
        let answering = round as u64 % CALLS;
        if answering == 0 {
            // Nothing is known of the calls by then: they may not even have left.
            killed.take().map(Process::kill).transpose()?;
        }
        let mut calls: FuturesUnordered<_> = (1..=CALLS)
            .map(|call| {
                let (id, call) = (first + call, client.run(first + call, call <= answering));
                async move { (id, call.await) }
            })
            .collect();
        let mut answered = 0;
        while let Some((id, result)) = timeout(ends_within, calls.next()).await? {
            match result {
                Ok(answer) => {
                    assert_eq!(answer, id);
                    answered += 1;
                    outcomes.insert(id, None);
                }
                Err(error) => {
                    assert_ne!(error.outcome(), Outcome::Executed, "{error}");
                    outcomes.insert(id, Some(error.outcome()));
                }
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

    let executions = executions(&ledger)?;
    assert_eq!(outcomes.len() as u64, rounds as u64 * (CALLS + 1));
    for (id, outcome) in &outcomes {
        let times = executions.get(id).copied().unwrap_or_default();
        let allowed = match outcome {
            None => 1..=1,
            Some(Outcome::NotExecuted) => 0..=0,
            Some(_) => 0..=1,
        };
        assert!(
            allowed.contains(&times),
            "call {id} ended as {outcome:?} and ran {times} times"
        );
    }
    assert!(executions.keys().all(|id| outcomes.contains_key(id)));
    let count = |wanted: Option<Outcome>| outcomes.values().filter(|outcome| **outcome == wanted).count();
    assert!(
        count(None) > rounds && count(Some(Outcome::Unknown)) > rounds,
        "the rounds meant something"
    );
    Ok(())
}
