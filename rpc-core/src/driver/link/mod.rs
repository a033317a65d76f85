//! A connection as its users see it: calls go in, answers come out, the driver moves the bytes.

mod attach;
mod due;
mod guard;
mod life;
mod look;
mod objects;
mod queue;
mod state;
mod streams;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use thin_vec::ThinVec;
use tokio::{
    runtime::{Handle, Id},
    sync::Notify,
};

pub(super) use attach::Attaching;
use due::Due;
pub(super) use guard::LinkGuard;
pub(crate) use life::Busy;
use look::Look;
use state::LinkState;
pub(super) use streams::wait;

use crate::{
    Code, Error, Metadata, Outcome,
    driver::Share,
    driver::attachments::{IncomingAttachment, Payload, Wire},
    proto::{COPIED, Connection, RequestHead, Ticket, encode_metadata, parse_metadata},
    sync::Mutex,
    told::Ending,
    transport::Peer,
};

/// How a call ended.
pub(crate) type CallResult = Result<Reply, Error>;

/// A reply as it came.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// The metadata block.
    pub(crate) metadata: Bytes,
    pub(crate) body: Bytes,
    /// What came along.
    pub(crate) carried: ThinVec<IncomingAttachment>,
}

/// One open connection, shared by its driver and all code that makes or answers calls on it.
///
/// One lock guards it all. It is held for a few hundred instructions, never across an await and never while foreign
/// code (a waker, a serialiser, a handler, a destructor) runs.
pub(crate) struct Link {
    state: Mutex<LinkState>,
    wire: Wire,
    peer: Arc<Peer>,
    share: Arc<Share>,
    /// How long calls to the peer's objects may take by default.
    timeout: Option<Duration>,
    /// The longest item that both sides take.
    max_item: usize,
    /// Which runtime carries the connection.
    runtime: Option<Id>,
    /// The driver has looked at what came.
    looks: Notify,
    ending: Arc<Ending>,
}

/// Where a call that was made stands.
#[derive(Debug)]
pub(crate) enum Started {
    /// It was sent, with this id.
    Sent(u32),
    /// It [waits](Link::poll_turn) for a place.
    Waits(Ticket),
}

/// Why a call was not started.
pub(crate) enum NotStarted {
    /// The connection takes no new calls; another one may.
    Gone(Payload),
    /// The driver stood still, and must first look at what the peer said meanwhile: see [`Link::look`].
    Unseen(Payload),
    /// The call itself is refused.
    Refused(Error),
}

impl Link {
    /// A connection with `peer`, of whose `share` it takes, whose driver is to run in the current runtime; `timeout` is
    /// that of calls to the peer's objects.
    pub(crate) fn new(
        connection: Connection,
        wire: Wire,
        peer: Arc<Peer>,
        timeout: Option<Duration>,
        share: Arc<Share>,
    ) -> Arc<Self> {
        Arc::new(Self {
            max_item: connection.max_item(),
            state: Mutex::new(LinkState::new(connection, Look::new(), Arc::clone(&share))),
            wire,
            peer,
            share,
            timeout,
            runtime: current_runtime(),
            looks: Notify::new(),
            ending: Arc::default(),
        })
    }

