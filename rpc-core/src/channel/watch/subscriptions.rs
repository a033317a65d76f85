//! The receivers of a watch channel that were sent away.

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, Weak},
    task::{Context, Wake, Waker},
};

use super::{
    shared::{SharedValue, ValueState},
    value::EncodeValue,
};
use crate::{
    Error,
    codec::Format,
    driver::{SendStream, attachments::Payload},
    sync::Mutex,
};

/// The receivers that were sent away. There is no task for them: the code that sends a value passes it on, one thread
/// at a time and without the lock, and the code that learns that a receiver has stopped ends its stream.
pub(super) struct Subscriptions<T>(Mutex<SubscriptionList<T>>);

struct SubscriptionList<T> {
    /// In the order in which they came.
    all: BTreeMap<u64, Subscription<T>>,
    next: u64,
    /// A thread passes a value on to them.
    pushing: bool,
    /// There is a newer value, or a new subscription.
    again: bool,
}

/// A receiver elsewhere.
struct Subscription<T> {
    send_stream: Arc<SendStream>,
    encode: EncodeValue<T>,
    /// The version of the value that it was sent.
    version: u64,
}

impl<T> Default for Subscriptions<T> {
    fn default() -> Self {
        Self(Mutex::new(SubscriptionList {
            all: BTreeMap::new(),
            next: 0,
            pushing: false,
            again: false,
        }))
    }
}

impl<T> Subscriptions<T> {
    fn lock(&self) -> MutexGuard<'_, SubscriptionList<T>> {
        self.0.lock()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().all.len()
    }

    fn insert(&self, subscription: Subscription<T>) -> u64 {
        let mut list = self.lock();
        let number = list.next;
        list.next += 1;
        list.all.insert(number, subscription);
        number
    }

    /// Forgets one, whose stream has ended.
    fn forget(&self, number: u64) {
        let gone = self.lock().all.remove(&number);
        // Without the lock: it may be the last that knows the connection.
        drop(gone);
    }

    /// Sends all of them the current value, or the end.
    pub(super) fn push(&self, state: impl Fn() -> ValueState<T>) {
        let Some(pushing) = Pushing::begin(self) else {
            return;
        };
        loop {
            self.tell(&state());
            let mut list = self.lock();
            if !std::mem::take(&mut list.again) {
                return pushing.end(list);
            }
        }
    }

    /// Sends it to those that do not have it, and removes those that take no more.
    fn tell(&self, state: &ValueState<T>) {
        // Encoded once for all receivers with the same format.
        let mut encoded: Option<(Format, Result<Payload, Error>)> = None;
        let mut from = 0;
        while let Some((number, send_stream, encode)) = self.next_to_tell(from, state.version) {
            from = number + 1;
            let format = send_stream.wire().format;
            if encoded.as_ref().is_none_or(|(other, _)| *other != format) {
                encoded = Some((format, encode(format, &state.value)));
            }
            let told = match &encoded {
                Some((_, Ok(payload))) => send_stream.replace(payload.as_slice()),
                Some((_, Err(error))) => Err(error.clone()),
                None => Ok(()),
            };
            if let Err(error) = told {
                send_stream.end(Err(&error));
                self.forget(number);
            }
        }
        if let Some(end) = &state.end {
            for subscription in self.take_told(state.version).values() {
                subscription.send_stream.end(Err(end));
            }
        }
    }

    /// The next one, by its number, that does not know the value of `version`. It counts as told.
    fn next_to_tell(&self, from: u64, version: u64) -> Option<(u64, Arc<SendStream>, EncodeValue<T>)> {
        let mut list = self.lock();
        let mut rest = list.all.range_mut(from..);
        let (number, subscription) = rest.find(|(_, subscription)| subscription.version != version)?;
        subscription.version = version;
        Some((*number, Arc::clone(&subscription.send_stream), subscription.encode))
    }

    /// Takes out those that know the value of `version`; one that has just come may not.
    fn take_told(&self, version: u64) -> BTreeMap<u64, Subscription<T>> {
        let mut list = self.lock();
        let all = std::mem::take(&mut list.all).into_iter();
        let (told, rest) = all.partition(|(_, subscription)| subscription.version == version);
        list.all = rest;
        told
    }
}

impl<T: Send + Sync + 'static> SharedValue<T> {
    /// A receiver was sent away with the value of `version` in the same message.
    pub(super) fn subscribe_away(self: &Arc<Self>, send_stream: SendStream, encode: EncodeValue<T>, version: u64) {
        let send_stream = Arc::new(send_stream);
        let reader = SubscriptionReader {
            send_stream: Arc::downgrade(&send_stream),
            shared: Arc::downgrade(self),
            number: self.subscriptions.insert(Subscription {
                send_stream,
                encode,
                version,
            }),
        };
        // It may have stopped already.
        Arc::new(reader).wake();
        // There may have been a newer value, or the end, since the message was encoded.
        self.subscriptions.push(|| self.state());
    }
}

/// Woken when the reader of a subscription stops. Otherwise the stream would keep its place on the connection until
/// there is another value.
struct SubscriptionReader<T> {
    /// Held weakly, since the connection that the stream belongs to holds this.
    send_stream: Weak<SendStream>,
    shared: Weak<SharedValue<T>>,
    number: u64,
}

impl<T: Send + Sync + 'static> Wake for SubscriptionReader<T> {
    /// Looks whether it has stopped, or its connection is gone, and waits for that if not.
    fn wake(self: Arc<Self>) {
        let Some(send_stream) = self.send_stream.upgrade() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&self));
        if send_stream.poll_stopped(&Context::from_waker(&waker)).is_pending() {
            return;
        }
        send_stream.end(Ok(()));
        if let Some(shared) = self.shared.upgrade() {
            shared.subscriptions.forget(self.number);
        }
    }
}

/// One of the threads that send passes values on to all receivers, as long as others have sent meanwhile.
struct Pushing<'a, T>(&'a Subscriptions<T>);

impl<'a, T> Pushing<'a, T> {
    fn begin(subscriptions: &'a Subscriptions<T>) -> Option<Self> {
        let mut list = subscriptions.lock();
        if list.all.is_empty() && !list.pushing {
            return None;
        }
        list.again = std::mem::replace(&mut list.pushing, true);
        // Not made while another thread pushes: dropping it takes the lock, and would end that thread's work.
        (!list.again).then(|| Self(subscriptions))
    }

    /// Under the lock that has shown that there is nothing more to tell.
    fn end(self, mut list: MutexGuard<'_, SubscriptionList<T>>) {
        list.pushing = false;
        drop(list);
        std::mem::forget(self);
    }
}

impl<T> Drop for Pushing<'_, T> {
    /// A serialiser panicked, and would do so again: the receivers that wait for the value are removed.
    fn drop(&mut self) {
        let mut list = self.0.lock();
        list.pushing = false;
        let gone = std::mem::take(&mut list.all);
        drop(list);
        // Their streams break, since they are dropped before their end.
        drop(gone);
    }
}
