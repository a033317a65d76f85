//! Whether a call is still wanted, and what must be over before it counts as over.

use std::{
    any::Any,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use crate::sync::Mutex;

/// Whether a call is still wanted, shared by every context of the call.
#[derive(Default)]
pub(crate) struct CallLiveness {
    cancelled: AtomicBool,
    cancellation: Notify,
    hold: Mutex<Weak<CallPlace>>,
}

/// Keeps a call's place occupied while something works for it that cannot be stopped, such as a closure on the blocking
/// pool: what the server puts in is dropped with the last of them.
pub(crate) struct PlaceHold {
    _held: Arc<CallPlace>,
}

type CallPlace = Mutex<Option<Box<dyn Any + Send>>>;

impl CallLiveness {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.cancellation.notify_waiters();
    }

    pub(crate) async fn cancelled(&self) {
        loop {
            // The wait is prepared before the flag is read, so a cancellation in between is not missed.
            let notified = self.cancellation.notified();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }

    /// Holds the call's place as long as the result lives.
    pub(crate) fn hold(&self) -> PlaceHold {
        let mut hold = self.hold.lock();
        let held = hold.upgrade().unwrap_or_else(|| {
            let held = Arc::default();
            *hold = Arc::downgrade(&held);
            held
        });
        PlaceHold { _held: held }
    }

    /// Drops `finish` when the call's place is not held any more, which may be now.
    pub(crate) fn finish_when_free(&self, finish: impl Any + Send) {
        let held = self.hold.lock().upgrade();
        if let Some(held) = held {
            *held.lock() = Some(Box::new(finish));
        }
    }
}
