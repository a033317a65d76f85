//! A call to an object of this process: no network, and the handler runs inside the call.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Sleep, sleep_until},
};

use super::{
    call::Prepared,
    channel::{Inner, local_address},
};
use crate::{
    Code, Error, Metadata, Outcome,
    carry::Carried,
    dispatch::{Answer, Route, Work},
    driver::Reply,
    proto::{encode_metadata, parse_metadata},
    service::{CallParts, Context as CallContext, Invocation, LocalObject, Payload, Rest, Scope},
    trace::Trace,
};

/// A call to an object of this process.
pub(super) struct LocalCall {
    handler: Handler,
    context: Option<CallContext>,
    timer: Option<Pin<Box<Sleep>>>,
}

enum Handler {
    /// Ends with the call.
    Here(Box<Work>),
    /// Goes on when the call is given up.
    Detached(oneshot::Receiver<(Answer, Option<Rest>)>),
    /// Nobody waits for it.
    Oneway,
}

impl LocalCall {
    /// Prepares the call; the handler runs when it is polled.
    pub(super) fn new(object: &LocalObject, inner: &Inner, method: u64, call: Prepared) -> Result<Self, Error> {
        let Prepared {
            mut payload,
            metadata,
            deadline,
        } = call;
        let route = Route::to_object(object, method)?;
        let mut metadata = parse_metadata(&metadata)
            .map_err(|violation| Error::refused(Code::InvalidArgument, violation.to_string()))?;
        let trace = Trace::serve(route.method, local_address(), &mut metadata);
        let scope = Scope::new(CallParts {
            peer: Arc::clone(local_address()),
            method: route.method,
            instance: None,
            deadline,
            metadata,
        });
        let carried = payload.take_offered().into_iter().map(Carried::Local).collect();
        let invocation = Invocation::arrived(route.method, payload.into_bytes(), inner.wire, carried);
        let work = Work::new(route.service.dispatch(route.index, invocation), scope, trace);
        let timer = match deadline {
            Some(deadline) => {
                let _entered = runtime("a deadline")?.enter();
                Some(Box::pin(sleep_until(deadline.into())))
            }
            None => None,
        };
        let (oneway, detached) = (route.method.oneway, route.method.detached);
        let context = detached.then(|| work.context());
        let handler = match (oneway, detached) {
            (true, _) => forget(object, work)?,
            (_, true) => Handler::Detached(detach(object, work)?),
            _ => Handler::Here(Box::new(work)),
        };
        Ok(Self {
            handler,
            context,
            timer,
        })
    }

    /// The answer, and what is left of the handler.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Reply, Option<Rest>), Error>> {
        let answered = match &mut self.handler {
            Handler::Here(work) => work.poll_answer(cx).map(|answer| (answer, None)),
            Handler::Detached(answer) => Pin::new(answer)
                .poll(cx)
                .map(|answer| answer.unwrap_or_else(|_| stopped())),
            Handler::Oneway => return Poll::Ready(Ok((Reply::default(), None))),
        };
        let ((metadata, answer), rest) = match (answered, &mut self.timer) {
            (Poll::Ready(answered), _) => answered,
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Pending, Some(timer)) => {
                ready!(timer.as_mut().poll(cx));
                let error = Error::deadline_exceeded("the handler was stopped at the deadline");
                return Poll::Ready(Err(error.with_outcome(Outcome::Unknown)));
            }
        };
        let rest = rest.or_else(|| self.take_rest());
        Poll::Ready(answer.map(|payload| (reply(encode_metadata(&metadata), payload), rest)))
    }

    fn take_rest(&mut self) -> Option<Rest> {
        match std::mem::replace(&mut self.handler, Handler::Oneway) {
            Handler::Here(work) => work.into_rest(),
            Handler::Detached(_) | Handler::Oneway => None,
        }
    }
}

impl Drop for LocalCall {
    /// What cannot be stopped can see that nobody waits any more.
    fn drop(&mut self) {
        match &self.handler {
            Handler::Here(work) => work.made_context().into_iter().for_each(CallContext::cancel),
            Handler::Detached(_) => self.context.iter().for_each(CallContext::cancel),
            Handler::Oneway => {}
        }
    }
}

fn reply(metadata: bytes::Bytes, mut payload: Payload) -> Reply {
    let carried = payload.take_offered().into_iter().map(Carried::Local).collect();
    Reply {
        metadata,
        body: payload.into_bytes(),
        carried,
    }
}

/// Runs a handler in a task of the object's, and gives its answer.
fn detach(object: &LocalObject, mut work: Work) -> Result<oneshot::Receiver<(Answer, Option<Rest>)>, Error> {
    let (answered, answer) = oneshot::channel();
    let run = async move {
        let answer = std::future::poll_fn(|cx| work.poll_answer(cx)).await;
        // Nobody may wait any more.
        let _ = answered.send((answer, work.into_rest()));
    };
    object.detached().spawn(&runtime("a `detached` method")?, run);
    Ok(answer)
}

/// Runs a handler in a task of the object's, and forgets its answer.
fn forget(object: &LocalObject, mut work: Work) -> Result<Handler, Error> {
    let run = async move { drop(std::future::poll_fn(|cx| work.poll_answer(cx)).await) };
    object.detached().spawn(&runtime("a `oneway` method")?, run);
    Ok(Handler::Oneway)
}

/// The object is gone, and its tasks with it.
fn stopped() -> (Answer, Option<Rest>) {
    let error = Error::cancelled("the handler was stopped before it ended").with_outcome(Outcome::Unknown);
    ((Metadata::new(), Err(error)), None)
}

fn runtime(what: &str) -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| {
        Error::failed_precondition(format!(
            "a call to an object of this process needs a tokio runtime for {what}: make it inside one"
        ))
        .with_outcome(Outcome::NotExecuted)
    })
}
