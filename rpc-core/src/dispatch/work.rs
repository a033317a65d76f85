//! A running handler, from its first poll to its answer, and what is left of it afterwards.

use std::task::{Context, Poll, ready};

use crate::{
    Code, Error, Metadata, Outcome,
    service::{Context as CallContext, Continuation, Handler, HandlerOutput, Payload, Scope, enter},
    trace::Trace,
    unwind::{Panicked, caught, guarded},
};

/// A handler's answer and the metadata that goes with it.
pub(crate) type HandlerAnswer = (Metadata, Result<Payload, Error>);

/// A running handler, in the scope of its call. After its answer some go on and feed the streams of the answer.
///
/// A panic ends the handler and nothing else; so does one of its destructors.
pub(crate) struct Work {
    stage: WorkStage,
    scope: Option<Scope>,
    trace: Trace,
    /// Whether the caller is told the text of a panic.
    tells: bool,
}

enum WorkStage {
    Handler(Handler),
    Rest(Continuation),
    Over,
}

impl Work {
    pub(crate) fn new(handler: Handler, scope: Scope, trace: Trace, tells: bool) -> Self {
        Self {
            stage: WorkStage::Handler(handler),
            scope: Some(scope),
            trace,
            tells,
        }
    }

    pub(crate) fn context(&self) -> CallContext {
        self.scope.as_ref().map_or_else(CallContext::default, Scope::context)
    }

    /// The context, if it was asked for.
    pub(crate) fn made_context(&self) -> Option<&CallContext> {
        self.scope.as_ref().and_then(Scope::made_context)
    }

    /// The answer, once. A panic is an answer, too.
    pub(crate) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<HandlerAnswer> {
        let Self {
            stage: WorkStage::Handler(handler),
            scope,
            trace,
            tells,
        } = self
        else {
            return Poll::Pending;
        };
        // The handler is not polled again after a panic, so what it left half done is not seen.
        let poll = || trace.in_scope(|| enter(scope, || handler.as_mut().poll(cx)));
        let output = match caught(poll) {
            Ok(polled) => ready!(polled),
            Err(panic) => Err(panicked(&panic, scope.as_ref(), *tells)),
        };
        trace.finished(output.as_ref().err());
        let (answer, continuation) = match output {
            Ok(HandlerOutput { payload, continuation }) => (Ok(payload), continuation),
            Err(error) => (Err(error), None),
        };
        self.proceed(continuation.map_or(WorkStage::Over, WorkStage::Rest));
        let metadata = self
            .made_context()
            .map(CallContext::take_reply_metadata)
            .unwrap_or_default();
        Poll::Ready(match answer {
            Ok(payload) => (metadata, Ok(payload)),
            Err(error) => (Metadata::new(), Err(with_reply_metadata(error, &metadata))),
        })
    }

    /// Whether the handler goes on after its answer.
    pub(crate) fn has_rest(&self) -> bool {
        matches!(self.stage, WorkStage::Rest(_))
    }

    /// What is left of the handler after its answer.
    pub(crate) fn into_rest(mut self) -> Option<Continuation> {
        self.has_rest()
            .then(|| Box::pin(std::future::poll_fn(move |cx| self.poll_rest(cx))) as Continuation)
    }

    /// Goes on after the answer. If it ends too early, for example by a panic, the receiver of its stream notices.
    pub(super) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            stage: WorkStage::Rest(rest),
            scope,
            trace,
            tells,
        } = self
        else {
            return Poll::Ready(());
        };
        let poll = || trace.in_scope(|| enter(scope, || rest.as_mut().poll(cx)));
        match caught(poll) {
            Ok(polled) => ready!(polled),
            // It has answered already, so the panic is only reported here.
            Err(panic) => drop(panicked(&panic, scope.as_ref(), *tells)),
        }
        self.proceed(WorkStage::Over);
        Poll::Ready(())
    }

    /// Drops the finished stage in the scope in which it ran.
    fn proceed(&mut self, next: WorkStage) {
        let done = std::mem::replace(&mut self.stage, next);
        guarded(|| enter(&mut self.scope, || drop(done)));
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !matches!(self.stage, WorkStage::Over) {
            self.proceed(WorkStage::Over);
        }
    }
}

/// The end of a call whose turn comes too late: its handler does not start.
pub(super) fn late() -> Error {
    let text = "the deadline had passed before the handler started";
    Error::refused(Code::DeadlineExceeded, text)
}

pub(super) fn with_reply_metadata(error: Error, reply: &Metadata) -> Error {
    if reply.is_empty() {
        return error;
    }
    let mut metadata = error.metadata().clone();
    metadata.extend(reply);
    error.with_metadata(metadata)
}

fn panicked(panic: &Panicked, scope: Option<&Scope>, tells: bool) -> Error {
    let context = scope.map(Scope::context).unwrap_or_default();
    let names = context.service().zip(context.method());
    let name = names.map_or_else(String::new, |(service, method)| format!(" of `{service}.{method}`"));
    Error::new(Code::Internal, panic.report("the handler", &name, tells)).with_outcome(Outcome::Unknown)
}
