//! Handlers that wait to be let go.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Counts as stopped when it is dropped before it [ended](Self::ended).
pub struct Watched(Option<Gate>);

impl Watched {
    pub fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(gate) = &self.0 {
            gate.0.stopped.add_permits(1);
        }
    }
}

/// Where handlers wait: it tells when one has come and when one was stopped, and lets as many pass as it is told to.
#[derive(Clone)]
pub struct Gate(Arc<Events>);

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
    pub fn new() -> Self {
        let closed = || Semaphore::new(0);
        Self(Arc::new(Events {
            entered: closed(),
            open: closed(),
            stopped: closed(),
        }))
    }

    /// For a handler: waits to be let go.
    pub async fn pass(&self) {
        let mut stopped = Stopped(Some(&self.0.stopped));
        self.0.entered.add_permits(1);
        take(&self.0.open).await;
        stopped.0 = None;
    }

    /// For a handler that does not wait: it has come, and is stopped when the result is dropped.
    pub fn watched(&self) -> Watched {
        self.0.entered.add_permits(1);
        Watched(Some(self.clone()))
    }

    /// Lets `count` handlers pass, now or when they come.
    pub fn open(&self, count: usize) {
        self.0.open.add_permits(count);
    }

    /// Waits until one more handler has come.
    pub async fn entered(&self) {
        take(&self.0.entered).await;
    }

    /// Whether a handler has come that the test did not wait for.
    pub fn has_entered(&self) -> bool {
        self.0.entered.available_permits() > 0
    }

    /// Waits until one more handler was dropped while it waited.
    pub async fn stopped(&self) {
        take(&self.0.stopped).await;
    }

    /// How many handlers were dropped while they waited, without those that the test waited for.
    pub fn stopped_count(&self) -> usize {
        self.0.stopped.available_permits()
    }
}

async fn take(semaphore: &Semaphore) {
    semaphore.acquire().await.expect("never closed").forget();
}
