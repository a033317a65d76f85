//! The end of something that may be waited for: of an object, or of a connection.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tokio::sync::Notify;

use crate::Error;

/// An end that comes once, for a reason.
///
/// Those who wait are woken in the order in which they began to, which a `watch` channel leaves to chance: over a simulated
/// network the same seed is to give the same run.
#[derive(Default)]
pub(crate) struct Ending {
    why: OnceLock<Error>,
    told: Notify,
}

impl Ending {
    /// One that has come.
    pub(crate) fn of(why: Error) -> Arc<Self> {
        Arc::new(Self {
            why: OnceLock::from(why),
            told: Notify::new(),
        })
    }

    /// It has come; only the first reason counts. It wakes tasks, so it is not for under a lock.
    pub(crate) fn tell(&self, why: Error) {
        if self.why.set(why).is_ok() {
            self.told.notify_waiters();
        }
    }

    /// Whether it has come.
    pub(crate) fn is_told(&self) -> bool {
        self.why.get().is_some()
    }

    /// Waits for it, and gives the reason. Cancel safe.
    pub(crate) async fn wait(&self) -> Error {
        loop {
            // Created before the look, so that an end in between is not missed.
            let told = self.told.notified();
            if let Some(why) = self.why.get() {
                return why.clone();
            }
            told.await;
        }
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ending").field(&self.why.get()).finish()
    }
}
