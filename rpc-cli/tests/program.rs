//! Runs the program.

use std::{ffi::OsStr, io, process::Stdio, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_farcall");

/// Longer than any test, so that one that hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The output of a run that succeeded.
    pub(crate) fn good(self) -> String {
        assert_eq!((self.status, &*self.err), (0, ""), "{}", self.out);
        self.out
    }

    /// The status and the message of one that failed and printed nothing else.
    pub(crate) fn bad(self) -> (i32, String) {
        assert_eq!(self.out, "", "{}", self.err);
        (self.status, self.err)
    }
}

pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .kill_on_drop(true);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) async fn farcall<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> io::Result<Ran> {
    ended(command(arguments).spawn()?).await
}

/// The same with something on standard input.
pub(crate) async fn fed<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, input: &str) -> io::Result<Ran> {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    ended(child).await
}

pub(crate) async fn ended(child: Child) -> io::Result<Ran> {
    let output = timeout(PATIENCE, child.wait_with_output()).await??;
    Ok(Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
