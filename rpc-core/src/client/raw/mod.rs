//! A call without its types: from its first poll to its answer.

mod send;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use thin_vec::ThinVec;
use tokio::time::Sleep;

pub(super) use send::bottom;

use super::{
    channel::Channel, decode::Answer, feeds::Feeds, layered::Layered, reply_metadata::ReplyMetadata, timers::Idle,
    upkeep::Upkeep,
};
use crate::{
    Address, Code, Error, Metadata, Outcome,
    clock::now,
    contract::{self, FormatKind},
    dispatch::{LocalCall, Seated, next_level},
    driver::{CallResult, Link, NotStarted, Reply, read_metadata},
    proto::{Ticket, encode_metadata},
    service::{Continuation, MethodDescriptor, Payload, TypedMethod},
};

/// An encoded call, before it is polled.
pub(super) struct EncodedCall {
    pub(super) payload: Result<Payload, Error>,
    /// The types of the method, if they are known.
    pub(super) types: Option<&'static TypedMethod>,
    pub(super) timeout: Timeout,
    /// The metadata, encoded.
    pub(super) metadata: Bytes,
    /// What layers see of the metadata, if the call passes through any.
    pub(super) shown: Option<Box<Metadata>>,
}

/// How long a call may take.
#[derive(Clone, Copy)]
pub(super) enum Timeout {
    /// From when it is first polled.
    After(Option<Duration>),
    /// As a layer has it.
    At(Option<Instant>),
}

/// A call without its types. It is moved into the future that awaits it, so what few calls have is in boxes.
pub(super) struct RawCall {
    channel: Channel,
    method: &'static MethodDescriptor,
    /// Its types, if they are known: the other side checks that it has the same.
    types: Option<&'static TypedMethod>,
    capture: Option<ReplyMetadata>,
    /// Of methods with streams.
    upkeep: Option<Box<Upkeep>>,
    /// Connections that ended before the call was sent.
    missed: u32,
    /// How many calls to objects of this process ran around the place where it was made.
    level: u16,
    stage: CallStage,
}

/// A call that is ready to be sent.
pub(super) struct Prepared {
    pub(super) payload: Payload,
    pub(super) metadata: Bytes,
    pub(super) deadline: Option<Instant>,
}

enum CallStage {
    New(EncodedCall),
    Dialing(DialingCall),
    /// Waits for its turn on a connection that has as many calls as it takes.
    Queued(Box<QueuedCall>),
    Sent(SentCall),
    /// The handler runs in this call.
    Local(LocalCall),
    Layered(Box<Layered>),
    Done,
}

/// A call that waits for a connection, or until the driver has looked at the open one, but not beyond its deadline.
struct DialingCall {
    dial: Pin<Box<dyn Future<Output = Result<Arc<Link>, Error>> + Send>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The connection is open.
    connected: bool,
    prepared: Prepared,
}

/// A call that waits for its turn.
struct QueuedCall {
    link: Arc<Link>,
    ticket: Ticket,
    /// As for a call that was sent.
    timer: Option<Pin<Box<Sleep>>>,
    /// What is needed to send the call over another connection.
    metadata: Bytes,
    deadline: Option<Instant>,
}

/// A call that was sent.
struct SentCall {
    link: Arc<Link>,
    id: u32,
    /// Set if the connection's driver may not run: another runtime carries it, or it waits for this very call.
    timer: Option<Pin<Box<Sleep>>>,
}

/// How a stage of a call went: the answer, or `None` if another stage follows.
type CallStep = Result<Option<Reply>, Error>;

impl RawCall {
    pub(super) fn new(channel: Channel, method: &'static MethodDescriptor, call: EncodedCall) -> Self {
        let level = if channel.is_local() { next_level() } else { 0 };
        Self {
            channel,
            method,
            types: call.types,
            capture: None,
            upkeep: method.streaming.then(Box::default),
            missed: 0,
            level,
            stage: CallStage::New(call),
        }
    }

    /// Receives the metadata of the answer.
    pub(super) fn capture(mut self, capture: Option<ReplyMetadata>) -> Self {
        self.capture = capture;
        self
    }

