//! A connection as its users see it: calls go in, answers come out, the driver moves the bytes.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use tokio::runtime::{Handle, Id};

use crate::{
    Code, Error, Metadata, Outcome,
    carry::{Carried, Wire},
    proto::{Body, COPIED, Connection, Event, RequestHead, encode_metadata, parse_metadata},
    service::Payload,
};

/// How a call ended.
pub(crate) type Answered = Result<Reply, Error>;

/// A reply as it came.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// The metadata block.
    pub(crate) metadata: Bytes,
    pub(crate) body: Bytes,
    /// What came along.
    pub(crate) carried: Vec<Carried>,
}

/// One open connection, shared by its driver and everyone who makes or answers calls on it.
///
/// One lock guards it all. It is held for a few hundred instructions, never across an await and never while foreign code (a
/// waker, a serialiser, a handler) runs.
pub(crate) struct Link {
    state: Mutex<State>,
    /// Which runtime carries the connection.
    runtime: Option<Id>,
}

/// Why a call was not started.
pub(crate) enum NotStarted {
    /// The connection takes no new calls; another one may.
    Gone(Payload),
    /// The call itself is refused.
    Refused(Error),
}

pub(super) struct State {
    pub(super) connection: Connection,
    /// By call id.
    waiters: Vec<Waiter>,
    /// Calls whose callers wait only for the request to leave.
    departures: Vec<u32>,
    /// The driver, while it sleeps.
    driver: Option<Waker>,
    /// Whoever made calls is gone: end when all is done.
    pub(super) closing: bool,
    /// Some call ended.
    answered: bool,
    /// The connection is over.
    over: bool,
}

/// Who waits for a call, and what has come for it.
#[derive(Default)]
struct Waiter {
    waker: Option<Waker>,
    answer: Option<Answered>,
}

