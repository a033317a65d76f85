//! Where values come from, when the sender is elsewhere.

use std::{
    future::poll_fn,
    sync::{Mutex, PoisonError},
    task::Poll,
};

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
    /// The number of the batch whose value is shown.
    shown: Mutex<u64>,
}

impl<T> Source<T> {
    pub(super) fn new(inlet: Inlet, decode: Decode<T>) -> Self {
        Self {
            inlet,
            decode,
            turn: Semaphore::new(1),
            shown: Mutex::new(0),
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
        let number = batch.number;
        // Of values that came together only the last one counts.
        match Items::new(batch, self.inlet.wire(), self.decode).last() {
            Some(Ok(value)) if self.is_newer(number) => {
                shared.replace(None, value);
            }
            Some(Ok(_)) | None => {}
            Some(Err(error)) => {
                self.inlet.close(Some(&error));
                shared.end(error);
            }
        }
    }

    /// Two receivers may take in one batch each, and the later one may be decoded first.
    fn is_newer(&self, number: u64) -> bool {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = number > *shown;
        *shown = number.max(*shown);
        newer
    }
}
