//! A call to an object of this process: no network, and the handler runs inside the call.

use std::{
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::coop::{Unconstrained, poll_proceed, unconstrained},
    time::{Sleep, sleep_until},
};

use super::{
    routed::{RoutedCall, read_block},
    router::Route,
    seat::Seated,
    work::{HandlerAnswer, Work},
};
use crate::{
    Address, Code, Error, Metadata, Outcome, Peer,
    contract::FormatKind,
    driver::Reply,
    driver::attachments::{IncomingAttachment, Wire},
    proto::encode_metadata,
    service::{Context as CallContext, Continuation, LocalObject, Payload, Scope, TypedMethod, with_current},
};

/// How many calls to objects of one process may wait for each other, one inside the other. A peer may choose which
/// object calls which, and each call holds a handler: this many take about as much as the peer's other calls may.
const MOST: u16 = 1024;

/// The address of every object of this process.
static PEER: LazyLock<Arc<Peer>> = LazyLock::new(|| Arc::new(Peer::new(Address::custom("local://"), None)));

/// The address of every object of this process.
pub(crate) fn local_address() -> &'static Address {
    PEER.address()
}

/// What is called of an object of this process.
pub(crate) struct LocalRequest {
    /// Which method, by its id.
    pub(crate) method: u64,
    /// What the caller means by it, if that is known.
    pub(crate) types: Option<&'static TypedMethod>,
    pub(crate) payload: Payload,
    /// The metadata, as a block.
    pub(crate) metadata: Bytes,
    pub(crate) deadline: Option<Instant>,
    /// How many calls to objects of this process ran around the place where it was made. A task that the caller has
    /// spawned for it does not know all of them.
    pub(crate) level: u16,
}

/// A call to an object of this process.
pub(crate) struct LocalCall {
    handler: LocalHandler,
    context: Option<CallContext>,
    /// Polled even when the handler has used up the budget of the task, because it may do so each time.
    timer: Option<Pin<Box<Unconstrained<Sleep>>>>,
}

enum LocalHandler {
    /// Ends with the call.
    Here(Seated<AttachedHandler>),
    /// Goes on when the call is given up.
    Detached(oneshot::Receiver<LocalAnswer>),
    /// The caller does not wait for it.
    Oneway,
}

impl LocalCall {
    /// Prepares the call; the handler runs when it is polled.
    pub(crate) fn new(object: &LocalObject, wire: Wire, request: LocalRequest) -> Result<Self, Error> {
        let LocalRequest {
            method,
            types,
            mut payload,
            metadata,
            deadline,
            level,
        } = request;
        let level = level.max(next_level());
        if level >= MOST {
            return Err(Error::refused(
                Code::ResourceExhausted,
                format!("calls between objects of this process nest {MOST} deep, the limit; does one call itself?"),
            ));
        }
        let route = Route::to_object(object, method)?;
        let claim = types.and_then(|types| route.unlike(types, FormatKind::of(wire.format)));
        let metadata = read_block(&metadata)?;
        let routed = RoutedCall {
            route: &route,
            peer: &PEER,
            wire,
            claim,
            tells_types: true,
            deadline,
            metadata,
            carried: payload
                .take_offered()
                .into_iter()
                .map(IncomingAttachment::Local)
                .collect(),
            body: payload.into_bytes(),
            level,
            principal: None,
            unverified: None,
        };
        let work = routed.into_work(None);
        let timer = match deadline {
            Some(deadline) => {
                let _entered = runtime("a deadline")?.enter();
                Some(Box::pin(unconstrained(sleep_until(deadline.into()))))
            }
            None => None,
        };
        let (oneway, detached) = (route.method.oneway, route.method.detached);
        let context = detached.then(|| work.context());
        let handler = match (oneway, detached) {
            (true, _) => forget(object, work)?,
            (_, true) => LocalHandler::Detached(detach(object, work)?),
            _ => LocalHandler::Here(Seated::from(Box::pin(AttachedHandler(Some(work))))),
        };
        Ok(Self {
            handler,
            context,
            timer,
        })
    }

