//! The calls that the peer made.
//!
//! ```text
//!          REQUEST+more             last REQUEST_DATA
//!   Idle ───────────────▶ Receiving ─────────────────▶ Active ──▶ Replying ──▶ Idle
//!     └────────────────── REQUEST ────────────────────────▲  └─ small reply ────▲
//! ```
//! A cancelled or expired call stays `Active` until its handler has stopped.
//!
//! An honest peer uses an id again only after it has read the answer, so it is a violation to send a request with an id
//! whose answer did not leave yet. This bounds what waits for a peer that writes but does not read: one answer per id.

use std::{collections::HashMap, time::Instant};

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{
    Attachment, Violation,
    assembly::{Assembly, Extent, Piece},
    deadlines::Deadlines,
    head::PeerHead,
};

/// Where a call that the peer made stands.
#[derive(Debug)]
pub(crate) enum IncomingCall {
    /// No call has this id; the answer of the last one that had it ends at this position in the stream.
    Idle { answered: u64 },
    /// It was refused while its request arrives; what still comes of it is dropped.
    Discarding { answered: u64 },
    /// Its request arrives in pieces.
    Receiving {
        deadline: Option<Instant>,
        request: Box<PartialRequest>,
    },
    /// It was handed out and not answered yet.
    Active {
        deadline: Option<Instant>,
        stop: Option<Stop>,
        cost: usize,
    },
    /// Its large reply is being written.
    Replying { cost: usize },
}

/// A request in pieces, as far as it has come.
#[derive(Debug)]
pub(crate) struct PartialRequest {
    head: PeerHead,
    body: Assembly,
}

impl IncomingCall {
    const NEVER: Self = Self::Idle { answered: 0 };

    /// The deadline of a call that may still miss it.
    fn open_until(&self) -> Option<Instant> {
        match self {
            Self::Receiving { deadline, .. }
            | Self::Active {
                deadline, stop: None, ..
            } => *deadline,
            _ => None,
        }
    }
}

/// Why a handler is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The caller gave the call up.
    Cancelled,
    /// Its deadline has come.
    Expired,
}

/// The calls that the peer made, by the ids that it gave them.
#[derive(Debug)]
pub(crate) struct IncomingCalls {
    calls: Vec<IncomingCall>,
    limit: usize,
    active: usize,
    deadlines: Deadlines,
    /// What large requests under way count.
    cost: usize,
    /// What the peer's next requests carry, by call id.
    lists: HashMap<u32, ThinVec<Attachment>>,
    /// This side takes no new calls.
    pub(super) going_away: bool,
}

