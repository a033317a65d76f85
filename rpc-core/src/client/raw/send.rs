//! The way out of a call: through the layers, onto a connection, or to an object of this process.

use std::{
    sync::Arc,
    task::{Context, Waker},
    time::Instant,
};

use bytes::Bytes;
use thin_vec::ThinVec;
use tokio::{runtime::Handle, time::sleep_until};

use super::{CallStage, DialingCall, EncodedCall, Prepared, QueuedCall, RawCall, SentCall, Timeout};
use crate::{
    Code, Error, Outcome,
    client::{
        channel::{CallTarget, Channel, connection_gone},
        layered::Layered,
    },
    clock::now,
    contract::{Claim, FormatKind},
    dispatch::{LocalCall, LocalRequest},
    driver::attachments::OutgoingAttachment,
    driver::{Link, NotStarted, Started, is_inside, read_metadata},
    layer::{Answering, Parcel, ReceivedParts, Request, Response},
    proto::{RequestHead, Target, encode_metadata},
    reconnect::Reconnect,
    service::{Payload, Scope, is_in_handler, with_current},
};

/// How many connections may end before a call could be sent, until the call is given up. There may be three in an
/// ordinary shutdown: one that ended earlier, one that drains, and one that the server still opens.
const MISSED: u32 = 4;

