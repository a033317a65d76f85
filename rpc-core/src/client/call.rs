//! The future of a call.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use thin_vec::ThinVec;
use tokio::{
    runtime::Handle,
    time::{Sleep, sleep_until},
};

use super::{
    Channel, ReplyMetadata,
    channel::{Target, connection_gone},
    decode::Answer,
    dialled::Dialled,
    feeds::Feeds,
    layered::Layered,
    local::{LocalCall, next_level},
    seat::Seated,
    timers::Idle,
    upkeep::Upkeep,
};
use crate::{
    Code, Error, Metadata, Outcome,
    clock::now,
    driver::attachments::Offered,
    driver::{Answered, Link, NotStarted, Reply, Started, is_inside, read_metadata},
    layer::{Answering, Came, Parcel, Request, Response},
    proto::{RequestHead, Ticket, encode_metadata},
    service::{Continuation, MethodDescriptor, Payload, Scope, is_in_handler, with_current},
    trace::Trace,
};

/// A call on its way: a future of what the method returns.
///
/// The arguments are encoded already, so it borrows neither them nor the client, and may be spawned. Nothing is sent
/// before it is polled first; the deadline counts from there. Dropping it cancels the call: the handler stops at its
/// next await. Streams among the arguments are sent while it is polled.
///
/// ```no_run
/// # #[farcall::service] pub trait Inventory { async fn stock(&self, sku: &str) -> farcall::Result<u32>; }
/// # async fn example(inventory: InventoryClient) -> farcall::Result<()> {
/// let apples = tokio::spawn(inventory.stock("apple"));
/// let pears = inventory.stock("pear").await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<R> {
    raw: RawCall,
    trace: Trace,
    decode: fn(Result<Answer, Error>) -> R,
}

impl<R> Call<R> {
    pub(super) fn new(raw: RawCall, trace: Trace, decode: fn(Result<Answer, Error>) -> R) -> Self {
        Self { raw, trace, decode }
    }
}

impl<R> Future for Call<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let Self { raw, trace, .. } = &mut *self;
        let answered = ready!(trace.in_scope(|| raw.poll_answered(cx)));
        trace.finished(answered.as_ref().err());
        let answer = answered.map(|reply| Answer {
            method: raw.method,
            body: reply.body,
            carried: reply.carried.into(),
            wire: raw.channel.inner().wire,
            upkeep: raw.upkeep.take(),
        });
        Poll::Ready((self.decode)(answer))
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.raw.method.path)
            .finish_non_exhaustive()
    }
}

/// An encoded call, before it is polled.
pub(super) struct Outgoing {
    pub(super) payload: Result<Payload, Error>,
    pub(super) timeout: Timeout,
    /// The metadata, encoded.
    pub(super) metadata: Bytes,
    /// What layers see of the metadata, if the call passes through any.
    pub(super) shown: Option<Box<Metadata>>,
}

/// How long a call may take.
#[derive(Clone, Copy)]
pub(super) enum Timeout {
    /// From when it is polled first.
    After(Option<Duration>),
    /// As a layer has it.
    At(Option<Instant>),
}

/// How many connections may end before a call is sent until it is given up: one that ended earlier, one that drains and
/// one that a server which is shutting down still opens are no reason to.
const MISSED: u32 = 4;

/// A call without its types. It is moved into whoever awaits it, so what few calls have is in boxes.
pub(super) struct RawCall {
    channel: Channel,
    method: &'static MethodDescriptor,
    capture: Option<ReplyMetadata>,
    /// Of methods with streams.
    upkeep: Option<Box<Upkeep>>,
    /// Connections that ended before the call was sent.
    missed: u32,
    /// How many calls to objects of this process were under way around the place where it was made.
    level: u16,
    state: State,
}

/// A call that is ready to be sent.
pub(super) struct Prepared {
    pub(super) payload: Payload,
    pub(super) metadata: Bytes,
    pub(super) deadline: Option<Instant>,
}

enum State {
    New(Outgoing),
    /// Waits for a connection, or until the one that there is was looked at, no longer than its deadline.
    Dialing {
        dial: Pin<Box<dyn Future<Output = Result<Arc<Link>, Error>> + Send>>,
        timer: Option<Pin<Box<Sleep>>>,
        prepared: Prepared,
    },
    /// Waits for its turn on a connection that has as many calls as it takes.
    Queued(Box<Queued>),
    Waiting {
        link: Arc<Link>,
        id: u32,
        /// Where nothing says that the connection's driver runs: another runtime carries it, or it waits for this very
        /// call.
        timer: Option<Pin<Box<Sleep>>>,
    },
    /// The handler runs in here.
    Local(LocalCall),
    Layered(Box<Layered>),
    Done,
}

