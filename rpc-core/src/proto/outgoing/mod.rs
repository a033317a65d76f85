//! The calls that this side made.
//!
//! Two things happen to a call, in any order. It *ends* ([`Progress`]): the peer's last frame for it came, or nothing
//! of it ever left. And it is *released* ([`Caller`]): its caller took the answer, or is gone. Its id is free again
//! when it has ended and is released.
//!
//! So a cancelled call keeps its place among the calls in flight until the peer says that its handler has stopped: a
//! program that makes and drops calls in a loop runs no more handlers than any other. And an answer that waits for its
//! caller keeps its place, too, so answers cannot pile up.

mod call;
mod replies;

use std::{cmp::Reverse, collections::BinaryHeap, time::Instant};

use slab::Slab;

pub(super) use call::{Caller, OutgoingCall, Progress};

use super::{Carrier, Violation, deadlines::Deadlines};

/// The calls that this side made, by id. An id is a place in a table, used again once its call has ended on both sides.
#[derive(Debug)]
pub(crate) struct OutgoingCalls {
    calls: Slab<OutgoingCall>,
    limit: usize,
    deadlines: Deadlines,
    /// The calls that are not released.
    awaited: usize,
    carrier: Carrier,
    /// What large replies that are still coming count.
    reply_cost: usize,
    /// The requests whose callers wait for them to leave, by the positions behind them.
    leaving: BinaryHeap<Reverse<(u64, u32)>>,
    /// The peer takes no new calls.
    pub(super) refused: bool,
    /// The peer closed after it had answered all that it looked at.
    pub(super) finished: bool,
}

impl OutgoingCalls {
    pub(crate) fn new(limit: usize, carrier: Carrier) -> Self {
        Self {
            calls: Slab::new(),
            limit,
            deadlines: Deadlines::default(),
            awaited: 0,
            carrier,
            reply_cost: 0,
            leaving: BinaryHeap::new(),
            refused: false,
            finished: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a caller waits for an answer or has not taken one.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    /// Whether the peer has not said its last word on some call.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.calls.iter().any(|(_, call)| call.progress != Progress::Ended)
    }

    /// Gives back unused memory.
    pub(crate) fn shrink(&mut self) {
        self.calls.shrink_to_fit();
        self.leaving.shrink_to_fit();
    }

    pub(crate) fn insert(&mut self, call: OutgoingCall) -> u32 {
        let (deadline, open) = (call.deadline, self.calls.len());
        // The limit on calls keeps every key far below 2^32.
        let id = self.calls.insert(call) as u32;
        self.deadlines.add(id, deadline, open);
        self.awaited += 1;
        id
    }

    pub(crate) fn find(&mut self, id: u32) -> Option<&mut OutgoingCall> {
        self.calls.get_mut(id as usize)
    }

    /// The call that the peer speaks of.
    pub(crate) fn in_flight(&mut self, id: u32) -> Result<&mut OutgoingCall, Violation> {
        match self.calls.get_mut(id as usize) {
            Some(call) if call.progress != Progress::Ended => Ok(call),
            _ => Err(Violation::new(format!(
                "an answer to call {id}, which is not in flight"
            ))),
        }
    }

    // ---- the caller ----------------------------------------------------------------------------------------------

    /// The caller does not wait for the answer any more: the id is free when the call has ended.
    pub(crate) fn release(&mut self, id: u32) {
        if let Some(call) = self.calls.get_mut(id as usize) {
            let was_there = !matches!(call.caller, Caller::Released | Caller::Queued { released: true });
            self.awaited -= usize::from(was_there);
            call.release();
            self.settle(id);
        }
    }

    /// How a call ended is to be handed out.
    pub(crate) fn queue(&mut self, id: u32) {
        if let Some(call) = self.find(id)
            && call.caller == Caller::There
        {
            call.caller = Caller::Queued { released: false };
        }
    }

    /// How a call ended is handed out; says whether anyone still waits for it.
    pub(crate) fn hand_out(&mut self, id: u32) -> bool {
        let Some(call) = self.find(id) else { return false };
        call.caller = match call.caller {
            Caller::There | Caller::Queued { released: false } => Caller::There,
            Caller::Released | Caller::Queued { released: true } => Caller::Released,
        };
        let waits = call.caller == Caller::There;
        self.settle(id);
        waits
    }

    /// Ends a call; says whether its caller is to be told, which is then [queued](Self::queue).
    pub(crate) fn end(&mut self, id: u32) -> bool {
        self.drop_reply(id);
        let Some(call) = self.find(id) else { return false };
        let told = call.is_awaited();
        call.progress = Progress::Ended;
        if told {
            self.queue(id);
        }
        told
    }

    /// Frees the id if the call has ended and is released.
    pub(crate) fn settle(&mut self, id: u32) {
        if self
            .calls
            .get(id as usize)
            .is_some_and(|call| call.progress == Progress::Ended && call.caller == Caller::Released)
        {
            self.calls.remove(id as usize);
        }
    }

    // ---- the request ---------------------------------------------------------------------------------------------

    /// The position behind a request is known.
    pub(crate) fn departed(&mut self, id: u32, end: u64) {
        if let Some(call) = self.calls.get_mut(id as usize) {
            call.end = Some(end);
            if call.watched {
                self.leaving.push(Reverse((end, id)));
            }
        }
    }

    /// The caller waits for all of a request to leave.
    pub(crate) fn watch_leaving(&mut self, id: u32) {
        if let Some(call) = self.calls.get_mut(id as usize)
            && !std::mem::replace(&mut call.watched, true)
            && let Some(end) = call.end
        {
            self.leaving.push(Reverse((end, id)));
        }
    }

    /// A request whose caller waits for it to leave, if everything before `written` has left, and the request with it.
    pub(crate) fn pop_left(&mut self, written: u64) -> Option<u32> {
        self.leaving.peek().filter(|Reverse((end, _))| *end <= written)?;
        self.leaving.pop().map(|Reverse((_, id))| id)
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto) fn reply_cost(&self) -> usize {
        self.reply_cost
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(in crate::proto) fn assembled(&self) -> usize {
        let replies = self.calls.iter().filter_map(|(_, call)| call.reply.as_deref());
        replies.map(|reply| reply.body.capacity()).sum()
    }

    // ---- time ----------------------------------------------------------------------------------------------------

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
            .filter(|(_, call)| call.is_awaited())
            .map(|(id, call)| (id as u32, call.end))
    }
}