    /// The streams among the arguments, and what watches over the answer that opens the result.
    pub(super) fn streams(mut self, feeds: Feeds, idle: Option<Idle>) -> Self {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.runtime = self.channel.own_runtime();
            upkeep.feeds = feeds;
            upkeep.idle = idle;
        }
        self
    }

    pub(super) fn method(&self) -> &'static MethodDescriptor {
        self.method
    }

    /// An answer that came, with what its items and their receiver need of the call.
    pub(super) fn take_answer(&mut self, reply: Reply) -> Answer {
        Answer {
            method: self.method,
            body: reply.body,
            carried: reply.carried.into(),
            wire: self.channel.inner().wire,
            upkeep: self.upkeep.take(),
        }
    }

    pub(super) fn take_upkeep(&mut self) -> Upkeep {
        self.upkeep.take().map(|upkeep| *upkeep).unwrap_or_default()
    }

    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<CallResult> {
        let answered = match self.poll_stage(cx) {
            Poll::Ready(answered) => answered,
            // Only now: the first poll is what binds the streams to a connection.
            Poll::Pending => Err(ready!(self.poll_upkeep(cx))),
        };
        self.stage = CallStage::Done;
        let answered = answered.map_err(|error| self.explained(error).with_method(self.method.path));
        if let Some(capture) = &self.capture {
            let metadata = match &answered {
                Ok(reply) => read_metadata(&reply.metadata)?,
                Err(error) => error.metadata().clone(),
            };
            capture.replace(metadata);
        }
        Poll::Ready(answered)
    }

    /// A failure in words that its caller understands.
    fn explained(&self, error: Error) -> Error {
        match self.types {
            Some(types) if error.code() == Code::FailedPrecondition => {
                let kind = FormatKind::of(self.channel.inner().wire.format);
                contract::explained(error, types.name(), types.types(kind), kind)
            }
            _ => error,
        }
    }

    /// Does what the streams need, and gives the call up when its answer is late.
    fn poll_upkeep(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(upkeep) = &mut self.upkeep else {
            return Poll::Pending;
        };
        let late = ready!(upkeep.poll_late(cx));
        Poll::Ready(late.with_outcome(self.give_up()))
    }

    /// Stops waiting for the answer, and returns what became of the call.
    fn give_up(&mut self) -> Outcome {
        match std::mem::replace(&mut self.stage, CallStage::Done) {
            CallStage::New(_) | CallStage::Dialing(_) => Outcome::NotExecuted,
            CallStage::Queued(queued) => queued.link.leave(queued.ticket),
            CallStage::Sent(waiting) => waiting.link.abandon(waiting.id),
            CallStage::Local(_) | CallStage::Layered(_) | CallStage::Done => Outcome::Unknown,
        }
    }

    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<CallResult> {
        loop {
            let step = match &mut self.stage {
                CallStage::New(_) => ready!(self.poll_new(cx)),
                CallStage::Dialing(_) => ready!(self.poll_dialing(cx)),
                CallStage::Queued(_) => ready!(self.poll_queued(cx)),
                CallStage::Sent(waiting) => return waiting.poll(self.method.oneway, cx),
                CallStage::Local(_) => ready!(self.poll_local(cx)),
                CallStage::Layered(_) => ready!(self.poll_layered(cx)),
                CallStage::Done => Err(Error::internal("a call was polled after it had ended")),
            };
            if let Some(reply) = step? {
                return Poll::Ready(Ok(reply));
            }
        }
    }

    fn take_stage(&mut self) -> CallStage {
        std::mem::replace(&mut self.stage, CallStage::Done)
    }

    fn poll_new(&mut self, cx: &mut Context<'_>) -> Poll<CallStep> {
        if let CallStage::New(call) = self.take_stage() {
            self.begin(call, cx)?;
        }
        if matches!(self.stage, CallStage::Sent(SentCall { timer: None, .. })) && !self.method.oneway {
            // It has left its waker with the connection, which wakes it when there is an answer.
            return Poll::Pending;
        }
        Poll::Ready(Ok(None))
    }

    fn poll_dialing(&mut self, cx: &mut Context<'_>) -> Poll<CallStep> {
        if let CallStage::Dialing(dialing) = &mut self.stage {
            let link = ready!(dialing.poll(self.channel.address(), cx))?;
            if let CallStage::Dialing(DialingCall { prepared, .. }) = self.take_stage() {
                self.send(link, prepared, now(), cx)?;
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_queued(&mut self, cx: &mut Context<'_>) -> Poll<CallStep> {
        if let CallStage::Queued(queued) = &mut self.stage {
            let turned = ready!(queued.poll_turn(cx))?;
            if let CallStage::Queued(queued) = self.take_stage() {
                let QueuedCall { link, timer, .. } = *queued;
                match turned {
                    Ok(id) => self.stage = CallStage::Sent(SentCall { link, id, timer }),
                    Err(why) => self.not_sent(why, queued.metadata, queued.deadline)?,
                }
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_local(&mut self, cx: &mut Context<'_>) -> Poll<CallStep> {
        let CallStage::Local(local) = &mut self.stage else {
            return Poll::Ready(Ok(None));
        };
        let (reply, continuation) = ready!(local.poll_answer(cx))?;
        self.keep(continuation);
        Poll::Ready(Ok(Some(reply)))
    }

    fn poll_layered(&mut self, cx: &mut Context<'_>) -> Poll<CallStep> {
        let CallStage::Layered(layered) = &mut self.stage else {
            return Poll::Ready(Ok(None));
        };
        let answer = ready!(layered.poll_answer(&self.channel, cx))?;
        let carried = match answer.came.take() {
            Some(came) => {
                self.ends_by(came.deadline);
                came.carried
            }
            None => ThinVec::new(),
        };
        Poll::Ready(Ok(Some(Reply {
            metadata: encode_metadata(&answer.metadata),
            body: answer.body,
            carried,
        })))
    }

    pub(super) fn ends_by(&mut self, deadline: Option<Instant>) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.deadline = deadline;
        }
    }

    /// Only a handler with a stream as result goes on after its answer.
    fn keep(&mut self, continuation: Option<Continuation>) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.rest = continuation.map(Seated::from);
        }
    }
}

impl DialingCall {
    /// # Errors
    /// The attempt failed, or the deadline came first.
    fn poll(&mut self, address: &Address, cx: &mut Context<'_>) -> Poll<Result<Arc<Link>, Error>> {
        if let Poll::Ready(link) = self.dial.as_mut().poll(cx) {
            return Poll::Ready(link);
        }
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        ready!(timer.as_mut().poll(cx));
        let text = if self.connected {
            format!(
                "the connection to {address} stood still until the deadline; does its runtime still run, or does a \
                 handler block it?"
            )
        } else {
            format!("no connection to {address} before the deadline")
        };
        Poll::Ready(Err(Error::refused(Code::DeadlineExceeded, text)))
    }
}

impl SentCall {
    fn poll(&mut self, oneway: bool, cx: &mut Context<'_>) -> Poll<CallResult> {
        let answered = if oneway {
            self.link.poll_left(self.id, cx).map_ok(|()| Reply::default())
        } else {
            self.link.poll_answer(self.id, cx)
        };
        if let (Poll::Pending, Some(timer)) = (&answered, &mut self.timer) {
            ready!(timer.as_mut().poll(cx));
            let text = "no answer before the deadline; does the runtime of the connection still run, or does a handler \
                block it?";
            let outcome = self.link.abandon(self.id);
            return Poll::Ready(Err(Error::deadline_exceeded(text).with_outcome(outcome)));
        }
        answered
    }
}

impl QueuedCall {
    /// Waits for its turn.
    ///
    /// # Errors
    /// The deadline came first, and the driver of the connection did not say so.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Result<u32, NotStarted>, Error>> {
        if let Poll::Ready(turned) = self.link.poll_turn(self.ticket, cx) {
            return Poll::Ready(Ok(turned));
        }
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        ready!(timer.as_mut().poll(cx));
        let text = "the call did not get its turn before the deadline; does the runtime of the connection still run?";
        let error = Error::deadline_exceeded(text).with_outcome(self.link.leave(self.ticket));
        Poll::Ready(Err(error))
    }
}

impl Drop for RawCall {
    fn drop(&mut self) {
        self.give_up();
    }
}