    /// The answer, and what is left of the handler.
    pub(crate) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Reply, Option<Continuation>), Error>> {
        let answered = match &mut self.handler {
            LocalHandler::Here(running) => poll_running(running, cx)?,
            LocalHandler::Detached(answer) => Pin::new(answer)
                .poll(cx)
                .map(|answer| answer.unwrap_or_else(|_| stopped())),
            LocalHandler::Oneway => return Poll::Ready(Ok((Reply::default(), None))),
        };
        let ((metadata, answer), rest) = match (answered, &mut self.timer) {
            (Poll::Ready(answered), _) => {
                self.handler = LocalHandler::Oneway;
                answered
            }
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Pending, Some(timer)) => {
                ready!(timer.as_mut().poll(cx));
                let error = Error::deadline_exceeded("the handler was stopped at the deadline");
                return Poll::Ready(Err(error.with_outcome(Outcome::Unknown)));
            }
        };
        Poll::Ready(answer.map(|payload| (reply(encode_metadata(&metadata), payload), rest)))
    }
}

impl Drop for LocalCall {
    /// A handler that cannot be stopped can see that its caller is gone.
    fn drop(&mut self) {
        if matches!(self.handler, LocalHandler::Detached(_)) {
            self.context.iter().for_each(CallContext::cancel);
        }
    }
}

/// Calls that only call each other let other tasks run now and then: each call that ends counts.
fn poll_running(running: &mut Seated<AttachedHandler>, cx: &mut Context<'_>) -> Poll<Result<LocalAnswer, Error>> {
    let progress = ready!(poll_proceed(cx));
    let answered = ready!(running.poll(cx));
    progress.made_progress();
    Poll::Ready(answered)
}

/// An answer, and what is left of the handler.
type LocalAnswer = (HandlerAnswer, Option<Continuation>);

/// A handler that ends with its call.
struct AttachedHandler(Option<Work>);

impl Future for AttachedHandler {
    type Output = LocalAnswer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LocalAnswer> {
        let Some(work) = &mut self.0 else {
            return Poll::Pending;
        };
        let answer = ready!(work.poll_answer(cx));
        Poll::Ready((answer, self.0.take().and_then(Work::into_rest)))
    }
}

impl Drop for AttachedHandler {
    /// Work for it that cannot be stopped can see that the caller is gone.
    fn drop(&mut self) {
        let context = self.0.as_ref().and_then(Work::made_context);
        context.into_iter().for_each(CallContext::cancel);
    }
}

/// How many calls to objects of this process run around one that is made here.
pub(crate) fn next_level() -> u16 {
    with_current(Scope::level).map_or(0, |level| level.saturating_add(1))
}

fn reply(metadata: Bytes, mut payload: Payload) -> Reply {
    let carried = payload
        .take_offered()
        .into_iter()
        .map(IncomingAttachment::Local)
        .collect();
    Reply {
        metadata,
        body: payload.into_bytes(),
        carried,
    }
}

/// Runs a handler in a task of the object's, and gives its answer.
fn detach(object: &LocalObject, mut work: Work) -> Result<oneshot::Receiver<LocalAnswer>, Error> {
    let (answered, answer) = oneshot::channel();
    let run = async move {
        let answer = std::future::poll_fn(|cx| work.poll_answer(cx)).await;
        // The caller may be gone.
        let _ = answered.send((answer, work.into_rest()));
    };
    object.detached().spawn(&runtime("a `detached` method")?, run);
    Ok(answer)
}

/// Runs a handler in a task of the object's, and forgets its answer.
fn forget(object: &LocalObject, mut work: Work) -> Result<LocalHandler, Error> {
    let run = async move { drop(std::future::poll_fn(|cx| work.poll_answer(cx)).await) };
    object.detached().spawn(&runtime("a `oneway` method")?, run);
    Ok(LocalHandler::Oneway)
}

/// The object is gone, and its tasks with it.
fn stopped() -> LocalAnswer {
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
