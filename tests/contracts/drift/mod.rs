//! Traits and types that changed between two builds: two processes, one built from each, never exchange a value that
//! means something else.

mod judge;
mod kinds;
mod table;

use std::{env, fs, path::Path};

use farcall::{
    Channel, Server,
    codec::Format,
    contract::{Contract, FormatKind},
};
use farcall_tests::{
    TestResult,
    process::{self, Process},
    say,
};
use futures::future::BoxFuture;
use judge::{Seen, Sight, judge, judge_verdict};

/// What changed, and both sides of it.
struct Drift {
    name: &'static str,
    harm: Harm,
    old: Side,
    new: Side,
}

/// What it does to values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Harm {
    /// Positional formats write the same bytes with the same meaning.
    None,
    /// They do not.
    Changes,
    /// The same, and what would fail in a format with names cannot be written there.
    Unwritable,
}

/// What was built from one version.
struct Side {
    contract: fn() -> Contract,
    serve: Box<dyn Fn(Server) -> Server + Send + Sync>,
    /// Calls each method and says what became of it.
    probe: Box<dyn Fn(Channel) -> BoxFuture<'static, Vec<Sight>> + Send + Sync>,
}

/// Which of the two versions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    Old,
    New,
}

impl Version {
    fn of(self, drift: &Drift) -> &Side {
        match self {
            Self::Old => &drift.old,
            Self::New => &drift.new,
        }
    }
}

const VERSION: &str = "DRIFT_VERSION";
const ADDRESSES: &str = "DRIFT_ADDRESSES";

/// A server built from one version; without a parent it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_process() -> TestResult {
    if !process::is_child() {
        return Ok(());
    }
    let version = if env::var(VERSION)? == "new" {
        Version::New
    } else {
        Version::Old
    };
    let drifts = table::drifts();
    let server = || {
        drifts
            .iter()
            .fold(Server::new(), |server, drift| (version.of(drift).serve)(server))
    };
    let tcp = server().listen("tcp://127.0.0.1:0").await?;
    let udp = server().listen("udp://127.0.0.1:0").await?;
    fs::write(
        env::var(ADDRESSES)?,
        format!("{}\n{}", tcp.local_addr(), udp.local_addr()),
    )?;
    process::ready()?;
    // Until the parent ends it.
    std::future::pending().await
}

/// The server's process, and the addresses at which it listens.
fn start(version: &str, directory: &Path) -> TestResult<(Process, Vec<String>)> {
    let file = directory.join(version);
    let path = file.to_str().ok_or("a path that is no text")?;
    let server = Process::start("drift::server_process", [(VERSION, version), (ADDRESSES, path)])?;
    let addresses = fs::read_to_string(&file)?.lines().map(str::to_owned).collect();
    Ok((server, addresses))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_exchange_a_wrong_value() -> TestResult {
    if process::is_child() {
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let drifts = table::drifts();
    assert!(drifts.len() >= 30, "{} drifts", drifts.len());
    let (mut calls, mut wrong) = (0, Vec::new());
    for (client, server) in [(Version::Old, Version::New), (Version::New, Version::Old)] {
        let name = if server == Version::New { "new" } else { "old" };
        let (_process, addresses) = start(name, directory.path())?;
        for address in &addresses {
            for &format in Format::ALL {
                let channel = Channel::builder().format(format).connect(address.as_str()).await?;
                for drift in &drifts {
                    let seen = (client.of(drift).probe)(channel.clone()).await;
                    calls += seen.len();
                    let place = format!(
                        "{}, {client:?} client, {server:?} server, {format}, {address}",
                        drift.name
                    );
                    let why = holds(drift, [client, server], FormatKind::of(format), &seen).err();
                    wrong.extend(why.map(|why| format!("{place}: {why}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    say(format_args!("{} drifts, {calls} calls, no wrong value", drifts.len()));
    Ok(())
}

/// Whether a client and a server of these versions saw what they must.
fn holds(drift: &Drift, [client, server]: [Version; 2], kind: FormatKind, seen: &[Sight]) -> Result<(), String> {
    let contract = |version: Version| (version.of(drift).contract)();
    judge([&contract(client), &contract(server)], drift.harm, kind, seen)?;
    if kind.is_named() && drift.harm == Harm::Unwritable {
        return Ok(());
    }
    let change = (drift.old.contract)().change_to(&(drift.new.contract)());
    let impact = change.impact(kind);
    judge_verdict(
        match client {
            Version::Old => impact.breaks_old_clients(),
            Version::New => impact.breaks_old_servers(),
        },
        seen,
    )?;
    if kind == FormatKind::Positional {
        judge_verdict(drift.harm != Harm::None, seen)?;
    }
    Ok(())
}

/// Both sides of one version agree on everything, so that what is refused is refused for the drift.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_versions_agree() -> farcall::Result<()> {
    for version in [Version::Old, Version::New] {
        for &format in Format::ALL {
            for drift in table::drifts() {
                let side = version.of(&drift);
                let channel = Channel::builder().format(format).loopback((side.serve)(Server::new()));
                for (method, seen) in (side.probe)(channel).await {
                    assert!(
                        matches!(seen, Seen::Right),
                        "{} {version:?} {format} {method}: {seen:?}",
                        drift.name
                    );
                }
            }
        }
    }
    Ok(())
}