impl IncomingCalls {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            calls: Vec::new(),
            limit,
            active: 0,
            deadlines: Deadlines::default(),
            cost: 0,
            lists: HashMap::new(),
            going_away: false,
        }
    }

    /// How many calls are not idle.
    pub(crate) fn len(&self) -> usize {
        self.active
    }

    /// The most that the peer had in flight at once.
    pub(crate) fn peak(&self) -> usize {
        self.calls.len()
    }

    /// The place of a call whose id the peer chose.
    pub(crate) fn place(&mut self, id: u32) -> Result<&mut IncomingCall, Violation> {
        let index = id as usize;
        if index >= self.limit {
            return Err(Violation::new(format!(
                "call id {id}, with a limit of {} calls",
                self.limit
            )));
        }
        if index >= self.calls.len() {
            // Honest ids are dense; the table never grows past the limit.
            self.calls.resize_with(index + 1, || IncomingCall::NEVER);
        }
        Ok(&mut self.calls[index])
    }

    /// The state of a call whose id this side got before, if there is any.
    pub(crate) fn find(&mut self, id: u32) -> Option<&mut IncomingCall> {
        self.calls.get_mut(id as usize)
    }

    /// Gives back unused memory. All answers have left.
    pub(super) fn shrink(&mut self) {
        if self.active == 0 {
            self.calls = Vec::new();
            self.lists.shrink_to_fit();
        }
    }

    /// Moves a call from idle; its deadline counts from here.
    pub(crate) fn begin(&mut self, id: u32, call: IncomingCall, deadline: Option<Instant>) {
        if let Some(place) = self.calls.get_mut(id as usize) {
            *place = call;
            self.active += 1;
            self.deadlines.add(id, deadline, self.active);
        }
    }

    /// Moves a call to idle; its answer ends at the position `answered`. Gives the head of a request that is dropped
    /// before its handler started.
    pub(crate) fn end(&mut self, id: u32, answered: u64) -> Option<PeerHead> {
        if matches!(self.find(id)?, IncomingCall::Idle { .. }) {
            return None;
        }
        self.active -= 1;
        self.replace(id, IncomingCall::Idle { answered })
    }

    /// A request that is still coming was answered; what comes of it from now on is dropped. Returns its head.
    pub(crate) fn discard(&mut self, id: u32, answered: u64) -> Option<PeerHead> {
        self.replace(id, IncomingCall::Discarding { answered })
    }

    /// Replaces the state of a call, and frees what the old one cost.
    fn replace(&mut self, id: u32, call: IncomingCall) -> Option<PeerHead> {
        let place = self.calls.get_mut(id as usize)?;
        match std::mem::replace(place, call) {
            IncomingCall::Receiving { request, .. } => {
                self.cost -= request.body.cost();
                Some(request.head)
            }
            IncomingCall::Active { cost, .. } | IncomingCall::Replying { cost } => {
                self.cost -= cost;
                None
            }
            IncomingCall::Idle { .. } | IncomingCall::Discarding { .. } => None,
        }
    }

    /// The request of an idle call begins to come.
    pub(crate) fn begin_partial(
        &mut self,
        id: u32,
        head: PeerHead,
        extent: Extent,
        first: &[u8],
        deadline: Option<Instant>,
    ) -> Result<(), Violation> {
        let body = Assembly::begin(extent, first)?;
        self.cost += body.cost();
        let request = Box::new(PartialRequest { head, body });
        self.begin(id, IncomingCall::Receiving { deadline, request }, deadline);
        Ok(())
    }

    /// Takes a further piece of a request; gives all of it with the last one.
    pub(crate) fn push(
        &mut self,
        id: u32,
        piece: Piece<'_>,
        more: bool,
    ) -> Result<Option<(PeerHead, Bytes)>, Violation> {
        let place = self.place(id)?;
        match place {
            IncomingCall::Receiving { deadline, request } => {
                let Some(body) = request.body.push(piece, more)? else {
                    return Ok(None);
                };
                let (head, deadline, cost) = (std::mem::take(&mut request.head), *deadline, request.body.cost());
                *place = IncomingCall::Active {
                    deadline,
                    stop: None,
                    cost,
                };
                return Ok(Some((head, body)));
            }
            IncomingCall::Discarding { .. } if more => {}
            &mut IncomingCall::Discarding { answered } => {
                self.end(id, answered);
            }
            _ => {
                return Err(Violation::new(format!(
                    "a piece of a request of call {id} that never began"
                )));
            }
        }
        Ok(None)
    }

    /// The request that is coming with this id.
    pub(crate) fn assembly(&mut self, id: u32) -> Option<&mut Assembly> {
        match self.find(id)? {
            IncomingCall::Receiving { request, .. } => Some(&mut request.body),
            _ => None,
        }
    }

    /// How much large requests on their way count.
    pub(crate) fn cost(&self) -> usize {
        self.cost
    }

    /// The list of the next request with this id has come; returns the list that it replaces.
    pub(crate) fn put_list(&mut self, id: u32, list: ThinVec<Attachment>) -> ThinVec<Attachment> {
        let replaced = if list.is_empty() {
            self.lists.remove(&id)
        } else {
            self.lists.insert(id, list)
        };
        replaced.unwrap_or_default()
    }

    /// Takes what a request carries that has come.
    pub(crate) fn take_list(&mut self, id: u32) -> ThinVec<Attachment> {
        if self.lists.is_empty() {
            return ThinVec::new();
        }
        self.lists.remove(&id).unwrap_or_default()
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn lists(&self) -> usize {
        self.lists.len()
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn assembled(&self) -> usize {
        let capacity = |call: &IncomingCall| match call {
            IncomingCall::Receiving { request, .. } => request.body.capacity(),
            _ => 0,
        };
        self.calls.iter().map(capacity).sum()
    }

    pub(crate) fn earliest_deadline(&self) -> Option<Instant> {
        self.deadlines.earliest()
    }

    /// The active calls whose deadline has come and that were not asked to stop before.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<u32> {
        let calls = &self.calls;
        let open = |id: u32| calls.get(id as usize).and_then(IncomingCall::open_until);
        let all = || {
            let open = |(id, call): (usize, &IncomingCall)| Some((id as u32, call.open_until()?));
            calls.iter().enumerate().filter_map(open)
        };
        self.deadlines.expired(now, open, all)
    }
}
