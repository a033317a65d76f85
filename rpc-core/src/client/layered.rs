//! A call that passes through the layers of its channel.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::{
    runtime::Handle,
    time::{Sleep, sleep_until},
};

use super::channel::{CallTarget, Channel};
use crate::{
    Code, Error,
    dispatch::Seated,
    layer::{Attempts, Next, Request, Response},
};

/// A call that passes through the layers of its channel.
pub(super) struct Layered {
    answering: Seated<dyn Future<Output = Result<Response, Error>> + Send>,
    attempts: Arc<Attempts>,
    /// The caller's. Once a layer has passed the call on, the deadline that it has there counts.
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Layered {
    pub(super) fn new(layers: &Next, request: Request) -> Self {
        Self {
            attempts: Arc::clone(&request.attempts),
            deadline: request.deadline,
            answering: layers.answer(request).into(),
            timer: None,
        }
    }

    pub(super) fn poll_answer(&mut self, channel: &Channel, cx: &mut Context<'_>) -> Poll<Result<Response, Error>> {
        let failed = match self.answering.poll(cx) {
            Poll::Ready(Ok(Ok(response))) => return Poll::Ready(Ok(response)),
            Poll::Ready(Ok(Err(error)) | Err(error)) => error,
            Poll::Pending => ready!(self.poll_deadline(channel, cx)),
        };
        Poll::Ready(Err(self.attempts.settle(failed)))
    }

    /// Ends the wait of a layer that holds the call back. A call that left the layers keeps its own deadline.
    fn poll_deadline(&mut self, channel: &Channel, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(deadline) = self.deadline.filter(|_| !self.attempts.are_under_way()) else {
            return Poll::Pending;
        };
        if self.timer.is_none() {
            let runtime = match runtime(channel) {
                Ok(runtime) => runtime,
                Err(error) => return Poll::Ready(error),
            };
            let _entered = runtime.as_ref().map(Handle::enter);
            self.timer = Some(Box::pin(sleep_until(deadline.into())));
        }
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(Error::refused(
            Code::DeadlineExceeded,
            "a layer had not passed the call on before the deadline",
        ))
    }
}

/// The runtime to keep time with, where the caller is in none.
fn runtime(channel: &Channel) -> Result<Option<Handle>, Error> {
    match &channel.inner().target {
        CallTarget::Server(server) if Handle::try_current().is_err() => server.runtime().map(Some),
        _ => Ok(None),
    }
}
