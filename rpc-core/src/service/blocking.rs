//! Handlers that block their thread.

use tokio::task::AbortHandle;

use super::Context;
use crate::Error;

/// Runs a synchronous handler (`#[rpc(blocking)]`) on the blocking pool, with the call's context.
///
/// A closure that still waits for a thread is taken back when the call is stopped. One that runs cannot be: the call's place
/// stays occupied until it has ended, and it can ask [`Context::is_cancelled`].
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
        let result = context.enter(handler);
        drop(hold);
        result
    });
    let _queued = Queued(running.abort_handle());
    match running.await {
        Ok(result) => Ok(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::internal("the runtime shut down before the handler started")),
    }
}

/// Keeps a closure from being started once nobody waits for it; one that runs is not touched.
struct Queued(AbortHandle);

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.abort();
    }
}