    #[inline]
    pub(super) fn lock(self: &Arc<Self>) -> LinkGuard<'_> {
        LinkGuard::new(self, self.state.lock())
    }

    /// How values are written on this connection.
    pub(crate) fn wire(&self) -> Wire {
        self.wire
    }

    /// The other side.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// The share of the server that the peers at that address have.
    pub(crate) fn share(&self) -> &Arc<Share> {
        &self.share
    }

    /// How long calls to the peer's objects take unless something else is said.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The longest item of a stream that both sides take.
    pub(super) fn max_item(&self) -> usize {
        self.max_item
    }

    /// The end of the connection.
    pub(crate) fn ending(&self) -> &Arc<Ending> {
        &self.ending
    }

    // ---- making calls --------------------------------------------------------------------------------------------

    /// Makes a call; its answer is polled with the id. If there is no place for one more, it waits for its turn. What
    /// the payload offers goes with it, and the ends that stay are joined to this connection. Whether the caller is a
    /// handler, whose calls do not wait for other calls to end, is checked only when it matters.
    ///
    /// # Errors
    /// Nothing was sent. The error says whether another connection may help, which a call to an object does not have.
    pub(crate) fn start(
        self: &Arc<Self>,
        head: &RequestHead,
        payload: Payload,
        deadline: Option<Instant>,
        now: Instant,
        waker: &Waker,
        in_handler: fn() -> bool,
    ) -> Result<Started, NotStarted> {
        let waker = waker.clone();
        let length = payload.len();
        let mut state = self.lock();
        if state.is_over() || state.is_closing() && head.target.object().is_none() {
            return Err(NotStarted::Gone(payload));
        }
        if state.look.is_stale(now) {
            return Err(NotStarted::Unseen(payload));
        }
        // Calls that wait get the next place, even if one is free at this moment.
        let waits = state.connection.is_full() || !state.queue.is_empty();
        if waits && !state.connection.is_peer_going_away() {
            return queue::enqueue(state, head, payload, deadline, waker, in_handler());
        }
        if length > COPIED && in_handler() && state.connection.may_lock(length) {
            drop(state);
            return Err(NotStarted::Refused(no_room(length)));
        }
        let earlier = state.is_earlier(deadline);
        let sent = state.send(head, payload, deadline);
        if let Ok(id) = sent {
            state.waiter(id).waker = Some(waker);
        }
        if earlier {
            state.wake_driver();
        }
        state.wake_for_output();
        sent.map(Started::Sent).map_err(NotStarted::Refused)
    }

    /// The answer of a call, once; the id is free again then.
    pub(crate) fn poll_answer(self: &Arc<Self>, id: u32, cx: &Context<'_>) -> Poll<CallResult> {
        let mut state = self.lock();
        let waiter = state.waiter(id);
        if let Some(answer) = waiter.answer.take() {
            let earlier = waiter.waker.take();
            state.release_call(id);
            drop(state);
            drop(earlier);
            return Poll::Ready(answer);
        }
        if !waiter.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            // Dropping the waker of the task that had the call before may end that task, and its own calls with it.
            let earlier = waiter.waker.replace(cx.waker().clone());
            drop(state);
            drop(earlier);
        }
        Poll::Pending
    }

    /// Waits until the transport has taken all of a call's request. From then on the call belongs to the server alone,
    /// and the caller is not told what becomes of it.
    pub(crate) fn poll_left(self: &Arc<Self>, id: u32, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        // Once the connection is over only the answer knows.
        let left = !state.is_over() && state.connection.has_left(id);
        if !left && state.waiter(id).answer.is_none() {
            let earlier = state.waiter(id).waker.replace(cx.waker().clone());
            state.connection.watch_leaving(id);
            drop(state);
            drop(earlier);
            return Poll::Pending;
        }
        // All under one lock: as soon as the id is released, the next call may have it.
        let waiter = std::mem::take(state.waiter(id));
        state.release_call(id);
        drop(state);
        Poll::Ready(match waiter.answer {
            Some(Err(error)) if !left => Err(error),
            _ => Ok(()),
        })
    }

    /// The caller is gone: the handler is to stop. Says what became of a call that was not answered.
    pub(crate) fn abandon(self: &Arc<Self>, id: u32) -> Outcome {
        let mut state = self.lock();
        let answered = std::mem::take(state.waiter(id));
        let outcome = state.connection.abandon(id);
        if state.queue.is_empty() {
            state.wake_for_output();
        } else {
            state.pass_on();
        }
        drop(state);
        // What was answered is dropped outside the lock.
        drop(answered);
        outcome
    }

    // ---- answering calls -----------------------------------------------------------------------------------------

    /// Answers a call of the peer from outside the driver.
    pub(crate) fn reply(self: &Arc<Self>, id: u32, metadata: &Metadata, answer: Result<Payload, Error>) {
        let metadata = encode_metadata(metadata);
        let mut state = self.lock();
        state.reply(id, &metadata, answer);
        state.wake_for_output();
    }
}

/// A request that would wait for other calls to end, made inside a handler that other calls may wait for.
fn no_room(length: usize) -> Error {
    let text = format!(
        "there is no room for a handler's request of {length} bytes beside the other messages (`max_buffered`), and it \
         does not wait: both sides have calls under way, and each could wait for the other for ever"
    );
    Error::refused(Code::ResourceExhausted, text)
}

/// Reads a reply's metadata block, which a broken peer may have garbled.
pub(crate) fn read_metadata(block: &Bytes) -> Result<Metadata, Error> {
    parse_metadata(block).map_err(|violation| Error::new(Code::DataLoss, violation.to_string()))
}

fn current_runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).finish_non_exhaustive()
    }
}
