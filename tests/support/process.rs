//! A second process: the test binary runs itself again, as one of its own tests.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

/// Tells the child that it is one.
pub const ROLE: &str = "FARCALL_TEST_CHILD";
/// What the child says when it is ready.
const READY: &str = "child is ready";

/// Whether this process is a child.
pub fn is_child() -> bool {
    env::var_os(ROLE).is_some()
}

/// Tells the parent that it may go on.
pub fn ready() -> io::Result<()> {
    let mut out = io::stdout().lock();
    // The test harness leaves the name of the test without an end of line.
    writeln!(out, "\n{READY}")?;
    out.flush()
}

/// A child process; killed when it is dropped.
pub struct Process(Child);

impl Process {
    /// Runs the test `name` of this binary in a process of its own, and waits until it is ready.
    pub fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        name: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> io::Result<Self> {
        let child = Command::new(env::current_exe()?)
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(ROLE, "1")
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = Self(child?);
        let output = process.0.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        for line in BufReader::new(output).lines() {
            if line? == READY {
                return Ok(process);
            }
        }
        Err(io::Error::other("the child ended before it was ready"))
    }

    /// Ends the process as `kill -9` does, and waits until it is gone.
    pub fn kill(mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
