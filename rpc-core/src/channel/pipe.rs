//! What the two ends of a channel share.

use std::{
    collections::VecDeque,
    sync::{Arc, MutexGuard, OnceLock},
    task::{Context, Poll, Waker},
};

use tokio::sync::Semaphore;

use super::coding::{Decode, Encode, Items};
use crate::{
    Error, Outcome,
    driver::{RecvStream, SendStream},
    sync::Mutex,
    unwind::caught,
};

/// How many items wait while both ends are in one process.
const QUEUED: usize = 16;

/// What the two ends of a channel share, or the state behind the only end that is in this process.
pub(super) struct Pipe<T> {
    state: Mutex<PipeState<T>>,
    /// The receiver is elsewhere. Set under the lock, once nothing is queued.
    out: OnceLock<Out<T>>,
    /// The sender is elsewhere. Set under the lock; what is queued came before.
    incoming: OnceLock<RemoteSource<T>>,
    /// Of the tasks that send through one end, and of those that wait for its receiver to stop, one at a time leaves
    /// its waker.
    pub(super) sending: Semaphore,
    pub(super) closing: Semaphore,
}

struct PipeState<T> {
    queue: VecDeque<T>,
    /// The receiver's end leaves: nothing is queued any more.
    leaving: bool,
    /// How the sender ended; an error is given once.
    end: Option<Result<(), Error>>,
    /// Why the receiver takes no more.
    stopped: Option<Error>,
    wakers: PipeWakers,
}

/// The wakers of tasks that wait. They must be called without the lock.
#[derive(Default)]
struct PipeWakers {
    /// The sender, for room.
    room: Option<Waker>,
    /// The sender, for the receiver to stop.
    stop: Option<Waker>,
    /// The receiver, for items.
    items: Option<Waker>,
}

/// The way to a receiver that is elsewhere.
pub(super) struct Out<T> {
    pub(super) send_stream: SendStream,
    pub(super) encode: Encode<T>,
}

/// The way from a sender that is elsewhere.
struct RemoteSource<T> {
    recv_stream: RecvStream,
    decode: Decode<T>,
}

/// What a receiver gets.
pub(super) enum NextItem<T> {
    Item(T),
    Items(Items<T>),
    End(Option<Error>),
}

