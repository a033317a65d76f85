//! Where values come from, when the sender is elsewhere.

use std::{future::poll_fn, task::Poll};

use tokio::sync::Semaphore;

use super::Shared;
use crate::{
    Error,
    channel::coding::{Decode, Items},
    driver::{Batch, Inlet},
};

/// The stream of values that all receivers of this process share. No task takes them in: whoever looks does.
pub(super) struct Source<T> {
    inlet: Inlet,
    decode: Decode<T>,
    /// Of those who wait, one leaves its waker; the others hear of what it takes in.
    turn: Semaphore,
}

impl<T> Source<T> {
    pub(super) fn new(inlet: Inlet, decode: Decode<T>) -> Self {
        Self {
            inlet,
            decode,
            turn: Semaphore::new(1),
        }
    }

    /// Takes in what has come.
    pub(super) fn look(&self, shared: &Shared<T>) {
        if let Poll::Ready(batch) = self.inlet.try_batch() {
            self.show(shared, batch);
        }
    }

    /// Waits for something to come and takes it in. Cancel safe: what has come is shown before the next await.
    pub(super) async fn pull(&self, shared: &Shared<T>) {
        let _turn = self.turn.acquire().await;
        let batch = poll_fn(|cx| self.inlet.poll_batch(cx)).await;
        self.show(shared, batch);
    }

    fn show(&self, shared: &Shared<T>, batch: Option<Result<Batch, Error>>) {
        let batch = match batch {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return shared.end(error),
            None => return shared.end(Error::aborted("the sender has finished; this was its last value")),
        };
        let (number, borrowed) = (batch.number, batch.borrowed);
        // Of values that came together only the last one counts.
        let last = Items::new(batch, self.inlet.wire(), self.decode).last();
        if borrowed {
            self.inlet.use_up();
        }
        match last {
            Some(Ok(value)) => shared.follow(number, value),
            None => {}
            Some(Err(error)) => {
                self.inlet.close(Some(&error));
                shared.end(error);
            }
        }
    }
}
