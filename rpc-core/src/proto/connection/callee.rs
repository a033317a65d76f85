//! The calls that the peer makes: what it asks, and answering it.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{Connection, Event, stopped};
use crate::{
    Code, Error, Outcome,
    proto::{
        Body, Stop, Violation,
        assembly::{Extent, Piece},
        frame::{Kind, PIECE, put_header},
        head::{PeerHead, put_failure, put_reply_head, reply_head_len},
        incoming::IncomingCall,
        outbox::MessageKind,
    },
};

impl Connection {
    /// Answers a call of the peer.
    pub(crate) fn reply(&mut self, id: u32, metadata: &Bytes, answer: Result<Body<'_>, &Error>) {
        let Some(&mut IncomingCall::Active { stop, cost, .. }) = self.incoming.find(id) else {
            return;
        };
        match (stop, answer) {
            (Some(stop), answer) => {
                let outcome = answer.map_or_else(Error::outcome, |_| Outcome::Executed);
                self.fail(id, &stopped(stop).with_outcome(outcome));
            }
            (None, Err(error)) => self.fail(id, error),
            (None, Ok(body)) => match self.check_reply(metadata, body.len()) {
                Err(error) => self.fail(id, &error),
                Ok(()) => self.succeed(id, cost, metadata, body),
            },
        }
    }

    /// Whether a reply would be sent as it is.
    pub(crate) fn can_reply(&mut self, call: u32, metadata: &Bytes, length: usize) -> bool {
        matches!(self.incoming.find(call), Some(IncomingCall::Active { stop: None, .. }))
            && self.check_reply(metadata, length).is_ok()
    }

    pub(super) fn check_reply(&self, metadata: &Bytes, length: usize) -> Result<(), Error> {
        if let Some(why) = self.terms.too_large("the result takes", length) {
            return Err(Error::resource_exhausted(why));
        }
        let limit = self.terms.peer.max_metadata as usize;
        if metadata.len() > limit {
            return Err(Error::resource_exhausted(format!(
                "the reply's metadata takes {} bytes, the limit (`max_metadata`) is {limit}",
                metadata.len()
            )));
        }
        Ok(())
    }

    pub(super) fn succeed(&mut self, id: u32, cost: usize, metadata: &Bytes, body: Body<'_>) {
        let total = (body.len() > PIECE).then_some(body.len() as u32);
        let length = reply_head_len(metadata, total);
        match body {
            Body::Small(bytes) => {
                let small = self.outbox.small();
                put_header(small, Kind::Reply, false, id, length + bytes.len());
                put_reply_head(small, metadata, None);
                small.extend_from_slice(bytes);
                self.end_incoming(id, self.outbox.position());
            }
            Body::Large { before, bytes } => {
                if let Some(call) = self.incoming.find(id) {
                    *call = IncomingCall::Replying { cost };
                }
                let mut head = BytesMut::with_capacity(length + before.len());
                put_reply_head(&mut head, metadata, total);
                head.extend_from_slice(before);
                self.outbox
                    .push_large(MessageKind::Reply, id, head.freeze(), before.len(), bytes);
            }
        }
    }

    pub(super) fn fail(&mut self, id: u32, error: &Error) {
        let answered = self.put_failure(id, error);
        self.end_incoming(id, answered);
    }

    /// Queues a failure and gives the position behind it.
    pub(super) fn put_failure(&mut self, id: u32, error: &Error) -> u64 {
        put_failure(
            self.outbox.small(),
            Kind::Failure,
            id,
            error,
            self.terms.peer.max_metadata as usize,
        );
        self.outbox.position()
    }

    pub(super) fn handle_request(
        &mut self,
        id: u32,
        mut payload: Bytes,
        more: bool,
        now: Instant,
    ) -> Result<(), Violation> {
        self.check_idle(id)?;
        let (head, total) = PeerHead::take(&mut payload, more, self.terms.ours.max_metadata)?;
        let extent = total.map_or(Extent::Whole, |total| Extent::Pieces(total as usize));
        self.begin_request(id, head, payload, extent, now)
    }

