//! Handlers that block their thread.

use tokio::task::AbortHandle;

use super::Context;
use crate::{
    Error,
    unwind::{caught, guarded},
};

/// Runs a synchronous handler (`#[rpc(blocking)]`) on the blocking pool, with the call's context.
///
/// A closure that still waits for a thread is taken back when the call is stopped. A closure that runs cannot be
/// stopped: the call's place stays occupied until it has ended, and it can ask [`Context::is_cancelled`].
///
/// # Errors
/// `Internal` when the runtime shuts down before the closure started.
pub async fn blocking<R: Send + 'static>(handler: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    let context = Context::current();
    let hold = context.hold();
    #[cfg(feature = "tracing")]
    let span = tracing::Span::current();
    let running = tokio::task::spawn_blocking(move || {
        #[cfg(feature = "tracing")]
        let _entered = span.entered();
        let result = caught(|| context.enter(handler)).map(|result| Unclaimed(Some(result)));
        drop(hold);
        result
    });
    let _queued = QueuedClosure(running.abort_handle());
    let ended = running.await;
    match ended.map(|result| result.map(|mut unclaimed| unclaimed.0.take())) {
        Ok(Ok(Some(result))) => Ok(result),
        Ok(Err(panic)) => std::panic::resume_unwind(Box::new(panic.text().to_owned())),
        Ok(Ok(None)) | Err(_) => Err(Error::internal("the runtime shut down before the handler started")),
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
