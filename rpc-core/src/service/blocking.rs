//! Handlers that block their thread.

use super::Context;
use crate::Error;

/// Runs a synchronous handler (`#[rpc(blocking)]`) on the blocking pool, with the call's context.
///
/// The closure cannot be stopped. When the call is, its place stays occupied until the closure has ended; it can ask
/// [`Context::is_cancelled`].
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
    match running.await {
        Ok(result) => Ok(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::internal("the runtime shut down before the handler started")),
    }
}
