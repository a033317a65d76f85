//! The threads of a process, and the core that they run on.

use std::{fmt, io, panic::resume_unwind, str::FromStr, thread};

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};

use crate::peer::Result;

/// The same for the client and for the server of every peer.
const WORKERS: usize = 2;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Threads {
    pub(crate) flavour: Flavour,
    /// All of them share it; without one the system chooses.
    pub(crate) core: Option<usize>,
}

/// Of tokio's runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Of several threads.
    #[default]
    Workers,
    /// Of one.
    Current,
}

impl Threads {
    /// Runs `task` on a runtime of its own, on a thread of its own, so that its core is not the caller's.
    pub(crate) fn run<T: Send>(self, task: impl Future<Output = Result<T>> + Send) -> Result<T> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if let Some(core) = self.core {
                    pin_to(core)?;
                }
                self.flavour.runtime()?.block_on(task)
            });
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// In the form in which [`parse`](Self::parse) reads them.
    pub(crate) fn arguments(self) -> Vec<String> {
        let core = self.core.map(|core| core.to_string());
        [Some(self.flavour.name().to_owned()), core]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let (flavour, core) = match arguments {
            [flavour] => (flavour, None),
            [flavour, core] => (flavour, Some(core.parse()?)),
            _ => return Err("a runtime and perhaps a core must be named".into()),
        };
        let flavour = flavour.parse()?;
        Ok(Self { flavour, core })
    }
}

/// The threads that this one starts inherit it.
fn pin_to(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    if core >= CpuSet::MAX_CPU {
        return Err(format!("there is no core {core}").into());
    }
    cores.set(core);
    sched_setaffinity(None, &cores).map_err(|error| format!("core {core}: {error}").into())
}

impl Flavour {
    fn name(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Current => "current",
        }
    }

    fn runtime(self) -> io::Result<Runtime> {
        let mut builder = match self {
            Self::Workers => Builder::new_multi_thread(),
            Self::Current => Builder::new_current_thread(),
        };
        builder.worker_threads(WORKERS).enable_all().build()
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workers => write!(f, "a runtime of {WORKERS} workers"),
            Self::Current => f.write_str("a runtime of the current thread"),
        }
    }
}

impl FromStr for Flavour {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(name: &str) -> Result<Self> {
        [Self::Workers, Self::Current]
            .into_iter()
            .find(|flavour| flavour.name() == name)
            .ok_or_else(|| format!("there is no runtime {name:?}, only \"workers\" and \"current\"").into())
    }
}
