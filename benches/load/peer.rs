//! What is measured: a server, and a client of it.

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::BoxFuture;

use crate::{
    waits::Waits,
    work::{Calls, Load},
};

pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// An RPC library, or what stands for the machine without one.
pub(crate) trait Peer: Sync {
    fn name(&self) -> &'static str;

    /// Listens on a free port of this host, [announces](announce) it, and serves until the process is killed.
    fn serve(&self) -> BoxFuture<'static, Result<()>>;

    /// `None` if it cannot do what `load` asks for.
    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting>;

    /// Makes `calls` to a server in this process; `None` if it cannot.
    fn connect_in_process(&self, _calls: Calls) -> Option<Connecting> {
        None
    }
}

pub(crate) type Connecting = BoxFuture<'static, Result<Box<dyn Session>>>;

/// A client with its connections open.
pub(crate) trait Session: Send {
    /// Works until told to stop, and waits for what is under way.
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>>;
}

/// What was done in an interval.
#[derive(Debug)]
pub(crate) struct Done {
    /// Calls that were answered, or items that came.
    pub(crate) count: u64,
    /// Empty where the single ones are not timed.
    pub(crate) waits: Waits,
}

impl Done {
    pub(crate) fn calls(waits: Waits) -> Self {
        Self {
            count: waits.count(),
            waits,
        }
    }

    pub(crate) fn untimed(count: u64) -> Self {
        Self {
            count,
            waits: Waits::default(),
        }
    }
}

/// Tells the measuring process where this one listens.
pub(crate) fn announce(address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{address}")?;
    stdout.flush()
}

/// The word to stop: calls only read it, so asking costs them next to nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
