//! Calls that wait until the connection has a place for them.
//!
//! A call is sent at its turn even if its future is not polled at that moment, so such a future does not delay other
//! calls.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{Link, LinkGuard, LinkState, NotStarted, Started, no_room, streams::wait};
use crate::{
    Code, Error, Outcome,
    clock::now,
    driver::attachments::Payload,
    proto::{COPIED, RequestHead, Ticket, WaitQueue},
};

/// The calls that wait for a place on one connection.
pub(super) struct CallQueue {
    waiting: WaitQueue<WaitingCall>,
    /// The results of calls that have left the queue and whose callers did not look yet.
    turned: HashMap<Ticket, Result<u32, NotStarted>>,
}

/// A call that waits.
struct WaitingCall {
    head: RequestHead,
    payload: Payload,
    deadline: Option<Instant>,
    in_handler: bool,
    waker: Option<Waker>,
}

impl CallQueue {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            waiting: WaitQueue::new(limit),
            turned: HashMap::new(),
        }
    }

    /// Whether no call waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn earliest_deadline(&self) -> Option<Instant> {
        self.waiting.earliest_deadline()
    }
}

/// Lets a call that finds no place wait for one.
#[cold]
pub(super) fn enqueue(
    mut state: LinkGuard<'_>,
    head: &RequestHead,
    payload: Payload,
    deadline: Option<Instant>,
    waker: Waker,
    in_handler: bool,
) -> Result<Started, NotStarted> {
    let refused = if in_handler && state.has_handlers() {
        Some(no_place(&state))
    } else {
        state.connection.check_request(head, payload.len()).err()
    };
    if let Some(error) = refused {
        // What the payload offers is dropped outside the lock.
        drop(state);
        return Err(NotStarted::Refused(error));
    }
    let earlier = state.is_earlier(deadline);
    let call = WaitingCall {
        head: head.clone(),
        payload,
        deadline,
        in_handler,
        waker: Some(waker),
    };
    match state.queue.waiting.push(call, deadline) {
        Ok(ticket) => {
            if earlier {
                state.wake_driver();
            }
            Ok(Started::Waits(ticket))
        }
        Err(call) => {
            let error = too_many_wait(&state);
            drop(state);
            drop(call);
            Err(NotStarted::Refused(error))
        }
    }
}

impl Link {
    /// Waits until a call has its turn; returns its id, or why it was not started. Cancel safe: a caller that is gone
    /// before that must [leave](Self::leave).
    pub(crate) fn poll_turn(self: &Arc<Self>, ticket: Ticket, cx: &Context<'_>) -> Poll<Result<u32, NotStarted>> {
        let mut state = self.lock();
        if let Some(turned) = state.queue.turned.remove(&ticket) {
            return Poll::Ready(turned);
        }
        let call = state.queue.waiting.find(ticket);
        let earlier = call.and_then(|call| wait(&mut call.waker, cx.waker()));
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// The caller is gone, and did not look whether the call had its turn. Says what became of it.
    pub(crate) fn leave(self: &Arc<Self>, ticket: Ticket) -> Outcome {
        let mut state = self.lock();
        let waited = state.queue.waiting.remove(ticket);
        let turned = state.queue.turned.remove(&ticket);
        // A connection that drains may have waited for it.
        state.wake_for_end();
        drop(state);
        // What the payload offers is dropped outside the lock.
        drop(waited);
        match turned {
            Some(Ok(id)) => self.abandon(id),
            Some(Err(_)) | None => Outcome::NotExecuted,
        }
    }
}

impl LinkState {
    /// When the next timer is due; see [`Connection::poll_timeout`](crate::proto::Connection::poll_timeout).
    pub(in crate::driver) fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.queue.earliest_deadline();
        match (self.connection.poll_timeout(), waiting) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Whether a timer is due.
    pub(in crate::driver) fn is_due(&self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|due| due <= now)
    }

    /// Whether `deadline` would be the next timer.
    pub(super) fn is_earlier(&self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| self.poll_timeout().is_none_or(|timeout| deadline < timeout))
    }
}

impl LinkGuard<'_> {
    /// A place may be free: the next call that waits gets it.
    #[cold]
    pub(super) fn pass_on(&mut self) {
        self.take_turns();
        self.wake_for_end();
        self.wake_for_output();
    }

    /// Sends the calls that wait, as far as there are places. A peer that is going away refuses them all.
    pub(in crate::driver) fn take_turns(&mut self) {
        if self.queue.is_empty() {
            return;
        }
        let now = now();
        while !self.connection.is_full() || self.connection.is_peer_going_away() {
            let Some((ticket, mut call)) = self.queue.waiting.pop() else {
                break;
            };
            let waker = call.waker.take();
            let turned = self.send_waiting(call, now).map_err(NotStarted::Refused);
            self.turn(ticket, turned, waker);
        }
    }

    fn send_waiting(&mut self, call: WaitingCall, now: Instant) -> Result<u32, Error> {
        let WaitingCall {
            mut head,
            mut payload,
            deadline,
            in_handler,
            ..
        } = call;
        let length = payload.len();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let refused = if left.is_some_and(|left| left.is_zero()) {
            Some(no_turn(self, head.timeout))
        } else if in_handler && length > COPIED && self.connection.may_lock(length) {
            Some(no_room(length))
        } else {
            None
        };
        if let Some(error) = refused {
            self.due.forsake(payload.take_offered());
            return Err(error);
        }
        let allowed = std::mem::replace(&mut head.timeout, left);
        let id = self.send(&head, payload, deadline)?;
        self.connection.set_allowed(id, allowed);
        Ok(id)
    }

    /// Fails the calls whose deadline has come while they waited.
    pub(in crate::driver) fn expire_waiting(&mut self, now: Instant) {
        while let Some((ticket, mut call)) = self.queue.waiting.pop_expired(now) {
            let error = no_turn(self, call.head.timeout);
            self.due.forsake(call.payload.take_offered());
            self.turn(ticket, Err(NotStarted::Refused(error)), call.waker);
        }
    }

    /// The connection takes no new calls, except to the objects that it carries; or it is over, and takes no calls at
    /// all. Another connection may take them.
    pub(super) fn turn_away(&mut self) {
        let over = self.is_over();
        for ticket in self
            .queue
            .waiting
            .tickets(|call| over || call.head.target.object().is_none())
        {
            if let Some(call) = self.queue.waiting.remove(ticket) {
                self.turn(ticket, Err(NotStarted::Gone(call.payload)), call.waker);
            }
        }
    }

    fn turn(&mut self, ticket: Ticket, turned: Result<u32, NotStarted>, waker: Option<Waker>) {
        self.queue.turned.insert(ticket, turned);
        self.due.wake(waker);
    }
}

fn no_turn(state: &LinkState, timeout: Option<Duration>) -> Error {
    let text = format!(
        "the call did not get its turn within {:?}: {}",
        timeout.unwrap_or_default(),
        state.connection.why_full()
    );
    Error::refused(Code::DeadlineExceeded, text)
}

fn no_place(state: &LinkState) -> Error {
    let text = format!(
        "{}; a handler's call does not wait for one to end: both sides have calls under way, and each could wait for \
         the other for ever",
        state.connection.why_full()
    );
    Error::refused(Code::ResourceExhausted, text)
}

fn too_many_wait(state: &LinkState) -> Error {
    let limit = state.queue.waiting.limit();
    let why = state.connection.why_full();
    let text = match limit {
        0 => why,
        _ => format!("{why}, and {limit} calls wait, the limit (`max_waiting_calls`) of this side"),
    };
    Error::refused(Code::ResourceExhausted, text)
}