/// A call that waits for its turn.
struct Queued {
    link: Arc<Link>,
    ticket: Ticket,
    /// As that of a call that was sent.
    timer: Option<Pin<Box<Sleep>>>,
    /// What another connection would need.
    metadata: Bytes,
    deadline: Option<Instant>,
}

impl RawCall {
    pub(super) fn new(channel: Channel, method: &'static MethodDescriptor, call: Outgoing) -> Self {
        let level = if channel.is_local() { next_level() } else { 0 };
        Self {
            channel,
            method,
            capture: None,
            upkeep: method.streaming.then(Box::default),
            missed: 0,
            level,
            state: State::New(call),
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

    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        let answered = match self.poll_state(cx) {
            Poll::Ready(answered) => answered,
            // Only now: the first poll is what binds the streams to a connection.
            Poll::Pending => Err(ready!(self.poll_upkeep(cx))),
        };
        self.state = State::Done;
        let answered = answered.map_err(|error| error.with_method(self.method.path));
        if let Some(capture) = &self.capture {
            let metadata = match &answered {
                Ok(reply) => read_metadata(&reply.metadata)?,
                Err(error) => error.metadata().clone(),
            };
            capture.replace(metadata);
        }
        Poll::Ready(answered)
    }

    /// Does what the streams need, and gives the call up when its answer is late.
    fn poll_upkeep(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(upkeep) = &mut self.upkeep else {
            return Poll::Pending;
        };
        let late = ready!(upkeep.poll_late(cx));
        Poll::Ready(late.with_outcome(self.give_up()))
    }

    /// Stops waiting for the answer, and says what became of the call.
    fn give_up(&mut self) -> Outcome {
        match std::mem::replace(&mut self.state, State::Done) {
            State::New(_) | State::Dialing { .. } => Outcome::NotExecuted,
            State::Queued(queued) => queued.link.leave(queued.ticket),
            State::Waiting { link, id, .. } => link.abandon(id),
            State::Local(_) | State::Layered(_) | State::Done => Outcome::Unknown,
        }
    }

    fn poll_state(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        loop {
            match &mut self.state {
                State::New(_) => {
                    let State::New(call) = std::mem::replace(&mut self.state, State::Done) else {
                        continue;
                    };
                    if let Err(error) = self.begin(call, cx) {
                        return Poll::Ready(Err(error));
                    }
                    if matches!(self.state, State::Waiting { timer: None, .. }) && !self.method.oneway {
                        // It has left its waker with the connection, and looks for an answer when that calls.
                        return Poll::Pending;
                    }
                }
                State::Dialing { dial, timer, .. } => {
                    let link = match dial.as_mut().poll(cx) {
                        Poll::Ready(link) => link?,
                        Poll::Pending => {
                            if let Some(timer) = timer {
                                ready!(timer.as_mut().poll(cx));
                                return Poll::Ready(Err(Error::refused(
                                    Code::DeadlineExceeded,
                                    format!("no connection to {} before the deadline", self.channel.address()),
                                )));
                            }
                            return Poll::Pending;
                        }
                    };
                    let State::Dialing { prepared, .. } = std::mem::replace(&mut self.state, State::Done) else {
                        continue;
                    };
                    self.send(link, prepared, now(), cx)?;
                }
                State::Queued(queued) => {
                    let turned = ready!(queued.poll_turn(cx))?;
                    let State::Queued(queued) = std::mem::replace(&mut self.state, State::Done) else {
                        continue;
                    };
                    match turned {
                        Ok(id) => {
                            let Queued { link, timer, .. } = *queued;
                            self.state = State::Waiting { link, id, timer };
                        }
                        Err(why) => self.not_sent(why, queued.metadata, queued.deadline)?,
                    }
                }
                State::Waiting { link, id, timer } => {
                    let answered = if self.method.oneway {
                        let left = link.poll_left(*id, cx);
                        left.map_ok(|()| Reply::default())
                    } else {
                        link.poll_answer(*id, cx)
                    };
                    if let (Poll::Pending, Some(timer)) = (&answered, timer) {
                        ready!(timer.as_mut().poll(cx));
                        let text = "no answer before the deadline; does the runtime of the connection still run, or \
                            does a handler block it?";
                        let error = Error::deadline_exceeded(text).with_outcome(link.abandon(*id));
                        return Poll::Ready(Err(error));
                    }
                    return answered;
                }
                State::Local(local) => {
                    let (reply, rest) = ready!(local.poll_answer(cx))?;
                    self.keep(rest);
                    return Poll::Ready(Ok(reply));
                }
                State::Layered(layered) => {
                    let answer = ready!(layered.poll_answer(&self.channel, cx))?;
                    let carried = match answer.came.take() {
                        Some(came) => {
                            self.ends_by(came.deadline);
                            came.carried
                        }
                        None => ThinVec::new(),
                    };
                    return Poll::Ready(Ok(Reply {
                        metadata: encode_metadata(&answer.metadata),
                        body: answer.body,
                        carried,
                    }));
                }
                State::Done => {
                    return Poll::Ready(Err(Error::internal("a call was polled after it had ended")));
                }
            }
        }
    }

    /// The first poll: the deadline is set, and the call is sent if there is a connection.
    fn begin(&mut self, call: Outgoing, cx: &mut Context<'_>) -> Result<(), Error> {
        let payload = call.payload?;
        // One look at the clock for all of it: it costs as much as the rest of a small call's way out.
        let now = now();
        let deadline = self.deadline(call.timeout, now)?;
        self.ends_by(deadline);
        if let (Some(shown), Some(layers)) = (call.shown, &self.channel.inner().layers) {
            let (body, offered) = payload.into_parts();
            let request = Request {
                method: self.method,
                instance: self.channel.named_instance().map(|instance| Arc::clone(&instance.name)),
                peer: self.channel.address().clone(),
                deadline,
                metadata: *shown,
                body,
                sent: Parcel::list(offered),
                target: None,
                attempts: Arc::default(),
            };
            self.state = State::Layered(Box::new(Layered::new(layers, request)));
            return Ok(());
        }
        let prepared = Prepared {
            payload,
            metadata: call.metadata,
            deadline,
        };
        let inner = self.channel.inner();
        match &inner.target {
            Target::Dialled(dialled) => match dialled.current_link() {
                Some(link) => self.send(link, prepared, now, cx),
                None => self.dial(&Arc::clone(dialled), prepared),
            },
            Target::Remote(import) => self.send(Arc::clone(import.link()), prepared, now, cx),
            Target::Local(_) if deadline.is_some_and(|deadline| deadline <= now) => Err(too_late()),
            Target::Local(object) => {
                self.state = State::Local(LocalCall::new(object, inner, self.method.id, prepared, self.level)?);
                Ok(())
            }
        }
    }

    fn ends_by(&mut self, deadline: Option<Instant>) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.deadline = deadline;
        }
    }

    /// Only a handler with a stream as result goes on after its answer.
    fn keep(&mut self, rest: Option<Continuation>) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.rest = rest.map(Seated::from);
        }
    }

    fn deadline(&self, timeout: Timeout, now: Instant) -> Result<Option<Instant>, Error> {
        let own = match timeout {
            Timeout::At(deadline) => return Ok(deadline),
            Timeout::After(timeout) => timeout
                .or(self.method.timeout)
                // A stream takes as long as it takes.
                .or(self.channel.inner().timeout.filter(|_| !self.method.streaming))
                .and_then(|timeout| now.checked_add(timeout)),
        };
        let Some(inherited) = with_current(Scope::deadline).flatten() else {
            return Ok(own);
        };
        if inherited <= now {
            return Err(Error::refused(
                Code::DeadlineExceeded,
                "the deadline of the call that this one is made for has passed",
            ));
        }
        Ok(Some(own.map_or(inherited, |own| own.min(inherited))))
    }

    fn dial(&mut self, dialled: &Arc<Dialled>, prepared: Prepared) -> Result<(), Error> {
        let dialled = Arc::clone(dialled);
        // The timer needs a runtime. The caller's own surely runs; a caller in none is refused, or has given one.
        let outside = Handle::try_current().is_err();
        let runtime = outside.then(|| dialled.runtime()).transpose()?;
        let _entered = runtime.as_ref().map(Handle::enter);
        self.state = State::Dialing {
            dial: Box::pin(async move { dialled.link().await }),
            timer: prepared.deadline.map(|deadline| Box::pin(sleep_until(deadline.into()))),
            prepared,
        };
        Ok(())
    }

    /// Waits until the connection's driver has seen what came before `now`.
    fn look(&mut self, link: Arc<Link>, prepared: Prepared, now: Instant) {
        let entered = self.channel.runtime().ok();
        let _entered = entered.as_ref().map(Handle::enter);
        self.state = State::Dialing {
            // Outside any runtime nothing but the connection can end the wait.
            timer: prepared
                .deadline
                .filter(|_| entered.is_some())
                .map(|deadline| Box::pin(sleep_until(deadline.into()))),
            dial: Box::pin(async move {
                link.look(now).await;
                Ok(link)
            }),
            prepared,
        };
    }

    fn send(&mut self, link: Arc<Link>, prepared: Prepared, now: Instant, cx: &Context<'_>) -> Result<(), Error> {
        let Prepared {
            payload,
            metadata,
            deadline,
        } = prepared;
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(now));
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(too_late());
        }
        let target = &self.channel.inner().target;
        let (object, instance) = match target {
            Target::Remote(import) => (Some(import.object()), None),
            _ => (None, self.channel.named_instance().map(|instance| instance.id)),
        };
        let head = RequestHead {
            method: self.method.id,
            instance,
            timeout,
            metadata,
            object,
            ..RequestHead::default()
        };
        let timer = || {
            deadline
                .filter(|_| link.is_foreign() || blocks_its_driver(cx))
                .map(|deadline| Box::pin(sleep_until(deadline.into())))
        };
        match link.start(&head, payload, deadline, now, cx.waker(), is_in_handler) {
            Ok(Started::Sent(id)) => {
                let timer = timer();
                self.state = State::Waiting { link, id, timer };
                Ok(())
            }
            Ok(Started::Waits(ticket)) => {
                self.state = State::Queued(Box::new(Queued {
                    ticket,
                    timer: timer(),
                    link,
                    metadata: head.metadata,
                    deadline,
                }));
                Ok(())
            }
            Err(NotStarted::Unseen(payload)) => {
                let metadata = head.metadata;
                self.look(
                    link,
                    Prepared {
                        payload,
                        metadata,
                        deadline,
                    },
                    now,
                );
                Ok(())
            }
            Err(why) => self.not_sent(why, head.metadata, deadline),
        }
    }

    /// The call was refused, or its connection ended and nothing of the call left with it.
    fn not_sent(&mut self, why: NotStarted, metadata: Bytes, deadline: Option<Instant>) -> Result<(), Error> {
        let payload = match why {
            NotStarted::Refused(error) => return Err(error),
            NotStarted::Gone(payload) | NotStarted::Unseen(payload) => payload,
        };
        let Target::Dialled(dialled) = &self.channel.inner().target else {
            return Err(connection_gone());
        };
        let dialled = Arc::clone(dialled);
        self.missed += 1;
        if self.missed >= MISSED {
            let address = self.channel.address();
            let text = format!("{MISSED} connections to {address} ended before the call could be sent");
            return Err(Error::refused(Code::Unavailable, text));
        }
        self.dial(
            &dialled,
            Prepared {
                payload,
                metadata,
                deadline,
            },
        )
    }
}

