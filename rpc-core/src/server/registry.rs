//! The connections of a server, and who waits for them to end.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use slab::Slab;
use tokio::{runtime::Handle, sync::Notify, task::AbortHandle};

use crate::driver::Link;

/// The connections of a server. Its lock is held for a few instructions only.
#[derive(Default)]
pub(super) struct Registry {
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    connections: Slab<Arc<Entry>>,
    draining: bool,
    cut: bool,
}

#[derive(Default)]
struct Entry {
    task: OnceLock<AbortHandle>,
    link: OnceLock<Arc<Link>>,
}

/// A connection's place; given back when it is dropped.
pub(super) struct Place {
    registry: Arc<Registry>,
    key: usize,
    entry: Arc<Entry>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection, unless there are `limit` already or the server shuts down.
    pub(super) fn enter(self: &Arc<Self>, limit: usize) -> Option<Place> {
        let mut state = self.lock();
        if state.draining || state.connections.len() >= limit {
            return None;
        }
        let entry = Arc::new(Entry::default());
        let key = state.connections.insert(Arc::clone(&entry));
        Some(Place {
            registry: Arc::clone(self),
            key,
            entry,
        })
    }

    pub(super) fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// Lets nobody in any more and tells every peer.
    pub(super) fn drain(&self) {
        let mut state = self.lock();
        state.draining = true;
        let entries: Vec<_> = state.connections.iter().map(|(_, entry)| Arc::clone(entry)).collect();
        drop(state);
        for entry in entries {
            match entry.link.get() {
                Some(link) => link.go_away(),
                // Whoever has not finished the handshake has no call to lose.
                None => entry.abort(),
            }
        }
    }

    /// Cuts every connection.
    pub(super) fn abort(&self) {
        let mut state = self.lock();
        state.draining = true;
        state.cut = true;
        let entries: Vec<_> = state.connections.iter().map(|(_, entry)| Arc::clone(entry)).collect();
        drop(state);
        for entry in entries {
            entry.abort();
        }
    }

    /// Waits until there is no connection. Cancel safe.
    pub(super) async fn emptied(&self) {
        loop {
            // Prepared before the look, so that the last place given back in between is not missed.
            let emptied = self.emptied.notified();
            if self.lock().connections.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl Entry {
    fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Place {
    /// Spawns the task that carries the connection. The place owns it: it goes into the task, and the registry can cut it.
    pub(super) fn spawn<F>(self, runtime: &Handle, task: impl FnOnce(Self) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (registry, entry) = (Arc::clone(&self.registry), Arc::clone(&self.entry));
        let handle = runtime.spawn(task(self)).abort_handle();
        let _ = entry.task.set(handle);
        // The server may have been cut between the two lines above.
        if registry.lock().cut {
            entry.abort();
        }
    }

    /// The handshake is done.
    pub(super) fn opened(&self, link: &Arc<Link>) {
        let _ = self.entry.link.set(Arc::clone(link));
        if self.registry.is_draining() {
            link.go_away();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.registry.lock();
        state.connections.try_remove(self.key);
        let empty = state.connections.is_empty();
        drop(state);
        if empty {
            self.registry.emptied.notify_waiters();
        }
    }
}