    /// A request has come, or the first that comes of it, with an id [that may be used](Self::check_idle).
    pub(super) fn begin_request(
        &mut self,
        id: u32,
        mut head: PeerHead,
        body: Bytes,
        extent: Extent,
        now: Instant,
    ) -> Result<(), Violation> {
        self.terms.check_received("a request", extent.total(&body))?;
        head.attachments = self.incoming.take_list(id);
        let known = self.name_target(head.target.object());
        if self.incoming.going_away || !known {
            let error = if known {
                Error::refused(Code::Unavailable, "the server is shutting down and takes no new calls")
            } else {
                Error::refused(Code::NotFound, "the object does not exist any more")
            };
            self.refuse(id, extent != Extent::Whole, head, &error);
            return Ok(());
        }
        let deadline = head.timeout.and_then(|timeout| now.checked_add(timeout));
        if extent == Extent::Whole {
            self.incoming.begin(
                id,
                IncomingCall::Active {
                    deadline,
                    stop: None,
                    cost: 0,
                },
                deadline,
            );
            self.hand_out_request(id, head, body);
            return Ok(());
        }
        if self.incoming.cost() + extent.cost() > self.terms.ours.max_buffered {
            return Err(Violation::new("more unfinished requests than `max_buffered` allows"));
        }
        self.incoming.begin_partial(id, head, extent, &body, deadline)
    }

    /// Whether a request may come with this id.
    pub(super) fn check_idle(&mut self, id: u32) -> Result<(), Violation> {
        let taken = self.outbox.taken();
        match self.incoming.place(id)? {
            IncomingCall::Idle { answered } if *answered <= taken => Ok(()),
            _ => Err(Violation::new(format!(
                "a request with the id of call {id}, which is in flight"
            ))),
        }
    }

    /// Answers a request that is not looked at.
    fn refuse(&mut self, id: u32, more: bool, head: PeerHead, error: &Error) {
        let answered = self.put_failure(id, error);
        self.incoming.begin(id, IncomingCall::Discarding { answered }, None);
        if !more {
            self.incoming.end(id, answered);
        }
        self.drop_request(head);
    }

    fn hand_out_request(&mut self, call: u32, head: PeerHead, body: Bytes) {
        let mut released = self.hand_out(&head.attachments);
        let target = head.target.object().filter(|&object| self.references.hand_out(object));
        if let Some(object) = target {
            released.push(Event::Released { object });
        }
        self.tell(Event::Request { call, head, body }, released);
    }

    pub(super) fn handle_request_data(&mut self, id: u32, piece: Piece<'_>, more: bool) -> Result<(), Violation> {
        if let Some((head, body)) = self.incoming.push(id, piece, more)? {
            self.hand_out_request(id, head, body);
        }
        Ok(())
    }

    pub(super) fn handle_cancel(&mut self, id: u32) -> Result<(), Violation> {
        match self.incoming.place(id)? {
            // The answer and the cancellation crossed, or the handler is being stopped already.
            IncomingCall::Idle { .. } | IncomingCall::Active { stop: Some(_), .. } => {}
            &mut IncomingCall::Discarding { answered } => {
                self.incoming.end(id, answered);
            }
            IncomingCall::Receiving { .. } => {
                self.fail(id, &stopped(Stop::Cancelled).with_outcome(Outcome::NotExecuted));
            }
            IncomingCall::Active { stop, .. } => {
                *stop = Some(Stop::Cancelled);
                self.events.push_back(Event::Stop {
                    call: id,
                    why: Stop::Cancelled,
                });
            }
            IncomingCall::Replying { .. } => {
                self.outbox.withdraw(MessageKind::Reply, id);
                self.fail(id, &stopped(Stop::Cancelled));
            }
        }
        Ok(())
    }

    /// Ends a call of the peer; its answer ends at the position `answered`.
    pub(super) fn end_incoming(&mut self, id: u32, answered: u64) {
        self.idleness.touch_later();
        if let Some(head) = self.incoming.end(id, answered) {
            self.drop_request(head);
        }
    }
}
