//! A handler at work, from its first poll to its answer.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{sync::watch, time::timeout_at};

use super::running::Shared;
use crate::{
    Code, Error, Metadata, Outcome,
    driver::Link,
    layer::{Answering, Next, Request, Response},
    service::{Context as CallContext, Handler, Payload, Scope, enter},
    trace::Trace,
};

/// A handler's answer and the metadata that goes with it.
pub(super) type Answer = (Metadata, Result<Payload, Error>);

/// A place among the handlers that a server runs at one time; given back when it is dropped.
pub(super) struct Permit(Arc<AtomicUsize>);

impl Permit {
    pub(super) fn take(shared: &Shared) -> Result<Self, Error> {
        let limit = shared.limits.max_server_calls;
        if shared.calls.fetch_add(1, Ordering::Relaxed) >= limit {
            shared.calls.fetch_sub(1, Ordering::Relaxed);
            let text = format!("the server runs its most of {limit} calls (`max_server_calls`)");
            return Err(Error::refused(Code::ResourceExhausted, text));
        }
        Ok(Self(Arc::clone(&shared.calls)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is owed at the end of a call: an answer, and its place. When it is dropped without an answer, the handler was stopped.
pub(super) struct Finish {
    owed: Option<(Arc<Link>, u32)>,
    permit: Option<Permit>,
}

impl Finish {
    pub(super) fn new(link: Arc<Link>, call: u32, permit: Permit) -> Self {
        Self {
            owed: Some((link, call)),
            permit: Some(permit),
        }
    }

    fn answer(&mut self, (metadata, answer): Answer) {
        self.permit = None;
        if let Some((link, call)) = self.owed.take() {
            link.reply(call, &metadata, answer);
        }
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if self.owed.is_some() {
            let error = Error::cancelled("the handler was stopped before it ended").with_outcome(Outcome::Unknown);
            self.answer((Metadata::new(), Err(error)));
        }
    }
}

/// A handler at work. As a future it answers the call itself; polled by hand it leaves that to the caller.
pub(super) struct Task {
    /// Dropped before the rest: the handler has stopped before its place is free.
    handler: Option<Handler>,
    scope: Option<Scope>,
    trace: Trace,
    finish: Option<Finish>,
    detached: bool,
    /// What is dropped when the handler has stopped.
    running: Option<watch::Receiver<()>>,
}

impl Task {
    pub(super) fn new(handler: Handler, scope: Scope, trace: Trace, finish: Finish, detached: bool) -> Self {
        Self {
            handler: Some(handler),
            scope: Some(scope),
            trace,
            finish: Some(finish),
            detached,
            running: None,
        }
    }

    /// Counts the handler among those of `shared` that run.
    pub(super) fn counted(mut self, shared: &Shared) -> Self {
        self.running = Some(shared.handlers.subscribe());
        self
    }

    pub(super) fn is_detached(&self) -> bool {
        self.detached
    }

    pub(super) fn context(&self) -> CallContext {
        self.scope.as_ref().map_or_else(CallContext::default, Scope::context)
    }

    /// The answer, when the handler has one. A panic is an answer, too, and ends nothing else.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let Self {
            handler: Some(handler),
            scope,
            trace,
            ..
        } = self
        else {
            return Poll::Pending;
        };
        // The handler is not polled again after a panic, so nobody sees what it left half done.
        let poll = || trace.in_scope(|| enter(scope, || handler.as_mut().poll(cx)));
        let answer = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(polled) => ready!(polled),
            Err(panic) => Err(panicked(&*panic)),
        };
        trace.finished(answer.as_ref().err());
        let context = self.scope.as_ref().and_then(Scope::made_context);
        let metadata = context.map(CallContext::take_reply_metadata).unwrap_or_default();
        Poll::Ready(match answer {
            Ok(payload) => (metadata, Ok(payload)),
            Err(error) => (Metadata::new(), Err(with_reply_metadata(error, &metadata))),
        })
    }

    /// The answer is on its way by another hand.
    pub(super) fn finished(mut self) {
        if let Some(finish) = &mut self.finish {
            finish.owed = None;
        }
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let answer = ready!(self.poll_answer(cx));
        self.handler = None;
        if let Some(mut finish) = self.finish.take() {
            // A layer may have answered in the place of a handler that cannot be stopped.
            if let Some(context) = self.scope.as_ref().and_then(Scope::made_context) {
                context.finish_when_free(finish.permit.take());
            }
            finish.answer(answer);
        }
        Poll::Ready(())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let handler = self.handler.take();
        // A destructor in the handler may panic; the call is still to be finished.
        let _ = catch_unwind(AssertUnwindSafe(|| enter(&mut self.scope, || drop(handler))));
        let context = self.scope.as_ref().and_then(Scope::made_context);
        if let (Some(finish), Some(context)) = (self.finish.take(), context) {
            // Something that cannot be stopped may still work for the call: it finishes the call when it is done.
            context.finish_when_free(finish);
        }
    }
}

fn with_reply_metadata(error: Error, reply: &Metadata) -> Error {
    if reply.is_empty() {
        return error;
    }
    let mut metadata = error.metadata().clone();
    metadata.extend(reply);
    error.with_metadata(metadata)
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(Code::Internal, format!("the handler panicked: {text}")).with_outcome(Outcome::Unknown)
}

/// The end of a handler at the deadline that a layer has set; the caller's own is kept by the connection.
fn expired() -> Error {
    Error::deadline_exceeded("the handler was stopped at the deadline").with_outcome(Outcome::Unknown)
}

/// A handler behind layers.
pub(super) fn layered(layers: &Next, request: Request) -> Handler {
    let layers = layers.clone();
    Box::pin(async move {
        // Only here is a panic the call's own, and cloning a layer's service runs foreign code.
        let response = layers.answer(request).await?;
        let context = CallContext::current();
        for (key, value) in response.metadata.iter() {
            context.append_wire_reply(key, value)?;
        }
        Ok(Payload::from(Vec::from(response.body)))
    })
}

/// What comes out of the last layer: the method itself, with deadline and metadata as the layers left them.
pub(super) fn bottom(request: Request) -> Answering {
    Box::pin(async move {
        let Some(target) = request.target else {
            return Err(Error::internal(
                "a layer made a request of its own instead of passing one on",
            ));
        };
        let context = target.context.rewritten(request.deadline, request.metadata);
        let handler = context.scope((target.start)(request.body));
        let answer = match request
            .deadline
            .filter(|_| request.deadline != target.context.deadline())
        {
            Some(deadline) => timeout_at(deadline.into(), handler)
                .await
                .unwrap_or_else(|_| Err(expired())),
            None => handler.await,
        };
        let metadata = context.take_reply_metadata();
        match answer {
            Ok(payload) => Ok(Response::new(metadata, payload.into_bytes())),
            Err(error) => Err(with_reply_metadata(error, &metadata)),
        }
    })
}