impl Queued {
    /// Waits for its turn.
    ///
    /// # Errors
    /// The deadline came first, and whoever carries the connection did not say so.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Result<u32, NotStarted>, Error>> {
        if let Poll::Ready(turned) = self.link.poll_turn(self.ticket, cx) {
            return Poll::Ready(Ok(turned));
        }
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        ready!(timer.as_mut().poll(cx));
        let text = "no turn before the deadline; does the runtime of the connection still run?";
        let error = Error::deadline_exceeded(text).with_outcome(self.link.leave(self.ticket));
        Poll::Ready(Err(error))
    }
}

impl Drop for RawCall {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Whether the driver of a connection waits until this returns, since a handler blocks in it. A handler that does not
/// is polled by nobody's waker at first, and again in a task of its own.
fn blocks_its_driver(cx: &Context<'_>) -> bool {
    is_inside() && !cx.waker().will_wake(Waker::noop())
}

fn too_late() -> Error {
    Error::refused(
        Code::DeadlineExceeded,
        "the deadline had passed before the call was sent",
    )
}

/// Sends what comes out of the last layer.
pub(super) fn bottom(channel: Option<Channel>, request: Request) -> Answering {
    let Some(channel) = channel else {
        let error = Error::refused(Code::Unavailable, "the channel is gone");
        return Box::pin(std::future::ready(Err(error)));
    };
    let channel = channel.with_instance(request.instance.as_deref());
    // The streams among the arguments stay with the call above the layers.
    let call = Outgoing {
        payload: payload(request.body, &request.sent),
        timeout: Timeout::At(request.deadline),
        metadata: encode_metadata(&request.metadata),
        shown: None,
    };
    let attempts = request.attempts;
    let mut call = RawCall::new(channel, request.method, call);
    Box::pin(async move {
        let attempt = attempts.begin()?;
        let answer = std::future::poll_fn(|cx| call.poll_answered(cx))
            .await
            .and_then(|reply| {
                let upkeep = call.upkeep.take().unwrap_or_default();
                let came = Came {
                    carried: reply.carried,
                    deadline: upkeep.deadline,
                };
                Ok(Response::received(read_metadata(&reply.metadata)?, reply.body, came))
            });
        attempt.ended(&answer);
        answer
    })
}

/// What a layer has passed on, with what goes with the bytes.
fn payload(body: Bytes, sent: &Parcel<ThinVec<Offered>>) -> Result<Payload, Error> {
    if sent.is_taken() {
        let text =
            "streams, channels and clients among the arguments can be sent once, and a layer sent the call again";
        return Err(Error::failed_precondition(text).with_outcome(Outcome::NotExecuted));
    }
    Ok(Payload::from_parts(Vec::from(body), sent.take().unwrap_or_default()))
}
