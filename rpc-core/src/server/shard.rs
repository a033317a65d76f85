//! The runtimes that connections run on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{runtime::Handle, sync::Notify};

use crate::{Error, Outcome};

/// A runtime that connections run on for all their life: a thread of the server, or the runtime that it was started in.
pub(super) struct Shard {
    runtime: Handle,
    connections: AtomicUsize,
    emptied: Notify,
}

/// A connection of a shard, counted until this is dropped.
pub(super) struct ShardPlace(Arc<Shard>);

impl Shard {
    pub(super) fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            connections: AtomicUsize::new(0),
            emptied: Notify::new(),
        })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Waits until it has no connection. Cancel safe.
    pub(super) async fn emptied(&self) {
        loop {
            // Prepared before the look, so that the last place given back in between is not missed.
            let emptied = self.emptied.notified();
            if self.connections.load(Ordering::Relaxed) == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// A place at the shard with the fewest connections; `None` if there is no shard. Connections last long, so turns
    /// would not do: if every second one is short, as those of health checks are, one shard would get all others.
    pub(super) fn place(shards: &[Arc<Self>]) -> Option<ShardPlace> {
        let fewest = shards
            .iter()
            .min_by_key(|shard| shard.connections.load(Ordering::Relaxed))?;
        fewest.connections.fetch_add(1, Ordering::Relaxed);
        Some(ShardPlace(Arc::clone(fewest)))
    }
}

/// The shards of a server: its own, or else the runtime that this is called in.
pub(super) fn shards_or_here(own: &[Arc<Shard>]) -> Result<Vec<Arc<Shard>>, Error> {
    if own.is_empty() {
        return Ok(vec![Shard::new(here()?)]);
    }
    Ok(own.to_vec())
}

/// The runtime that this is called in.
pub(super) fn here() -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| {
        Error::failed_precondition("a server needs a tokio runtime: call this inside one")
            .with_outcome(Outcome::NotExecuted)
    })
}

impl ShardPlace {
    pub(super) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }
}

impl Drop for ShardPlace {
    fn drop(&mut self) {
        if self.0.connections.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}
