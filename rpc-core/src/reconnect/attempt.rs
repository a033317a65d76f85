//! How an attempt to connect went, told to all that wait for it.

use std::sync::Arc;

use crate::{Code, Error, driver::Link, told::Told};

/// An attempt to connect, shared by its task and all that wait for it.
pub(super) type SharedAttempt = Told<Result<Arc<Link>, Error>>;

/// The task's side of an attempt. If it is dropped without an outcome, the calls that wait are told so.
pub(super) struct Attempting(Arc<SharedAttempt>);

impl Attempting {
    pub(super) fn new() -> (Self, Arc<SharedAttempt>) {
        let attempt = Arc::<SharedAttempt>::default();
        (Self(Arc::clone(&attempt)), attempt)
    }

    pub(super) fn end(self, outcome: Result<Arc<Link>, Error>) {
        self.0.tell(outcome);
    }
}

impl Drop for Attempting {
    fn drop(&mut self) {
        let text = "the attempt to connect was given up: its runtime has ended";
        self.0.tell(Err(Error::refused(Code::Unavailable, text)));
    }
}
