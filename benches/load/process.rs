//! The server's process, and what a process has used of the machine.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{self, Child, ChildStdin, Command, Stdio},
};

use crate::{peer::Result, threads::Threads};

/// Microseconds in the unit of `/proc/<pid>/stat`, which Linux fixes for programs, for every tick of the kernel.
const TICK: f64 = 10_000.0;

/// This program once more, as the server of one peer. Killed when dropped.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    /// Open as long as the server is wanted.
    _stdin: Option<ChildStdin>,
    pub(crate) address: SocketAddr,
}

impl ServerProcess {
    pub(crate) fn start(peer: &str, threads: Threads) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", peer])
            .args(threads.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Ok(address) = line.trim().parse() else {
            return Err(format!("the server said {line:?} for its address, and {}", child.wait()?).into());
        };
        Ok(Self {
            _stdin: child.stdin.take(),
            child,
            address,
        })
    }

    pub(crate) fn cpu_time(&self) -> Result<f64> {
        cpu_time(self.child.id())
    }

    pub(crate) fn memory(&self) -> Result<u64> {
        memory(self.child.id())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn own_cpu_time() -> Result<f64> {
    cpu_time(process::id())
}

pub(crate) fn own_memory() -> Result<u64> {
    memory(process::id())
}

/// Resident bytes.
fn memory(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = resident.and_then(|resident| resident.split_whitespace().next());
    let kibibytes: u64 = kibibytes.ok_or("a process without memory")?.parse()?;
    Ok(kibibytes << 10)
}

/// Microseconds of user and system time of all threads.
fn cpu_time(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name in parentheses and may hold anything; utime and stime are the 14th and
    // 15th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    Ok(TICK * f64::from(ticks))
}
