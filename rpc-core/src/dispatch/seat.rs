//! A future that runs inside its owner's poll as long as there is stack for that.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{runtime::Handle, task::JoinHandle};

use crate::{Code, Context as CallContext, Error, Outcome, nesting};

/// A future that runs inside its owner's poll. If polls nest too deep for the stack, it moves into a task, and also
/// ends with its owner there.
pub(crate) struct Seated<F: Future<Output: Send> + Send + ?Sized + 'static> {
    here: Option<Pin<Box<F>>>,
    moved: Option<JoinHandle<F::Output>>,
}

impl<F: Future<Output: Send> + Send + ?Sized + 'static> Seated<F> {
    /// Waits for its output, once. Cancel safe.
    ///
    /// # Errors
    /// When it can go on neither here nor in a task.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<F::Output, Error>> {
        if let Some(future) = &mut self.here {
            match nesting::poll(|| future.as_mut().poll(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => {
                    self.here = None;
                    return Poll::Ready(Ok(output));
                }
                Err(nesting::TooDeep) => self.move_away()?,
            }
        }
        let Some(task) = &mut self.moved else {
            return Poll::Pending;
        };
        let ended = ready!(Pin::new(task).poll(cx));
        self.moved = None;
        Poll::Ready(ended.map_err(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Error::cancelled("the runtime shut down before the call ended").with_outcome(Outcome::Unknown),
        }))
    }

    #[cold]
    fn move_away(&mut self) -> Result<(), Error> {
        let Some(future) = self.here.take() else {
            return Ok(());
        };
        let Ok(runtime) = Handle::try_current() else {
            nesting::dispose(future);
            let text = "calls to objects of this process nest too deep for one stack, and can only move to another one \
                 in a tokio runtime: make the outermost call inside one";
            return Err(Error::new(Code::ResourceExhausted, text).with_outcome(Outcome::Unknown));
        };
        // It has the context of its owner's handler in the task, too.
        self.moved = Some(match CallContext::try_current() {
            Some(context) => runtime.spawn(context.scope(future)),
            None => runtime.spawn(future),
        });
        Ok(())
    }
}

impl<F: Future<Output: Send> + Send + ?Sized + 'static> From<Pin<Box<F>>> for Seated<F> {
    fn from(future: Pin<Box<F>>) -> Self {
        Self {
            here: Some(future),
            moved: None,
        }
    }
}

impl<F: Future<Output: Send> + Send + ?Sized + 'static> Drop for Seated<F> {
    fn drop(&mut self) {
        if let Some(future) = self.here.take() {
            // It may own another future of this kind, and that one the next.
            nesting::dispose(future);
        }
        if let Some(task) = &self.moved {
            task.abort();
        }
    }
}