impl<T> Pipe<T> {
    /// Both ends are here.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(PipeState {
                queue: VecDeque::new(),
                leaving: false,
                end: None,
                stopped: None,
                wakers: PipeWakers::default(),
            }),
            out: OnceLock::new(),
            incoming: OnceLock::new(),
            sending: Semaphore::new(1),
            closing: Semaphore::new(1),
        })
    }

    /// The sender is here.
    pub(super) fn outgoing(send_stream: SendStream, encode: Encode<T>) -> Arc<Self> {
        let pipe = Self::new();
        pipe.set_out(pipe.lock(), Out { send_stream, encode });
        pipe
    }

    /// The receiver is here.
    pub(super) fn incoming(recv_stream: RecvStream, decode: Decode<T>) -> Arc<Self> {
        let pipe = Self::new();
        pipe.sender_left(recv_stream, decode);
        pipe
    }

    fn lock(&self) -> MutexGuard<'_, PipeState<T>> {
        self.state.lock()
    }

    /// Where the receiver is, if it is elsewhere.
    pub(super) fn out(&self) -> Option<&Out<T>> {
        self.out.get()
    }

    /// Whether either end is joined to a connection.
    pub(super) fn is_joined(&self) -> bool {
        self.out.get().is_some() || self.incoming.get().is_some()
    }

    // ---- the sender's side ---------------------------------------------------------------------------------------

    /// Waits until one more item may be put in. Cancel safe.
    pub(super) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        if let Some(out) = self.out.get() {
            drop(state);
            return out.send_stream.poll_ready(cx);
        }
        if let Some(why) = self.takes_no_more(&state) {
            return Poll::Ready(Err(why));
        }
        if state.queue.len() < QUEUED && !state.leaving {
            return Poll::Ready(Ok(()));
        }
        let earlier = state.wakers.room.replace(cx.waker().clone());
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// Waits until the receiver takes no more. Cancel safe.
    pub(super) fn poll_stopped(&self, cx: &Context<'_>) -> Poll<Error> {
        let mut state = self.lock();
        if let Some(out) = self.out.get() {
            drop(state);
            return out.send_stream.poll_stopped(cx);
        }
        if let Some(why) = self.takes_no_more(&state) {
            return Poll::Ready(why);
        }
        let earlier = state.wakers.stop.replace(cx.waker().clone());
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// Why the receiver takes no more, if it does not.
    pub(super) fn stopped(&self) -> Option<Error> {
        match self.out.get() {
            Some(out) => out.send_stream.stopped(),
            None => self.lock().stopped.clone(),
        }
    }

    /// Why nothing more goes to the receiver from here. One task may send the sender away or end it while another task
    /// still sends: an item after that would reach a receiver that does not wait for it.
    fn takes_no_more(&self, state: &PipeState<T>) -> Option<Error> {
        let left = self.incoming.get().is_some() || state.end.is_some();
        state.stopped.clone().or_else(|| left.then(|| gone("sender")))
    }

    /// Puts in one item; to be called once after [`poll_ready`](Self::poll_ready).
    pub(super) fn put(&self, item: T) -> Result<(), Error> {
        let mut state = self.lock();
        if let Some(out) = self.out.get() {
            drop(state);
            return out.send(&item);
        }
        if let Some(why) = self.takes_no_more(&state) {
            // The item is dropped without the lock.
            drop(state);
            return Err(why);
        }
        state.queue.push_back(item);
        let receiver = state.wakers.items.take();
        drop(state);
        wake(receiver);
        Ok(())
    }

    /// The sender ends.
    pub(super) fn end(&self, end: Result<(), Error>) {
        let mut state = self.lock();
        if let Some(out) = self.out.get() {
            drop(state);
            return out.send_stream.end(end.as_ref().copied());
        }
        state.end.get_or_insert(end);
        // The receiver, and the tasks that still wait at a sender that was sent away.
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.wake();
    }

    // ---- the receiver's side -------------------------------------------------------------------------------------

    /// Waits for items. Cancel safe.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<NextItem<T>> {
        let mut state = self.lock();
        if let Some(item) = state.queue.pop_front() {
            let sender = state.wakers.room.take();
            drop(state);
            wake(sender);
            return Poll::Ready(NextItem::Item(item));
        }
        if let Some(incoming) = self.incoming.get() {
            drop(state);
            return incoming.poll_next(cx);
        }
        if let Some(end) = &mut state.end {
            let end = std::mem::replace(end, Ok(()));
            return Poll::Ready(NextItem::End(end.err()));
        }
        let earlier = state.wakers.items.replace(cx.waker().clone());
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// The receiver takes no more, and may say why.
    pub(super) fn stop(&self, why: Option<Error>) {
        let mut state = self.lock();
        if let Some(incoming) = self.incoming.get() {
            let unread = std::mem::take(&mut state.queue);
            drop(state);
            incoming.recv_stream.close(why.as_ref());
            drop(unread);
            return;
        }
        state
            .stopped
            .get_or_insert_with(|| why.unwrap_or_else(|| Error::cancelled("the receiver was dropped")));
        let unread = std::mem::take(&mut state.queue);
        let (room, stop) = (state.wakers.room.take(), state.wakers.stop.take());
        drop(state);
        wake(room);
        wake(stop);
        drop(unread);
    }

    // ---- an end leaves -------------------------------------------------------------------------------------------

    /// The receiver is elsewhere from now on; what is queued is sent there.
    pub(super) fn receiver_left(&self, send_stream: SendStream, encode: Encode<T>) {
        let out = Out { send_stream, encode };
        loop {
            let mut state = self.lock();
            // From now on the sender waits, after at most one more item: so this loop ends, and the order stays.
            state.leaving = true;
            let queue = std::mem::take(&mut state.queue);
            if queue.is_empty() {
                return self.set_out(state, out);
            }
            drop(state);
            if let Err(error) = out.send_all(queue) {
                // For the receiver this error ends the stream, after the items that came.
                out.send_stream.end(Err(&error.with_outcome(Outcome::Unknown)));
            }
        }
    }

    fn set_out(&self, mut state: MutexGuard<'_, PipeState<T>>, out: Out<T>) {
        let end = state.end.take();
        let wakers = std::mem::take(&mut state.wakers);
        let refused = self.out.set(out);
        drop(state);
        // An end leaves once only.
        drop(refused);
        if let (Some(out), Some(end)) = (self.out.get(), end) {
            out.send_stream.end(end.as_ref().copied());
        }
        self.joined(wakers);
    }

    /// The sender is elsewhere from now on; what is queued came before.
    pub(super) fn sender_left(&self, recv_stream: RecvStream, decode: Decode<T>) {
        let mut state = self.lock();
        let stopped = state.stopped.clone();
        let wakers = std::mem::take(&mut state.wakers);
        let refused = self.incoming.set(RemoteSource { recv_stream, decode });
        drop(state);
        // An end leaves once only.
        drop(refused);
        if let (Some(incoming), Some(why)) = (self.incoming.get(), stopped) {
            incoming.recv_stream.close(Some(&why));
        }
        self.joined(wakers);
    }

    /// One end is on a connection now. If both are, nothing here carries items from one to the other.
    fn joined(&self, wakers: PipeWakers) {
        if let (Some(out), Some(incoming)) = (self.out.get(), self.incoming.get()) {
            let error = Error::failed_precondition(
                "both ends of one channel were sent over connections; keep one, or pass the items on between two \
                 channels",
            );
            out.send_stream.end(Err(&error));
            incoming.recv_stream.close(Some(&error));
        }
        wakers.wake();
    }
}

impl<T> Out<T> {
    /// Sends what was queued. No room is needed: these few items are in memory in any case.
    fn send_all(&self, queue: VecDeque<T>) -> Result<(), Error> {
        let send = || {
            let sent = queue.iter().try_for_each(|item| self.send(item));
            drop(queue);
            sent
        };
        // The task that sends waits until the receiver has left: an item that panics must not keep it from leaving.
        caught(send).unwrap_or_else(|_| Err(Error::internal("an item panicked on its way out")))
    }

    /// Sends one item; a failure leaves the stream as it was.
    fn send(&self, item: &T) -> Result<(), Error> {
        let item = self.encode.one(self.send_stream.wire().format, item)?;
        self.send_stream.send(item)
    }
}

impl<T> RemoteSource<T> {
    fn poll_next(&self, cx: &Context<'_>) -> Poll<NextItem<T>> {
        self.recv_stream.poll_batch(cx).map(|batch| match batch {
            Some(Ok(batch)) => NextItem::Items(Items::new(batch, self.recv_stream.wire(), self.decode)),
            Some(Err(error)) => NextItem::End(Some(error)),
            None => NextItem::End(None),
        })
    }
}

impl PipeWakers {
    fn wake(self) {
        wake(self.room);
        wake(self.stop);
        wake(self.items);
    }
}

/// Why an end cannot be used any more.
pub(super) fn gone(what: &str) -> Error {
    Error::failed_precondition(format!(
        "the {what} was sent in a message and cannot be used here any more"
    ))
    .with_outcome(Outcome::NotExecuted)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
