//! The calls that this side made.
//!
//! Three things happen to a call, in any order: it is *cancelled* (given up, or past its deadline), it has *ended* (the
//! peer's last word came, or nothing of it ever left), and it is *released* (its caller took the answer, or is gone).
//! Its id is free again when it has ended and is released.
//!
//! So a cancelled call keeps its place among the calls in flight until the peer says that its handler has stopped:
//! whoever makes and drops calls in a loop runs no more handlers than anyone else. And an answer that waits for its
//! caller keeps its place, too, so answers cannot pile up.

use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;
use thin_vec::ThinVec;

use super::{Attachment, Violation, assembly::Assembly, deadlines::Deadlines};

/// One call that this side made.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they change in any order, as the module says"
)]
pub(crate) struct OutgoingCall {
    pub(crate) deadline: Option<Instant>,
    /// What the caller allowed, for the error that says so.
    pub(crate) timeout: Option<Duration>,
    /// The position in the stream behind the request's last byte; `None` while some of it waits.
    pub(crate) end: Option<u64>,
    /// The peer was told to stop, or will see nothing of the call.
    pub(crate) cancelled: bool,
    /// The peer has said its last word, or never heard of the call.
    pub(crate) ended: bool,
    /// Nobody waits for the answer.
    pub(crate) released: bool,
    /// How it ended waits to be handed out. Until then the id is not used again, else another call would get the
    /// answer.
    pub(crate) queued: bool,
    /// What the request costs of the peer's budget.
    pub(crate) cost: usize,
    /// A long reply, as far as it has come: its metadata and its body.
    pub(crate) reply: Option<Box<(Bytes, Assembly)>>,
    /// What the reply that is to come carries.
    pub(crate) attachments: ThinVec<Attachment>,
    /// That list came, whatever was in it.
    pub(crate) listed: bool,
    /// A list went before the request.
    pub(crate) attached: bool,
    /// The object that is called.
    pub(crate) object: Option<u32>,
    /// Somebody waits for the request to leave.
    pub(crate) watched: bool,
}

impl OutgoingCall {
    /// The deadline of a call that may still miss it.
    fn open_until(&self) -> Option<Instant> {
        self.deadline
            .filter(|_| !self.ended && !self.cancelled && !self.released)
    }
}

/// The calls that this side made, by id. An id is a place in a table, used again once its call has ended on both sides.
#[derive(Debug)]
pub(crate) struct Outgoing {
    calls: Slab<OutgoingCall>,
    limit: usize,
    deadlines: Deadlines,
    /// The calls that are not released.
    awaited: usize,
}

impl Outgoing {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            calls: Slab::new(),
            limit,
            deadlines: Deadlines::default(),
            awaited: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether a caller waits for an answer or has not taken one.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    /// Whether the peer has not said its last word on some call.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.calls.iter().any(|(_, call)| !call.ended)
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn insert(&mut self, call: OutgoingCall) -> u32 {
        let (deadline, open) = (call.deadline, self.calls.len());
        // The limit on calls keeps every key far below 2^32.
        let id = self.calls.insert(call) as u32;
        self.deadlines.add(id, deadline, open);
        self.awaited += 1;
        id
    }

    /// Nobody waits for the answer any more: the id is free when the call has ended.
    pub(crate) fn release(&mut self, id: u32) {
        if let Some(call) = self.calls.get_mut(id as usize) {
            self.awaited -= usize::from(!call.released);
            call.released = true;
            self.settle(id);
        }
    }

    pub(crate) fn find(&mut self, id: u32) -> Option<&mut OutgoingCall> {
        self.calls.get_mut(id as usize)
    }

    /// The call that the peer speaks of.
    pub(crate) fn in_flight(&mut self, id: u32) -> Result<&mut OutgoingCall, Violation> {
        match self.calls.get_mut(id as usize) {
            Some(call) if !call.ended => Ok(call),
            _ => Err(Violation::new(format!(
                "an answer to call {id}, which is not in flight"
            ))),
        }
    }

    /// How a call ended is handed out; says whether anyone still waits for it.
    pub(crate) fn hand_out(&mut self, id: u32) -> bool {
        let Some(call) = self.find(id) else { return false };
        call.queued = false;
        let waits = !call.released;
        self.settle(id);
        waits
    }

    /// Frees the id if the call has ended and is released.
    pub(crate) fn settle(&mut self, id: u32) {
        if self
            .calls
            .get(id as usize)
            .is_some_and(|call| call.ended && call.released && !call.queued)
        {
            self.calls.remove(id as usize);
        }
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn assembled(&self) -> usize {
        let replies = self.calls.iter().filter_map(|(_, call)| call.reply.as_deref());
        replies.map(|(_, body)| body.capacity()).sum()
    }

    pub(crate) fn earliest_deadline(&self) -> Option<Instant> {
        self.deadlines.earliest()
    }

    /// The open calls whose deadline has come.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<u32> {
        let calls = &self.calls;
        let open = |id: u32| calls.get(id as usize).and_then(OutgoingCall::open_until);
        let all = || {
            calls
                .iter()
                .filter_map(|(id, call)| Some((id as u32, call.open_until()?)))
        };
        self.deadlines.expired(now, open, all)
    }

    /// Every call whose caller still waits for an answer to come, with the position behind its request; leaves nothing.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u32, Option<u64>)> {
        self.awaited = 0;
        std::mem::take(&mut self.calls)
            .into_iter()
            .filter(|(_, call)| !call.ended && !call.cancelled && !call.released)
            .map(|(id, call)| (id as u32, call.end))
    }
}

/// The earlier of two instants, where `None` is never.
pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
