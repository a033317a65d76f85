//! How an attempt to connect went, told to all that wait for it.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::{Code, Error, driver::Link};

/// An attempt to connect, shared by its task and all that wait for it.
///
/// They are woken in the order in which they began to wait, which a `watch` channel leaves to chance: over a simulated network
/// the same seed is to give the same run.
#[derive(Default)]
pub(super) struct Attempt {
    outcome: OnceLock<Result<Arc<Link>, Error>>,
    ended: Notify,
}

impl Attempt {
    /// Waits for the outcome. Cancel safe.
    pub(super) async fn outcome(&self) -> Result<Arc<Link>, Error> {
        loop {
            // Created before the look, so that an end in between is not missed.
            let ended = self.ended.notified();
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            ended.await;
        }
    }

    fn end(&self, outcome: Result<Arc<Link>, Error>) {
        // Only the first outcome counts.
        let _ = self.outcome.set(outcome);
        self.ended.notify_waiters();
    }
}

/// The task's side of an attempt. Dropped without an outcome it tells that there will be none.
pub(super) struct Attempting(Arc<Attempt>);

impl Attempting {
    pub(super) fn new() -> (Self, Arc<Attempt>) {
        let attempt = Arc::<Attempt>::default();
        (Self(Arc::clone(&attempt)), attempt)
    }

    pub(super) fn end(self, outcome: Result<Arc<Link>, Error>) {
        self.0.end(outcome);
    }
}

impl Drop for Attempting {
    fn drop(&mut self) {
        let text = "the attempt to connect was given up: its runtime has ended";
        self.0.end(Err(Error::refused(Code::Unavailable, text)));
    }
}
