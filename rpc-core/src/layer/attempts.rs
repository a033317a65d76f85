//! Whether a call that passes through layers has run.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::Response;
use crate::{Code, Error, Outcome};

/// The attempts at one call that have left the layers so far. Layers may pass a call on never, once, or several times,
/// at the same time or one after the other, so only this knows whether the call has run.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// How many are running, or `CLOSED`.
    under_way: AtomicUsize,
    /// How many have ended that ran or may have run.
    ran: AtomicUsize,
}

/// The caller was told that the call did not run: from then on it must not run.
const CLOSED: usize = usize::MAX;

/// One running attempt. If it is dropped before its end is known, it may have run.
pub(crate) struct CallAttempt {
    attempts: Arc<Attempts>,
    ran: bool,
}

impl Attempts {
    /// Begins an attempt.
    ///
    /// # Errors
    /// When the caller was told that the call did not run.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<CallAttempt, Error> {
        let more = |under_way| (under_way != CLOSED).then(|| under_way + 1);
        match self.under_way.fetch_update(SeqCst, SeqCst, more) {
            Ok(_) => Ok(CallAttempt {
                attempts: Arc::clone(self),
                ran: true,
            }),
            Err(_) => Err(Error::refused(
                Code::Cancelled,
                "a layer passed the call on after it had failed",
            )),
        }
    }

    /// Whether an attempt is under way now.
    pub(crate) fn are_under_way(&self) -> bool {
        ![0, CLOSED].contains(&self.under_way.load(SeqCst))
    }

    /// What is certain of the call now. The word of a layer does not count.
    pub(super) fn outcome(&self) -> Outcome {
        // In this order: an attempt is counted as one that ran before it is taken from the running ones.
        if self.are_under_way() || self.ran.load(SeqCst) > 0 {
            Outcome::Unknown
        } else {
            Outcome::NotExecuted
        }
    }

    /// The failure of the whole call, with an outcome that is certain: a layer cannot know what another one did.
    pub(crate) fn settle(&self, error: Error) -> Error {
        let closed = self.under_way.compare_exchange(0, CLOSED, SeqCst, SeqCst);
        if closed.is_ok() && self.ran.load(SeqCst) == 0 {
            return error.with_outcome(Outcome::NotExecuted);
        }
        match error.outcome() {
            Outcome::NotExecuted => error.with_outcome(Outcome::Unknown),
            Outcome::Executed | Outcome::Unknown => error,
        }
    }
}

impl CallAttempt {
    /// The attempt has ended.
    pub(crate) fn ended(mut self, answer: &Result<Response, Error>) {
        self.ran = !answer
            .as_ref()
            .is_err_and(|error| error.outcome() == Outcome::NotExecuted);
    }
}

impl Drop for CallAttempt {
    fn drop(&mut self) {
        if self.ran {
            self.attempts.ran.fetch_add(1, SeqCst);
        }
        self.attempts.under_way.fetch_sub(1, SeqCst);
    }
}
