//! Handlers that block their thread.

use tokio::task::AbortHandle;

use super::Context;
use crate::{
    Code, Error,
    clock::now,
    unwind::{caught, guarded},
};

/// Runs a synchronous handler (`#[rpc(blocking)]`) on the blocking pool, with the call's context.
///
/// A closure that still waits for a thread is taken back when the call is stopped. A closure that runs cannot be
/// stopped: the call's place stays occupied until it has ended, and it can ask [`Context::is_cancelled`].
///
/// # Errors
/// `DeadlineExceeded` when the closure got a thread only after the deadline; it does not start then. `Internal` when
/// the runtime shuts down before the closure started.
pub async fn blocking<R: Send + 'static>(handler: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    let context = Context::current();
    let hold = context.hold();
    #[cfg(feature = "tracing")]
    let span = tracing::Span::current();
    let running = tokio::task::spawn_blocking(move || {
        #[cfg(feature = "tracing")]
        let _entered = span.entered();
        let is_late = context.deadline().is_some_and(|deadline| deadline <= now());
        let result = (!is_late).then(|| caught(|| context.enter(handler)).map(|result| Unclaimed(Some(result))));
        drop(hold);
        result
    });
    let _queued = QueuedClosure(running.abort_handle());
    let never_started = || Error::internal("the runtime shut down before the handler started");
    match running.await.map_err(|_| never_started())? {
        Some(Ok(mut unclaimed)) => unclaimed.0.take().ok_or_else(never_started),
        Some(Err(panic)) => std::panic::resume_unwind(Box::new(panic.text().to_owned())),
        None => {
            let text = "no thread was free for the handler before the deadline";
            Err(Error::refused(Code::DeadlineExceeded, text))
        }
    }
}

/// A result on its way. If the call does not wait for it any more, a thread of the runtime drops it, and a destructor
/// that panics does not end that thread.
struct Unclaimed<R>(Option<R>);

impl<R> Drop for Unclaimed<R> {
    fn drop(&mut self) {
        guarded(|| drop(self.0.take()));
    }
}

/// Keeps a closure from being started once its call has stopped; a closure that runs is not touched.
struct QueuedClosure(AbortHandle);

impl Drop for QueuedClosure {
    fn drop(&mut self) {
        self.0.abort();
    }
}