impl RawCall {
    /// The first poll: the deadline is set, and the call is sent if there is a connection.
    pub(super) fn begin(&mut self, call: EncodedCall, cx: &mut Context<'_>) -> Result<(), Error> {
        let payload = call.payload?;
        // The clock is read only once: that costs as much as all the rest of sending a small call.
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
                types: self.types,
                attempts: Arc::default(),
            };
            self.stage = CallStage::Layered(Box::new(Layered::new(layers, request)));
            return Ok(());
        }
        let prepared = Prepared {
            payload,
            metadata: call.metadata,
            deadline,
        };
        let inner = self.channel.inner();
        match &inner.target {
            CallTarget::Server(server) => match server.current_link() {
                Some(link) => self.send(link, prepared, now, cx),
                None => self.dial(Arc::clone(server), prepared),
            },
            CallTarget::Remote(import) => self.send(Arc::clone(import.link()), prepared, now, cx),
            CallTarget::Local(_) if deadline.is_some_and(|deadline| deadline <= now) => Err(too_late()),
            CallTarget::Local(object) => {
                let request = LocalRequest {
                    method: self.method.id,
                    types: self.types,
                    payload: prepared.payload,
                    metadata: prepared.metadata,
                    deadline,
                    level: self.level,
                };
                self.stage = CallStage::Local(LocalCall::new(object, inner.wire, request)?);
                Ok(())
            }
        }
    }

    fn deadline(&self, timeout: Timeout, now: Instant) -> Result<Option<Instant>, Error> {
        let own = match timeout {
            Timeout::At(deadline) => return Ok(deadline),
            Timeout::After(timeout) => timeout
                .or(self.method.timeout)
                // Streams have no default deadline.
                .or(self.channel.inner().timeout.filter(|_| !self.method.streaming))
                .and_then(|timeout| now.checked_add(timeout)),
        };
        let Some(inherited) = with_current(Scope::deadline).flatten() else {
            return Ok(own);
        };
        if inherited <= now {
            return Err(Error::refused(
                Code::DeadlineExceeded,
                "the deadline of the handler that makes this call has passed",
            ));
        }
        Ok(Some(own.map_or(inherited, |own| own.min(inherited))))
    }

    fn dial(&mut self, server: Arc<Reconnect>, prepared: Prepared) -> Result<(), Error> {
        // The timer needs a runtime. The caller's own certainly runs; without one, the call is refused, unless the
        // channel was given a runtime.
        let outside = Handle::try_current().is_err();
        let runtime = outside.then(|| server.runtime()).transpose()?;
        let _entered = runtime.as_ref().map(Handle::enter);
        self.stage = CallStage::Dialing(DialingCall {
            dial: Box::pin(async move { server.link().await }),
            timer: prepared.deadline.map(|deadline| Box::pin(sleep_until(deadline.into()))),
            connected: false,
            prepared,
        });
        Ok(())
    }

    /// Waits until the connection's driver has seen what came before `now`.
    fn look(&mut self, link: Arc<Link>, prepared: Prepared, now: Instant) {
        let entered = self.channel.runtime().ok();
        let _entered = entered.as_ref().map(Handle::enter);
        self.stage = CallStage::Dialing(DialingCall {
            // Outside any runtime only the connection can end the wait.
            timer: prepared
                .deadline
                .filter(|_| entered.is_some())
                .map(|deadline| Box::pin(sleep_until(deadline.into()))),
            dial: Box::pin(async move {
                link.look(now).await;
                Ok(link)
            }),
            connected: true,
            prepared,
        });
    }

    pub(super) fn send(
        &mut self,
        link: Arc<Link>,
        prepared: Prepared,
        now: Instant,
        cx: &Context<'_>,
    ) -> Result<(), Error> {
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
        let target = match (target, self.channel.named_instance()) {
            (CallTarget::Remote(import), _) => Target::Object(import.object()),
            (_, Some(instance)) => Target::Instance(instance.id),
            (_, None) => Target::Service,
        };
        let head = RequestHead {
            method: self.method.id,
            target,
            timeout,
            metadata,
            claim: self.claim(&link),
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
                self.stage = CallStage::Sent(SentCall { link, id, timer });
                Ok(())
            }
            Ok(Started::Waits(ticket)) => {
                self.stage = CallStage::Queued(Box::new(QueuedCall {
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

    /// What the other side is told of the method, if both sides check it.
    fn claim(&self, link: &Link) -> Option<&'static Claim> {
        let wire = link.wire();
        let types = self.types.filter(|_| wire.checks)?;
        Some(types.claim(FormatKind::of(wire.format)))
    }

    /// The call was refused, or its connection ended before anything of the call was sent.
    pub(super) fn not_sent(
        &mut self,
        why: NotStarted,
        metadata: Bytes,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let payload = match why {
            NotStarted::Refused(error) => return Err(error),
            NotStarted::Gone(payload) | NotStarted::Unseen(payload) => payload,
        };
        let CallTarget::Server(server) = &self.channel.inner().target else {
            return Err(connection_gone());
        };
        let server = Arc::clone(server);
        self.missed += 1;
        if self.missed >= MISSED {
            let address = self.channel.address();
            let text = format!("{MISSED} connections to {address} ended before the call could be sent");
            return Err(Error::refused(Code::Unavailable, text));
        }
        self.dial(
            server,
            Prepared {
                payload,
                metadata,
                deadline,
            },
        )
    }
}

/// Whether the driver of a connection waits until this returns, since a handler blocks in it. A handler that does not
/// block is first polled with a waker that does nothing, and then again in a task of its own.
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
pub(in crate::client) fn bottom(channel: Option<Channel>, request: Request) -> Answering {
    let Some(channel) = channel else {
        let error = Error::refused(Code::Unavailable, "the channel is gone");
        return Box::pin(std::future::ready(Err(error)));
    };
    let channel = channel.with_instance(request.instance.as_deref());
    // The streams among the arguments stay with the call above the layers.
    let call = EncodedCall {
        payload: payload(request.body, &request.sent),
        types: request.types,
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
                let upkeep = call.take_upkeep();
                let came = ReceivedParts {
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
fn payload(body: Bytes, sent: &Parcel<ThinVec<OutgoingAttachment>>) -> Result<Payload, Error> {
    if sent.is_taken() {
        let text =
            "a layer sent the call again, but streams, channels and clients among the arguments can be sent only once";
        return Err(Error::failed_precondition(text).with_outcome(Outcome::NotExecuted));
    }
    Ok(Payload::from_parts(Vec::from(body), sent.take().unwrap_or_default()))
}
