//! What the connections of one server, or of one channel, have in common.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use super::router::Router;
use crate::{Code, Error, Limits, layer::Next};

/// What the connections of one server, or of one channel, have in common: what is offered, and the handlers at work.
pub(crate) struct Host {
    pub(super) router: Router,
    pub(super) layers: Option<Next>,
    /// Whether handlers get a task of their own from the start.
    pub(super) spawns: bool,
    limits: Limits,
    /// Handlers that run.
    calls: Arc<AtomicUsize>,
    /// Each handler in a task of its own has a receiver of it, so it tells when the last of them has stopped.
    handlers: watch::Sender<()>,
    /// Handlers that outlive their connection. They end with the host.
    detached: Mutex<JoinSet<()>>,
}

/// A place among the handlers that a host runs at one time; given back when it is dropped.
pub(super) struct Permit(Arc<AtomicUsize>);

impl Host {
    pub(crate) fn new(router: Router, limits: Limits, layers: Option<Next>, spawns: bool) -> Arc<Self> {
        Arc::new(Self {
            router,
            layers,
            spawns,
            limits,
            calls: Arc::default(),
            handlers: watch::Sender::default(),
            detached: Mutex::default(),
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many handlers run now.
    pub(crate) fn running(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Waits until the last handler in a task of its own has stopped. Cancel safe.
    pub(crate) async fn stopped(&self) {
        self.handlers.closed().await;
    }

    /// The handlers that outlive their connection, to be stopped.
    pub(crate) fn take_detached(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.detached.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A place for one more handler.
    pub(super) fn permit(&self) -> Result<Permit, Error> {
        let limit = self.limits.max_server_calls;
        if self.calls.fetch_add(1, Ordering::Relaxed) >= limit {
            self.calls.fetch_sub(1, Ordering::Relaxed);
            let text = format!("the other side runs its most of {limit} calls (`max_server_calls`)");
            return Err(Error::refused(Code::ResourceExhausted, text));
        }
        Ok(Permit(Arc::clone(&self.calls)))
    }

    /// Held by each handler in a task of its own.
    pub(super) fn count(&self) -> watch::Receiver<()> {
        self.handlers.subscribe()
    }

    /// Runs a handler that may outlive its connection.
    pub(super) fn spawn_detached(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut detached = self.detached.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended are taken out, so the set holds what runs.
        while detached.try_join_next().is_some() {}
        detached.spawn(task)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
