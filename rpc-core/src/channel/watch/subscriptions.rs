//! The receivers of a watch channel that were sent away.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{shared::State, value::Encode};
use crate::{Error, codec::Format, driver::Outlet, service::Payload};

/// The receivers that were sent away. Nobody's task tells them of new values: whoever sends does, one at a time and without the
/// lock.
pub(super) struct Subscriptions<T>(Mutex<List<T>>);

struct List<T> {
    all: Vec<Subscription<T>>,
    /// Somebody tells them of a value, and has them all in hand.
    pushing: bool,
    in_hand: usize,
    /// There is a newer value, or a new subscription.
    again: bool,
    /// When there are so many, those who have gone are looked for: without new values nobody would notice.
    prune_at: usize,
}

/// A receiver elsewhere.
pub(super) struct Subscription<T> {
    outlet: Outlet,
    encode: Encode<T>,
    /// The version of the value that it has.
    version: u64,
}

impl<T> Default for Subscriptions<T> {
    fn default() -> Self {
        Self(Mutex::new(List {
            all: Vec::new(),
            pushing: false,
            in_hand: 0,
            again: false,
            prune_at: PRUNE,
        }))
    }
}

/// So many are looked through at once without thinking about it.
const PRUNE: usize = 16;

impl<T> Subscriptions<T> {
    fn lock(&self) -> MutexGuard<'_, List<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are, with those who have gone since they were told last.
    pub(super) fn len(&self) -> usize {
        let list = self.lock();
        list.all.len() + list.in_hand
    }

    /// A receiver that was sent away with the value of `version` in the same message.
    pub(super) fn add(&self, outlet: Outlet, encode: Encode<T>, version: u64) {
        self.lock().all.push(Subscription {
            outlet,
            encode,
            version,
        });
    }

    /// Forgets those who have gone.
    pub(super) fn prune(&self, state: impl Fn() -> State<T>) {
        self.lock().prune_at = 0;
        self.push(state);
    }

    /// Tells all of them of the value as it is, or of the end.
    pub(super) fn push(&self, state: impl Fn() -> State<T>) {
        let Some(pushing) = Pushing::begin(self) else {
            return;
        };
        loop {
            let (mut all, prunes) = self.take();
            if prunes {
                all.retain(|subscription| subscription.outlet.stopped().is_none());
            }
            update(&mut all, &state());
            let mut list = self.lock();
            list.in_hand = 0;
            list.all.append(&mut all);
            if prunes {
                list.prune_at = PRUNE.max(list.all.len() * 2);
            }
            if !std::mem::take(&mut list.again) {
                return pushing.end(list);
            }
        }
    }

    /// Takes all of them in hand, and says whether those who have gone are to be looked for.
    fn take(&self) -> (Vec<Subscription<T>>, bool) {
        let mut list = self.lock();
        list.in_hand = list.all.len();
        let prunes = list.all.len() >= list.prune_at;
        (std::mem::take(&mut list.all), prunes)
    }
}

/// One of those who send tells everybody; it goes on as long as others have sent meanwhile.
struct Pushing<'a, T>(&'a Subscriptions<T>);

impl<'a, T> Pushing<'a, T> {
    fn begin(subscriptions: &'a Subscriptions<T>) -> Option<Self> {
        let mut list = subscriptions.lock();
        if list.all.is_empty() && !list.pushing {
            return None;
        }
        list.again = std::mem::replace(&mut list.pushing, true);
        // Not made where somebody else pushes: dropping it takes the lock, and ends what the other one does.
        (!list.again).then(|| Self(subscriptions))
    }

    /// Under the lock that has shown that there is nothing more to tell.
    fn end(self, mut list: MutexGuard<'_, List<T>>) {
        list.pushing = false;
        drop(list);
        std::mem::forget(self);
    }
}

impl<T> Drop for Pushing<'_, T> {
    /// A serialiser panicked: those whom it was to tell are gone, and the next ones are told again.
    fn drop(&mut self) {
        let mut list = self.0.lock();
        list.pushing = false;
        list.in_hand = 0;
    }
}

/// Tells the value to those who do not have it; forgets those who take no more.
fn update<T>(all: &mut Vec<Subscription<T>>, state: &State<T>) {
    // Encoded once for all who speak the same format.
    let mut encoded: Option<(Format, Result<Payload, Error>)> = None;
    all.retain_mut(|subscription| {
        if subscription.version != state.version {
            let format = subscription.outlet.wire().format;
            if encoded.as_ref().is_none_or(|(other, _)| *other != format) {
                encoded = Some((format, (subscription.encode)(format, &state.value)));
            }
            subscription.version = state.version;
            let sent = match &encoded {
                Some((_, Ok(payload))) => subscription.outlet.replace(payload.as_slice()),
                Some((_, Err(error))) => Err(error.clone()),
                None => Ok(()),
            };
            if let Err(error) = sent {
                subscription.outlet.end(Err(&error));
                return false;
            }
        }
        if let Some(end) = &state.end {
            subscription.outlet.end(Err(end));
        }
        state.end.is_none()
    });
}
