//! Handlers that wait to be let go.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Where handlers wait: it tells when one has come and when one was stopped, and lets as many pass as it is told to.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Events>);

struct Events {
    entered: Semaphore,
    open: Semaphore,
    stopped: Semaphore,
}

struct Stopped<'a>(Option<&'a Semaphore>);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        if let Some(stopped) = self.0 {
            stopped.add_permits(1);
        }
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        let closed = || Semaphore::new(0);
        Self(Arc::new(Events {
            entered: closed(),
            open: closed(),
            stopped: closed(),
        }))
    }

    /// For a handler: waits to be let go.
    pub(crate) async fn pass(&self) {
        let mut stopped = Stopped(Some(&self.0.stopped));
        self.0.entered.add_permits(1);
        take(&self.0.open).await;
        stopped.0 = None;
    }

    /// Lets `count` handlers pass, now or when they come.
    pub(crate) fn open(&self, count: usize) {
        self.0.open.add_permits(count);
    }

    /// Waits until one more handler has come.
    pub(crate) async fn entered(&self) {
        take(&self.0.entered).await;
    }

    /// Whether a handler has come that nobody waited for.
    pub(crate) fn has_entered(&self) -> bool {
        self.0.entered.available_permits() > 0
    }

    /// Waits until one more handler was dropped while it waited.
    pub(crate) async fn stopped(&self) {
        take(&self.0.stopped).await;
    }

    /// How many handlers were dropped while they waited and nobody waited for.
    pub(crate) fn stopped_count(&self) -> usize {
        self.0.stopped.available_permits()
    }
}

async fn take(semaphore: &Semaphore) {
    semaphore.acquire().await.expect("never closed").forget();
}
