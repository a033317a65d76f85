//! The calls that this side makes: starting them, giving them up, and what the peer answers.

use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use thin_vec::ThinVec;

use super::{Connection, Event};
use crate::{
    Code, Error, Outcome,
    proto::{
        Attachment, Body, RequestHead, Violation,
        assembly::{Extent, Piece},
        frame::{Kind, PIECE, put_empty, put_header},
        head::{decode_failure, take_reply_head},
        outbox::{MessageKind, Withdrawn},
        outgoing::{OutgoingCall, Progress},
    },
};

impl Connection {
    /// Makes a call and gives its id.
    ///
    /// # Errors
    /// A refusal, when the peer would refuse it: nothing was queued.
    pub(crate) fn start(
        &mut self,
        head: &RequestHead,
        body: Body<'_>,
        deadline: Option<Instant>,
    ) -> Result<u32, Error> {
        self.check_start(head, body.len())?;
        let unchecked = self.agreements.unchecked(head);
        if let Some(refused) = unchecked.and_then(|unchecked| self.agreements.refusal(unchecked)) {
            return Err(refused.clone());
        }
        let known = unchecked.is_none();
        self.idleness.touch_later();
        let total = (body.len() > PIECE).then_some(body.len() as u32);
        let mut call = OutgoingCall::new(head, unchecked, deadline);
        match body {
            Body::Small(bytes) => {
                let id = self.outgoing.insert(call);
                self.attach_request(id, &head.attachments);
                let small = self.outbox.small();
                put_header(small, Kind::Request, false, id, head.len(None, known) + bytes.len());
                head.put(small, None, known);
                small.extend_from_slice(bytes);
                let end = self.outbox.position();
                if let Some(call) = self.outgoing.find(id) {
                    call.end = Some(end);
                }
                Ok(id)
            }
            Body::Large { before, bytes } => {
                call.cost = total.map_or(0, |total| total as usize);
                let id = self.outgoing.insert(call);
                self.attach_request(id, &head.attachments);
                let mut encoded = BytesMut::with_capacity(head.len(total, known) + before.len());
                head.put(&mut encoded, total, known);
                encoded.extend_from_slice(before);
                self.outbox
                    .push_large(MessageKind::Request, id, encoded.freeze(), before.len(), bytes);
                Ok(id)
            }
        }
    }

    pub(super) fn check_start(&self, head: &RequestHead, length: usize) -> Result<(), Error> {
        if self.outgoing.refused {
            return Err(Error::refused(
                Code::Unavailable,
                "the server is shutting down and takes no new calls",
            ));
        }
        if self.is_full() {
            return Err(Error::refused(Code::ResourceExhausted, self.why_full()));
        }
        self.check_request(head, length)
    }

    /// Whether no call can be made before another has ended.
    pub(crate) fn is_full(&self) -> bool {
        self.outgoing.len() >= self.outgoing.limit()
    }

    /// Whether the peer refuses every call.
    pub(crate) fn is_peer_going_away(&self) -> bool {
        self.outgoing.refused
    }

    /// Whose limit it is that a [full](Self::is_full) connection has reached.
    pub(crate) fn why_full(&self) -> String {
        let whose = match (self.terms.peer.max_calls as usize).cmp(&self.terms.ours.max_calls) {
            Ordering::Less => "the other side",
            Ordering::Greater => "this side",
            Ordering::Equal => "both sides",
        };
        format!(
            "{} calls are in flight on this connection already, the limit (`max_calls`) of {whose}, set with \
             `Limits::max_calls`",
            self.outgoing.limit()
        )
    }

    /// Refuses a request that would be refused even if there were no other calls.
    pub(crate) fn check_request(&self, head: &RequestHead, length: usize) -> Result<(), Error> {
        if let Some(why) = self.terms.too_large("the arguments take", length) {
            return Err(Error::refused_for_good(Code::ResourceExhausted, why));
        }
        let limit = (self.terms.peer.max_metadata as usize).min(self.terms.ours.max_metadata);
        if head.metadata.len() > limit {
            return Err(Error::refused_for_good(
                Code::ResourceExhausted,
                format!(
                    "the metadata takes {} bytes, the limit (`max_metadata`) is {limit}",
                    head.metadata.len()
                ),
            ));
        }
        Ok(())
    }

    /// The caller allowed that much before the call had waited for its turn.
    pub(crate) fn set_allowed(&mut self, id: u32, timeout: Option<Duration>) {
        if let Some(call) = self.outgoing.find(id) {
            call.timeout = timeout;
        }
    }

    /// How many calls may wait for a place.
    pub(crate) fn max_waiting(&self) -> usize {
        self.terms.ours.max_waiting_calls
    }

    /// The caller is gone: the handler must stop, and the answer is dropped. Returns what became of the call.
    pub(crate) fn abandon(&mut self, id: u32) -> Outcome {
        let open = |call: &mut OutgoingCall| call.progress == Progress::Open;
        let never_runs = self.outgoing.find(id).is_some_and(open) && self.cancel(id);
        self.release(id);
        if never_runs {
            Outcome::NotExecuted
        } else {
            Outcome::Unknown
        }
    }