impl Link {
    /// A connection whose driver is to run in the current runtime.
    pub(crate) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                connection,
                waiters: Vec::new(),
                departures: Vec::new(),
                driver: None,
                closing: false,
                answered: false,
                over: false,
            }),
            runtime: current_runtime(),
        })
    }

    /// No code that can panic runs under the lock; should it all the same, the state is whole between any two statements
    /// that matter, so the poison is ignored and nobody else panics.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How values are written on this connection.
    pub(crate) fn wire(&self) -> Wire {
        Wire::default()
    }

    // ---- making calls --------------------------------------------------------------------------------------------

    /// Makes a call; its answer is polled with the id.
    ///
    /// # Errors
    /// Nothing left, and it says whether another connection may do better.
    pub(crate) fn start(
        &self,
        head: &RequestHead,
        payload: Payload,
        deadline: Option<Instant>,
        waker: &Waker,
    ) -> Result<u32, NotStarted> {
        let waker = waker.clone();
        let mut state = self.lock();
        if state.over || state.closing {
            return Err(NotStarted::Gone(payload));
        }
        let earlier =
            deadline.is_some_and(|deadline| state.connection.poll_timeout().is_none_or(|timeout| deadline < timeout));
        let (started, payload) = if payload.as_slice().len() <= COPIED {
            let body = Body::Small(payload.as_slice());
            (state.connection.start(head, body, deadline), Some(payload))
        } else {
            let body = Body::Large(payload.into_bytes());
            (state.connection.start(head, body, deadline), None)
        };
        let id = started.map_err(NotStarted::Refused)?;
        state.waiter(id).waker = Some(waker);
        let driver = state.wake_for_output(earlier);
        drop(state);
        wake(driver);
        drop(payload);
        Ok(id)
    }

    /// The answer of a call, once; the id is free again then.
    pub(crate) fn poll_answer(&self, id: u32, cx: &Context<'_>) -> Poll<Answered> {
        let mut state = self.lock();
        let waiter = state.waiter(id);
        if let Some(answer) = waiter.answer.take() {
            let earlier = waiter.waker.take();
            state.connection.release(id);
            drop(state);
            drop(earlier);
            return Poll::Ready(answer);
        }
        if !waiter.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            // Whose task the call was in before may end with its waker, and give up calls of its own.
            let earlier = waiter.waker.replace(cx.waker().clone());
            drop(state);
            drop(earlier);
        }
        Poll::Pending
    }

    /// Waits until all of a call's request was taken by the transport. From then on the call is the server's alone, and its id
    /// no longer the caller's: what becomes of it is told to nobody.
    pub(crate) fn poll_left(&self, id: u32, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        // Once the connection is over only the answer knows.
        let left = !state.over && state.connection.has_left(id);
        if !left && state.waiter(id).answer.is_none() {
            let earlier = state.waiter(id).waker.replace(cx.waker().clone());
            if !state.departures.contains(&id) {
                state.departures.push(id);
            }
            drop(state);
            drop(earlier);
            return Poll::Pending;
        }
        // All in one go: as soon as the id is released it may be the next call's.
        let waiter = std::mem::take(state.waiter(id));
        state.departures.retain(|&departure| departure != id);
        state.connection.release(id);
        drop(state);
        Poll::Ready(match waiter.answer {
            Some(Err(error)) if !left => Err(error),
            _ => Ok(()),
        })
    }

    /// The caller is gone: the handler is to stop. Says what became of a call that was not answered.
    pub(crate) fn abandon(&self, id: u32) -> Outcome {
        let mut state = self.lock();
        let answered = std::mem::take(state.waiter(id));
        let outcome = state.connection.abandon(id);
        let driver = state.wake_for_output(false);
        drop(state);
        wake(driver);
        // What was answered is dropped outside the lock.
        drop(answered);
        outcome
    }

    // ---- answering calls -----------------------------------------------------------------------------------------

    /// Answers a call of the peer from outside the driver.
    pub(crate) fn reply(&self, id: u32, metadata: &Metadata, answer: Result<Payload, Error>) {
        let metadata = encode_metadata(metadata);
        let mut state = self.lock();
        let spent = state.reply(id, &metadata, answer);
        let driver = state.wake_for_output(false);
        drop(state);
        wake(driver);
        drop(spent);
    }

    // ---- the connection as a whole -------------------------------------------------------------------------------

    /// Takes no more calls from the peer; the connection ends when those under way are done.
    pub(crate) fn go_away(&self) {
        self.lock().connection.go_away();
        self.finish();
    }

    /// Ends the connection when all calls are done, because nobody makes new ones.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.closing = true;
        let driver = state.driver.take();
        drop(state);
        wake(driver);
    }

    /// Whether this is another runtime than the connection's, which therefore may stand still while this one runs.
    pub(crate) fn is_foreign(&self) -> bool {
        let here = current_runtime();
        here.is_some() && here != self.runtime
    }

    /// Whether any call on this connection ended before the connection did.
    pub(crate) fn has_answered(&self) -> bool {
        self.lock().answered
    }

    /// Whether new calls may be made on this connection.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.lock();
        !state.over && !state.closing
    }

    /// Ends the connection now: every waiting call is told, those that provably never left as not executed.
    pub(super) fn end(&self, why: &Error) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.over, true) {
            return;
        }
        let mut wakers = Vec::new();
        // Answers that came before the end are answers.
        while let Some(event) = state.connection.poll_event() {
            wakers.extend(state.answer(event).ok().flatten());
        }
        for (id, outcome) in state.connection.drain_lost() {
            let waiter = state.waiter(id);
            waiter.answer = Some(Err(why.clone().with_outcome(outcome)));
            wakers.extend(waiter.waker.take());
        }
        let departures = std::mem::take(&mut state.departures);
        for id in departures {
            wakers.extend(state.waiter(id).waker.take());
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn waiter(&mut self, id: u32) -> &mut Waiter {
        let index = id as usize;
        if index >= self.waiters.len() {
            // Ids of our own calls are dense and held below the limit on calls.
            self.waiters.resize_with(index + 1, Waiter::default);
        }
        &mut self.waiters[index]
    }

    /// The driver's waker, when there is something for it to do.
    fn wake_for_output(&mut self, timer: bool) -> Option<Waker> {
        if timer || self.connection.wants_write() {
            self.driver.take()
        } else {
            None
        }
    }

    /// The driver runs: nobody needs to wake it.
    pub(super) fn awake(&mut self) {
        self.driver = None;
    }

    /// Puts the driver to sleep.
    pub(super) fn sleep(&mut self, waker: &Waker) {
        self.driver = Some(waker.clone());
    }

    /// Answers a call of the peer; gives back the payload whose buffer is to be dropped outside the lock.
    pub(super) fn reply(&mut self, id: u32, metadata: &Bytes, answer: Result<Payload, Error>) -> Option<Payload> {
        match answer {
            Ok(payload) if payload.as_slice().len() <= COPIED => {
                self.connection.reply(id, metadata, Ok(Body::Small(payload.as_slice())));
                Some(payload)
            }
            Ok(payload) => {
                self.connection
                    .reply(id, metadata, Ok(Body::Large(payload.into_bytes())));
                None
            }
            Err(error) => {
                self.connection.reply(id, metadata, Err(&error));
                None
            }
        }
    }

    /// Hands an answer to its caller; gives the waker to be called outside the lock.
    pub(super) fn answer(&mut self, event: Event) -> Result<Option<Waker>, Event> {
        let (id, answer) = match event {
            Event::Reply {
                call, metadata, body, ..
            } => (
                call,
                Ok(Reply {
                    metadata,
                    body,
                    carried: Vec::new(),
                }),
            ),
            Event::Failed { call, error } => (call, Err(error)),
            other => return Err(other),
        };
        self.answered = true;
        let waiter = self.waiter(id);
        waiter.answer = Some(answer);
        Ok(waiter.waker.take())
    }

    /// The wakers of those who waited for a request to leave that now has.
    pub(super) fn departed(&mut self, wakers: &mut Vec<Waker>) {
        if self.departures.is_empty() {
            return;
        }
        let departures = std::mem::take(&mut self.departures);
        for id in departures {
            if self.connection.has_left(id) {
                wakers.extend(self.waiter(id).waker.take());
            } else {
                self.departures.push(id);
            }
        }
    }
}

/// Reads a reply's metadata block, which a broken peer may have garbled.
pub(crate) fn read_metadata(block: &Bytes) -> Result<Metadata, Error> {
    parse_metadata(block).map_err(|violation| Error::new(Code::DataLoss, violation.to_string()))
}

fn current_runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

fn wake(driver: Option<Waker>) {
    if let Some(driver) = driver {
        driver.wake();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
