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
        Attachment, Body, Carrier, RequestHead, Violation,
        assembly::Assembly,
        frame::{Kind, PIECE, put_empty, put_header},
        head::{decode_failure, take_reply_head},
        outbox::{Direction, Withdrawn},
        outgoing::OutgoingCall,
    },
};

/// What an honest peer may send of a reply before the end of an earlier one has come, where calls overtake each other:
/// more than the largest window.
const OVERTAKING: usize = 4 << 20;

/// What an unfinished reply counts. In a stream it is all that was announced, which nobody can take back; where calls
/// overtake each other, an honest peer begins the next reply before the last piece of the one before has come, so what
/// came is counted.
fn reply_cost(carrier: Carrier, reply: &Assembly) -> usize {
    match carrier {
        Carrier::Stream => reply.total(),
        Carrier::Datagrams => reply.arrived(),
    }
}

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
        self.called = true;
        let total = (body.len() > PIECE).then_some(body.len() as u32);
        let mut call = OutgoingCall {
            deadline,
            timeout: head.timeout,
            attached: !head.attachments.is_empty(),
            object: head.object,
            ..OutgoingCall::default()
        };
        match body {
            Body::Small(bytes) => {
                let id = self.outgoing.insert(call);
                self.attach_request(id, &head.attachments);
                let small = self.outbox.small();
                put_header(small, Kind::Request, false, id, head.len(None) + bytes.len());
                head.put(small, None);
                small.extend_from_slice(bytes);
                let end = self.outbox.position();
                if let Some(call) = self.outgoing.find(id) {
                    call.end = Some(end);
                }
                Ok(id)
            }
            Body::Large(bytes) => {
                call.cost = total.map_or(0, |total| total as usize);
                let id = self.outgoing.insert(call);
                self.attach_request(id, &head.attachments);
                let mut encoded = BytesMut::with_capacity(head.len(total));
                head.put(&mut encoded, total);
                self.outbox.push_large(Direction::Request, id, encoded.freeze(), bytes);
                Ok(id)
            }
        }
    }

    pub(super) fn check_start(&self, head: &RequestHead, length: usize) -> Result<(), Error> {
        if self.peer_going_away {
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
        self.peer_going_away
    }

    /// Whose limit it is that a [full](Self::is_full) connection has reached.
    pub(crate) fn why_full(&self) -> String {
        let whose = match (self.peer.max_calls as usize).cmp(&self.ours.max_calls) {
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

    /// Refuses what would be refused however few calls there are.
    pub(crate) fn check_request(&self, head: &RequestHead, length: usize) -> Result<(), Error> {
        if let Some(why) = self.too_large("the arguments take", length) {
            return Err(Error::refused_for_good(Code::ResourceExhausted, why));
        }
        let limit = (self.peer.max_metadata as usize).min(self.ours.max_metadata);
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
        self.ours.max_waiting_calls
    }

    /// The caller is gone: the handler is to stop, and the answer goes nowhere. Says what became of the call.
    pub(crate) fn abandon(&mut self, id: u32) -> Outcome {
        let open = |call: &mut OutgoingCall| !call.ended && !call.cancelled;
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
        call.cancelled = true;
        let list = std::mem::take(&mut call.attachments);
        let (attached, object) = (call.attached, call.object);
        if let Some(reply) = call.reply.take() {
            self.reply_cost -= reply_cost(self.carrier, &reply.1);
        }
        let withdrawn = match call.end {
            Some(_) => Withdrawn::Gone,
            None => self.outbox.withdraw(Direction::Request, id),
        };
        match withdrawn {
            Withdrawn::Unbegun => {
                call.ended = true;
                self.detach_request(id, attached, object);
            }
            Withdrawn::Begun | Withdrawn::Gone => put_empty(self.outbox.small(), Kind::Cancel, id),
        }
        self.dispose(list);
        withdrawn != Withdrawn::Gone
    }

    pub(super) fn handle_reply(&mut self, id: u32, mut payload: Bytes, more: bool) -> Result<(), Violation> {
        let call = self.outgoing.in_flight(id)?;
        if call.reply.is_some() {
            return Err(Violation::new(format!("two replies to call {id}")));
        }
        let (metadata, total) = take_reply_head(&mut payload, more, self.ours.max_metadata)?;
        let total = total.map(|total| total as usize);
        let length = total.unwrap_or(payload.len());
        self.carrier.check_received(&self.ours, "a reply", length)?;
        let Some(total) = total else {
            return self.end_outgoing(id, |call, attachments| Event::Reply {
                call,
                metadata,
                body: payload,
                attachments,
            });
        };
        if call.cancelled {
            return Ok(());
        }
        let mut assembly = Assembly::new(total);
        assembly.push(&payload, true)?;
        self.reply_cost += reply_cost(self.carrier, &assembly);
        call.reply = Some(Box::new((metadata, assembly)));
        self.check_replies()
    }

    pub(super) fn handle_reply_data(&mut self, id: u32, piece: &[u8], more: bool) -> Result<(), Violation> {
        let call = self.outgoing.in_flight(id)?;
        let (metadata, body) = match call.reply.as_deref_mut() {
            // What comes for a caller who is gone is not kept.
            _ if call.cancelled => (Bytes::new(), (!more).then(Bytes::new)),
            Some((metadata, assembly)) => {
                self.reply_cost -= reply_cost(self.carrier, assembly);
                let body = assembly.push(piece, more)?;
                self.reply_cost += reply_cost(self.carrier, assembly);
                (metadata.clone(), body)
            }
            None => {
                return Err(Violation::new(format!(
                    "a piece of a reply to call {id} that never began"
                )));
            }
        };
        match body {
            Some(body) => self.end_outgoing(id, |call, attachments| Event::Reply {
                call,
                metadata,
                body,
                attachments,
            }),
            None => self.check_replies(),
        }
    }

    fn check_replies(&self) -> Result<(), Violation> {
        let most = match self.carrier {
            Carrier::Stream => self.ours.max_buffered,
            Carrier::Datagrams => self.ours.max_buffered + OVERTAKING,
        };
        if self.reply_cost > most {
            return Err(Violation::new("more unfinished replies than `max_buffered` allows"));
        }
        Ok(())
    }

    pub(super) fn handle_failure(&mut self, id: u32, payload: Bytes) -> Result<(), Violation> {
        let error = decode_failure(payload, self.ours.max_metadata)?;
        let list = std::mem::take(&mut self.outgoing.in_flight(id)?.attachments);
        self.dispose(list);
        self.end_outgoing(id, |call, _| Event::Failed { call, error })
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
            None if !call.cancelled => self.outbox.withdraw(Direction::Request, id),
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
        call.ended = true;
        let (cost, waits) = (call.cost, !call.cancelled && !call.released);
        call.queued |= waits;
        if let Some(reply) = call.reply.take() {
            self.reply_cost -= reply_cost(self.carrier, &reply.1);
        }
        let list = std::mem::take(&mut call.attachments);
        self.outbox.release(Direction::Request, cost);
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