    /// The caller has the answer or does not want it: the id is free when the call has ended.
    pub(crate) fn release(&mut self, id: u32) {
        self.outgoing.release(id);
    }

    /// Asks the peer to stop a call, and says whether it certainly never runs: some of it has not left and never will.
    pub(super) fn cancel(&mut self, id: u32) -> bool {
        let Some(call) = self.outgoing.find(id) else {
            return false;
        };
        call.progress = Progress::Cancelled;
        let list = call.take_list();
        let (end, attached, object) = (call.end, call.attached, call.object);
        self.outgoing.drop_reply(id);
        let withdrawn = match end {
            Some(_) => Withdrawn::Gone,
            None => self.outbox.withdraw(MessageKind::Request, id),
        };
        match withdrawn {
            Withdrawn::Unbegun => {
                self.outgoing.end(id);
                self.detach_request(id, attached, object);
            }
            Withdrawn::Begun | Withdrawn::Gone => put_empty(self.outbox.small(), Kind::Cancel, id),
        }
        self.dispose(list);
        withdrawn != Withdrawn::Gone
    }

    pub(super) fn handle_reply(&mut self, id: u32, mut payload: Bytes, more: bool) -> Result<(), Violation> {
        self.check_unanswered(id)?;
        let (metadata, total) = take_reply_head(&mut payload, more, self.terms.ours.max_metadata)?;
        let extent = total.map_or(Extent::Whole, |total| Extent::Pieces(total as usize));
        self.begin_reply(id, metadata, payload, extent)
    }

    /// Whether a reply to the call may come.
    pub(super) fn check_unanswered(&mut self, id: u32) -> Result<(), Violation> {
        if self.outgoing.in_flight(id)?.has_reply() {
            return Err(Violation::new(format!("two replies to call {id}")));
        }
        Ok(())
    }

    /// A reply has come, or the first that comes of it, to a call [that has none](Self::check_unanswered).
    pub(super) fn begin_reply(
        &mut self,
        id: u32,
        metadata: Bytes,
        body: Bytes,
        extent: Extent,
    ) -> Result<(), Violation> {
        self.terms.check_received("a reply", extent.total(&body))?;
        self.agree(id, None)?;
        if extent == Extent::Whole {
            return self.end_outgoing(id, |call, attachments| Event::Reply {
                call,
                metadata,
                body,
                attachments,
            });
        }
        self.outgoing.begin_reply(id, metadata, extent, &body)?;
        self.outgoing.check_replies(self.terms.ours.max_buffered)
    }

    pub(super) fn handle_reply_data(&mut self, id: u32, piece: Piece<'_>, more: bool) -> Result<(), Violation> {
        match self.outgoing.push_reply(id, piece, more)? {
            Some((metadata, body)) => self.end_outgoing(id, |call, attachments| Event::Reply {
                call,
                metadata,
                body,
                attachments,
            }),
            None => self.outgoing.check_replies(self.terms.ours.max_buffered),
        }
    }

    pub(super) fn handle_failure(&mut self, id: u32, payload: Bytes) -> Result<(), Violation> {
        let error = decode_failure(payload, self.terms.ours.max_metadata)?;
        self.agree(id, Some(&error))?;
        let list = self.outgoing.in_flight(id)?.take_list();
        self.dispose(list);
        self.end_outgoing(id, |call, _| Event::Failed { call, error })
    }

    /// An answer has come: the peer has looked at what the call had to check, if there was anything.
    fn agree(&mut self, id: u32, failure: Option<&Error>) -> Result<(), Violation> {
        if let Some(unchecked) = self.outgoing.in_flight(id)?.unchecked.take() {
            self.agreements.answered(*unchecked, failure);
        }
        Ok(())
    }

    /// Ends a call that this side made. The event is only for a caller who still waits.
    pub(super) fn end_outgoing(
        &mut self,
        id: u32,
        event: impl FnOnce(u32, ThinVec<Attachment>) -> Event,
    ) -> Result<(), Violation> {
        let call = self.outgoing.in_flight(id)?;
        let withdrawn = match call.end {
            Some(end) if end > self.outbox.taken() => Withdrawn::Unbegun,
            None if call.progress == Progress::Open => self.outbox.withdraw(MessageKind::Request, id),
            _ => Withdrawn::Gone,
        };
        match withdrawn {
            // The call has not ended: its caller is told when the connection is drained.
            Withdrawn::Unbegun => {
                return Err(Violation::new(format!(
                    "an answer to call {id} before any of its request was sent"
                )));
            }
            // The peer answered early and lets the rest of the request go by; this ends it.
            Withdrawn::Begun => put_empty(self.outbox.small(), Kind::Cancel, id),
            Withdrawn::Gone => {}
        }
        let (cost, list) = (call.cost, call.take_list());
        let waits = self.outgoing.end(id);
        self.outbox.release(MessageKind::Request, cost);
        if waits {
            let released = self.hand_out(&list);
            self.tell(event(id, list), released);
        } else {
            self.dispose(list);
        }
        self.outgoing.settle(id);
        Ok(())
    }
}
