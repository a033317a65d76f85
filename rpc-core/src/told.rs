//! Something that is said once, to all that wait for it.

use std::{fmt, sync::OnceLock};

use tokio::sync::Notify;

use crate::Error;

/// The end of an object or a connection, which comes once, for a reason.
pub(crate) type Ending = Told<Error>;

/// Something that is said once, to all that wait for it.
///
/// They are woken in the order in which they began to wait, because the same seed of a simulated network must give the
/// same run. A `watch` channel would wake them in any order.
pub(crate) struct Told<T> {
    said: OnceLock<T>,
    told: Notify,
}

impl<T> Told<T> {
    /// What was said already.
    pub(crate) fn of(said: T) -> Self {
        Self {
            said: OnceLock::from(said),
            told: Notify::new(),
        }
    }

    /// Says it; only the first time counts. It wakes tasks, so it must not be called under a lock.
    pub(crate) fn tell(&self, what: T) {
        if self.said.set(what).is_ok() {
            self.told.notify_waiters();
        }
    }

    /// Whether it was said.
    pub(crate) fn is_told(&self) -> bool {
        self.said.get().is_some()
    }
}

impl<T: Clone> Told<T> {
    /// Waits until it is said. Cancel safe.
    pub(crate) async fn wait(&self) -> T {
        loop {
            // Created before the look, so that what is said in between is not missed.
            let told = self.told.notified();
            if let Some(said) = self.said.get() {
                return said.clone();
            }
            told.await;
        }
    }
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self {
            said: OnceLock::new(),
            told: Notify::new(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Told<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Told").field(&self.said.get()).finish()
    }
}
