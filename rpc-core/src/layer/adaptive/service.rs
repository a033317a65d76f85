//! The calls that pass through an adaptive limit.

use std::{
    fmt,
    future::ready,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use tower_service::Service;

use super::{LimitState, gradient::Refusal};
use crate::{
    Code, Error, Outcome,
    clock::now,
    layer::{
        Answering, Attempts, Request, Response,
        foreign::{self, BoxError},
    },
    service::Priority,
};

/// What is behind an adaptive limit.
#[derive(Clone)]
pub struct AdaptiveService<S> {
    inner: S,
    state: Arc<LimitState>,
}

impl<S> AdaptiveService<S> {
    pub(super) fn new(inner: S, state: Arc<LimitState>) -> Self {
        Self { inner, state }
    }

    /// A place for the call; `None` for a call with streams, which is refused as others are and takes no place.
    fn enter(&self, request: &Request) -> Result<Option<RunningCall>, Error> {
        let priority = request.method.priority.lowered(&request.metadata);
        let began = now();
        let mut state = self.state.lock();
        if let Err(refusal) = state.check(priority, began) {
            return Err(overloaded(refusal, priority));
        }
        if request.method.streaming {
            return Ok(None);
        }
        state.begin();
        drop(state);
        Ok(Some(RunningCall {
            state: Arc::clone(&self.state),
            method: request.method.id,
            began,
            deadline: request.deadline,
            is_telling: false,
        }))
    }
}

impl<S> Service<Request> for AdaptiveService<S>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Error;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.inner.poll_ready(cx);
        ready.map_err(|error| foreign::error(error.into(), &Attempts::default()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let running = match self.enter(&request) {
            Ok(running) => running,
            Err(refusal) => return Box::pin(ready(Err(refusal))),
        };
        let attempts = Arc::clone(&request.attempts);
        let answering = self.inner.call(request);
        Box::pin(async move {
            let answer = answering.await.map_err(|error| foreign::error(error.into(), &attempts));
            if let Some(running) = running {
                running.ended(&answer);
            }
            answer
        })
    }
}

/// A call that has a place below the limit. It gives the place back when it is dropped, whatever became of the call.
struct RunningCall {
    state: Arc<LimitState>,
    method: u64,
    began: Instant,
    deadline: Option<Instant>,
    /// Whether what it took tells something about the load.
    is_telling: bool,
}

impl RunningCall {
    fn ended(mut self, answer: &Result<Response, Error>) {
        self.is_telling = match answer {
            Ok(_) => true,
            Err(error) => error.code() == Code::DeadlineExceeded && error.outcome() != Outcome::NotExecuted,
        };
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        let now = now();
        let is_late = self.deadline.is_some_and(|deadline| deadline <= now);
        let mut state = self.state.lock();
        if self.is_telling || is_late {
            state.end_timed(self.method, self.began, now);
        } else {
            state.end(now);
        }
    }
}

fn overloaded(Refusal { running, room }: Refusal, priority: Priority) -> Error {
    let priority = priority.name();
    let text = format!(
        "the server is overloaded: {running} calls run, and its adaptive limit is {room} for calls of {priority} \
         priority; wait before you send it again"
    );
    Error::refused(Code::ResourceExhausted, text)
}

impl<S> fmt::Debug for AdaptiveService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveService").finish_non_exhaustive()
    }
}
