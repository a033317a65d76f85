//! Where values come from, when the sender is elsewhere.

use std::{
    future::poll_fn,
    sync::MutexGuard,
    task::{Poll, ready},
};

use tokio::sync::Semaphore;

use super::Shared;
use crate::{
    Error,
    channel::coding::{Decode, Items},
    driver::{Batch, Inlet},
    sync::Mutex,
};

/// The stream of values that all receivers of this process share. No task takes them in: whoever looks does.
pub(super) struct Source<T> {
    inlet: Inlet,
    decode: Decode<T>,
    /// Of those who wait, one leaves its waker; the others hear of what it takes in.
    turn: Semaphore,
    order: Mutex<Order>,
}

/// Keeps the end behind the values: one receiver may have the last value in hand, still to be decoded, when another one
/// finds the end.
#[derive(Default)]
struct Order {
    /// How many may have a value in hand.
    taking: usize,
    /// The end is known, and is shown when nobody has a value in hand any more.
    end: Option<(Cause, Error)>,
}

/// What ended the values. Several may find the end, and the one that is last here knows best: behind an error a stream
/// looks finished, and a value that cannot be decoded came before whatever is behind it.
#[derive(PartialEq, PartialOrd)]
enum Cause {
    Finished,
    Failed,
    Undecodable,
}

impl<T> Source<T> {
    pub(super) fn new(inlet: Inlet, decode: Decode<T>) -> Self {
        Self {
            inlet,
            decode,
            turn: Semaphore::new(1),
            order: Mutex::default(),
        }
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock()
    }

    /// Takes in what has come.
    pub(super) fn look(&self, shared: &Shared<T>) {
        // A long value is a batch by itself, and there may be later ones.
        while self.poll_take(shared, || self.inlet.try_batch()).is_ready() {}
    }

    /// Waits for something to come and takes it in. Cancel safe: what has come is shown before the next await.
    pub(super) async fn pull(&self, shared: &Shared<T>) {
        let _turn = self.turn.acquire().await;
        poll_fn(|cx| self.poll_take(shared, || self.inlet.poll_batch(cx))).await;
    }

    /// Takes in one batch, or the end. Pending for ever once the end is known: showing it tells everybody.
    fn poll_take(&self, shared: &Shared<T>, batch: impl FnOnce() -> Poll<Option<Result<Batch, Error>>>) -> Poll<()> {
        let Some(_taking) = Taking::begin(self, shared) else {
            return Poll::Pending;
        };
        match ready!(batch()) {
            Some(Ok(batch)) => self.show(shared, batch),
            Some(Err(error)) => self.ends(Cause::Failed, error),
            None => {
                let error = Error::aborted("the sender has finished; this was its last value");
                self.ends(Cause::Finished, error);
            }
        }
        Poll::Ready(())
    }

    fn ends(&self, cause: Cause, error: Error) {
        let mut order = self.order();
        if order.end.as_ref().is_none_or(|(known, _)| *known < cause) {
            let worse = order.end.replace((cause, error));
            drop(order);
            drop(worse);
        }
    }

    fn show(&self, shared: &Shared<T>, batch: Batch) {
        let number = batch.number;
        // Of values that came together only the last one counts.
        let last = Items::new(batch, self.inlet.wire(), self.decode).last();
        match last {
            Some(Ok(value)) => shared.follow(number, value),
            None => {}
            Some(Err(error)) => {
                self.inlet.close(Some(&error));
                self.ends(Cause::Undecodable, error);
            }
        }
    }
}

/// Somebody who may have a value in hand; the last one shows the end.
struct Taking<'a, T> {
    source: &'a Source<T>,
    shared: &'a Shared<T>,
}

impl<'a, T> Taking<'a, T> {
    /// `None` when the end is known: then nothing comes any more.
    fn begin(source: &'a Source<T>, shared: &'a Shared<T>) -> Option<Self> {
        let mut order = source.order();
        if order.end.is_some() {
            return None;
        }
        order.taking += 1;
        Some(Self { source, shared })
    }
}

impl<T> Drop for Taking<'_, T> {
    fn drop(&mut self) {
        let mut order = self.source.order();
        order.taking -= 1;
        let end = order.end.as_ref().filter(|_| order.taking == 0);
        let end = end.map(|(_, error)| error.clone());
        drop(order);
        if let Some(error) = end {
            self.shared.end(error);
        }
    }
}
