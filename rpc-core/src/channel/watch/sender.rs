//! The end that changes the value.

use std::{fmt, sync::Arc};

use super::{Receiver, SharedValue};
use crate::Error;

/// Changes the value, and lets every [`Receiver`] know.
///
/// Dropping it ends the values: receivers get the last one, and then an error.
pub struct Sender<T>(Arc<SharedValue<T>>);

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<SharedValue<T>>) -> Self {
        Self(shared)
    }

    /// Puts in a new value. It does not wait: over a connection the value replaces an older one that has not left yet.
    ///
    /// If the value cannot be encoded, is not plain data or is longer than [`max_message`](crate::Limits::max_message),
    /// receivers in other processes get an error after the value before.
    pub fn send(&self, value: T) {
        self.0.replace(None, value);
        self.push();
    }

    /// Changes the value. If another task sends at the same time, `change` is called again with the value of that task.
    pub fn send_modify(&self, mut change: impl FnMut(&mut T))
    where
        T: Clone,
    {
        loop {
            let state = self.0.state();
            let mut value = T::clone(&state.value);
            change(&mut value);
            if self.0.replace(Some(state.version), value) {
                return self.push();
            }
        }
    }

    fn push(&self) {
        self.0.subscriptions.push(|| self.0.state());
    }

    /// The value as it is now.
    pub fn latest(&self) -> Arc<T> {
        self.0.state().value
    }

    /// Another receiver, for which the current value counts as seen.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(Arc::clone(&self.0))
    }

    /// How many receivers there are, in this process and, as far as is known here, in others.
    pub fn receiver_count(&self) -> usize {
        self.0.values.receiver_count() + self.0.subscriptions.len()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.end(if std::thread::panicking() {
            Error::internal("the sender panicked; this was its last value")
        } else {
            Error::aborted("the sender was dropped; this was its last value")
        });
        self.push();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
