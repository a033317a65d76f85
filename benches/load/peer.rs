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

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::work::{Calls, Load};

pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// An RPC library, or what stands for the machine without one.
pub(crate) trait Peer: Sync {
    fn name(&self) -> &'static str;

    /// Listens on a free port of this host, [announces](announce) it, and serves until the process is killed.
    fn serve(&self) -> BoxFuture<'static, Result<()>>;

    /// `None` if it cannot do what `load` asks for.
    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting>;
}

pub(crate) type Connecting = BoxFuture<'static, Result<Box<dyn Session>>>;

/// A client with its connections open.
pub(crate) trait Session: Send {
    /// Works until told to stop, waits for what is under way, and says how many calls were answered or items came.
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<u64>>;
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

/// A client of an RPC library on one connection.
pub(crate) trait Echo: Clone + Send + Sync + 'static {
    type Answer: AsRef<[u8]> + Send;

    fn echo(&self, id: u64, body: &Bytes) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// Drives any RPC library: a task for each call in flight, which calls, waits, and calls again.
pub(crate) struct Callers<E> {
    connections: Vec<E>,
    in_flight: usize,
    body: Bytes,
}

impl<E: Echo> Callers<E> {
    /// # Errors
    /// When an answer is not what was sent; the measured calls check the length alone.
    pub(crate) async fn new(connections: Vec<E>, load: Calls) -> Result<Self> {
        let body: Bytes = (0..=u8::MAX).cycle().take(load.body).collect();
        for connection in &connections {
            if connection.echo(0, &body).await?.as_ref() != body {
                return Err("the server answered with another body".into());
            }
        }
        Ok(Self {
            connections,
            in_flight: load.in_flight,
            body,
        })
    }
}

impl<E: Echo> Session for Callers<E> {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let mut tasks = JoinSet::new();
            for connection in &self.connections {
                for _ in 0..self.in_flight {
                    tasks.spawn(call_until(stop.clone(), connection.clone(), self.body.clone()));
                }
            }
            let mut calls = 0;
            while let Some(task) = tasks.join_next().await {
                calls += task??;
            }
            Ok(calls)
        })
    }
}

async fn call_until<E: Echo>(stop: Stop, connection: E, body: Bytes) -> Result<u64> {
    let mut calls = 0;
    while !stop.is_set() {
        if connection.echo(calls, &body).await?.as_ref().len() != body.len() {
            return Err("the server answered with a body of another length".into());
        }
        calls += 1;
    }
    Ok(calls)
}
