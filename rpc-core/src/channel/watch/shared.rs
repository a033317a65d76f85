//! What the sender and the receivers of a process share.

use std::sync::Arc;

use tokio::sync::watch;

use super::{source::ValueSource, subscriptions::Subscriptions};
use crate::Error;

/// What the sender and the receivers of a process share.
pub(super) struct SharedValue<T> {
    pub(super) values: watch::Sender<ValueState<T>>,
    /// Receivers elsewhere.
    pub(super) subscriptions: Subscriptions<T>,
    /// Where values come from, if the sender is elsewhere.
    pub(super) source: Option<ValueSource<T>>,
}

/// Where the value stands.
pub(super) struct ValueState<T> {
    pub(super) value: Arc<T>,
    pub(super) version: u64,
    /// There will be no other value.
    pub(super) end: Option<Error>,
}

impl<T> Clone for ValueState<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            version: self.version,
            end: self.end.clone(),
        }
    }
}

impl<T> SharedValue<T> {
    pub(super) fn new(initial: T, source: Option<ValueSource<T>>) -> Self {
        let state = ValueState {
            value: Arc::new(initial),
            version: 0,
            end: None,
        };
        Self {
            values: watch::Sender::new(state),
            subscriptions: Subscriptions::default(),
            source,
        }
    }

    /// Where the value stands now.
    pub(super) fn state(&self) -> ValueState<T> {
        self.values.borrow().clone()
    }

    /// Puts in a new value, if the one before is still that of `version`; returns whether it did. The other value is
    /// dropped without the lock.
    pub(super) fn replace(&self, version: Option<u64>, value: T) -> bool {
        let mut value = Arc::new(value);
        self.values.send_if_modified(|state| {
            let replaces = version.is_none_or(|version| version == state.version);
            if replaces {
                state.version += 1;
                std::mem::swap(&mut state.value, &mut value);
            }
            replaces
        })
    }

    /// Puts in a value that came from elsewhere as the one of `version`, unless there is a newer one: two receivers may
    /// take in one each, and the later one may be here first. The other one is dropped without the lock.
    pub(super) fn follow(&self, version: u64, value: T) {
        let mut value = Arc::new(value);
        self.values.send_if_modified(|state| {
            let newer = version > state.version;
            if newer {
                state.version = version;
                std::mem::swap(&mut state.value, &mut value);
            }
            newer
        });
    }

    /// There will be no other value.
    pub(super) fn end(&self, error: Error) {
        let mut error = Some(error);
        self.values.send_modify(|state| {
            if state.end.is_none() {
                state.end = error.take();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_values_that_cross_the_later_one_stays() {
        let shared = SharedValue::new("first", None);
        shared.follow(2, "third");
        shared.follow(1, "second");
        let state = shared.state();
        assert_eq!((*state.value, state.version), ("third", 2));
    }
}
