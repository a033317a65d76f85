//! Where values come from, when the sender is elsewhere.

use std::{
    future::poll_fn,
    sync::MutexGuard,
    task::{Poll, ready},
};

use tokio::sync::Semaphore;

use super::SharedValue;
use crate::{
    Error,
    channel::coding::{Decode, Items},
    driver::{ReceivedBatch, RecvStream},
    sync::Mutex,
};

/// The stream of values that all receivers of this process share. It has no task: the receivers that look take values
/// in.
pub(super) struct ValueSource<T> {
    recv_stream: RecvStream,
    decode: Decode<T>,
    /// Of the receivers that wait, one leaves its waker; the others hear of the values that it takes in.
    turn: Semaphore,
    order: Mutex<ValueOrder>,
}

/// Keeps the end behind the values: one receiver may have the last value in hand, still to be decoded, when another one
/// finds the end.
#[derive(Default)]
struct ValueOrder {
    /// How many receivers may have a value in hand.
    taking: usize,
    /// The end is known. It is shown when no receiver has a value in hand any more.
    end: Option<(ValuesEnd, Error)>,
}

/// What ended the values. Several receivers may find the end; the last variant of those that they found counts: after
/// an error a stream looks finished, and a value that cannot be decoded came before everything behind it.
#[derive(PartialEq, PartialOrd)]
enum ValuesEnd {
    Finished,
    Failed,
    Undecodable,
}

impl<T> ValueSource<T> {
    pub(super) fn new(recv_stream: RecvStream, decode: Decode<T>) -> Self {
        Self {
            recv_stream,
            decode,
            turn: Semaphore::new(1),
            order: Mutex::default(),
        }
    }

    fn order(&self) -> MutexGuard<'_, ValueOrder> {
        self.order.lock()
    }

    /// Takes in what has come.
    pub(super) fn look(&self, shared: &SharedValue<T>) {
        // A long value is a batch by itself, and there may be later ones.
        while self.poll_take(shared, || self.recv_stream.try_batch()).is_ready() {}
    }

    /// Waits for something to come and takes it in. Cancel safe: what has come is shown before the next await.
    pub(super) async fn pull(&self, shared: &SharedValue<T>) {
        let _turn = self.turn.acquire().await;
        poll_fn(|cx| self.poll_take(shared, || self.recv_stream.poll_batch(cx))).await;
    }

    /// Takes in one batch, or the end. Pending for ever once the end is known: showing it tells all receivers.
    fn poll_take(
        &self,
        shared: &SharedValue<T>,
        batch: impl FnOnce() -> Poll<Option<Result<ReceivedBatch, Error>>>,
    ) -> Poll<()> {
        let Some(_taking) = Taking::begin(self, shared) else {
            return Poll::Pending;
        };
        match ready!(batch()) {
            Some(Ok(batch)) => self.show(shared, batch),
            Some(Err(error)) => self.ends(ValuesEnd::Failed, error),
            None => {
                let error = Error::aborted("the sender has finished; this was its last value");
                self.ends(ValuesEnd::Finished, error);
            }
        }
        Poll::Ready(())
    }

    fn ends(&self, cause: ValuesEnd, error: Error) {
        let mut order = self.order();
        if order.end.as_ref().is_none_or(|(known, _)| *known < cause) {
            let worse = order.end.replace((cause, error));
            drop(order);
            drop(worse);
        }
    }

    fn show(&self, shared: &SharedValue<T>, batch: ReceivedBatch) {
        let number = batch.number;
        // Of values that came together only the last one counts.
        let last = Items::new(batch, self.recv_stream.wire(), self.decode).last();
        match last {
            Some(Ok(value)) => shared.follow(number, value),
            None => {}
            Some(Err(error)) => {
                self.recv_stream.close(Some(&error));
                self.ends(ValuesEnd::Undecodable, error);
            }
        }
    }
}

/// A receiver that may have a value in hand; the last one shows the end.
struct Taking<'a, T> {
    source: &'a ValueSource<T>,
    shared: &'a SharedValue<T>,
}

impl<'a, T> Taking<'a, T> {
    /// `None` when the end is known: then nothing comes any more.
    fn begin(source: &'a ValueSource<T>, shared: &'a SharedValue<T>) -> Option<Self> {
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
