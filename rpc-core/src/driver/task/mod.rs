//! The task of one connection: read, act, write, sleep.

mod act;
mod ending;
mod input;
mod portion;
mod read;
mod rest;
mod write;

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use act::queue_answers;
use bytes::{Bytes, BytesMut};
use portion::Portion;
use tokio::{
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    inbound::{Answers, CallHandler, CallRequest},
    link::Link,
};
use crate::{
    Error, buffers,
    proto::{IndexedQueue, Keyed, Landing, Lost},
    transport::{BoxStream, Connected, LastHeard, Peer},
};

/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 2;

/// The task of one connection. Nothing else touches its stream, so a read or write is never given up half way. Dropping
/// the task ends the connection and every call that waits on it.
pub(crate) struct Driver<I> {
    link: Arc<Link>,
    stream: BoxStream,
    /// When the peer was heard last, where the transport knows more about it.
    heard: Option<LastHeard>,
    peer: Arc<Peer>,
    inbound: I,
    input: BytesMut,
    /// A piece of a long message that is being read; `input` is empty meanwhile.
    landing: Option<Landing>,
    output: VecDeque<Bytes>,
    /// Requests that wait until the peer has taken more of what was written.
    deferred: IndexedQueue<CallRequest>,
    answers: Answers,
    timer: Pin<Box<Sleep>>,
    /// The waker that the timer has, while it waits.
    armed: Option<Waker>,
    /// The time, as it was read last: reading it costs as much as handling a small call.
    now: Instant,
    /// There may be whole frames in `input`.
    unread: bool,
    portion: Portion,
    /// The outbox is to be looked at before the driver writes. Only answers are not told by this.
    wants_write: bool,
    unflushed: bool,
    phase: DriverPhase,
    pause: Pause,
}

impl Keyed for CallRequest {
    fn key(&self) -> Option<u64> {
        Some(self.call.into())
    }
}

/// Why a driver ends: the error that waiting calls get.
struct ConnectionError(Error);

/// What the driver is doing.
enum DriverPhase {
    Working,
    /// Nothing can be written any more, and why. What the peer said before may explain it, and is still read.
    Broken(ConnectionError),
    /// All is done: the last words are written, and then the peer's end is waited for.
    Leaving,
    /// The peer has the last words, as far as the transport knows.
    Left,
}

/// Why the turn before this one ended early.
enum Pause {
    Nothing,
    /// To let other tasks run once.
    Others,
    /// To look at what came while the driver stood still.
    News,
}

/// How a round of reading and writing went.
enum Round {
    /// There may be more to do.
    Goes,
    /// Nothing is to be done until the driver is woken.
    Sleeps,
    /// All is done, and no new calls can come.
    Finished,
}

/// Why there is no other round.
enum Stopped {
    /// The connection is over.
    Ended(ConnectionError),
    /// The protocol ends the connection.
    Lost(Lost),
    /// Nothing can be written any more.
    Unwritable(ConnectionError),
}

impl From<Lost> for Stopped {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// What a turn begins with.
enum Begin {
    /// Reading and writing.
    Work,
    /// Every task that is ready runs once before the driver writes, so that their calls leave with the same system
    /// call. A single call does not wait for that.
    Join,
    /// The driver stood still, and what came meanwhile counts: a call waits for it, or something is due that it may
    /// change.
    Look,
    /// Nothing can be written.
    HearOut,
    /// All is done.
    Leave,
    /// The connection ends now.
    Cut(Error),
}

impl<I: CallHandler + Unpin> Driver<I> {
    /// A driver of an open connection; `input` is what came behind the handshake.
    pub(crate) fn new(link: Arc<Link>, connected: Connected, input: BytesMut, inbound: I) -> Self {
        let peer = Arc::clone(link.peer());
        let (stream, heard) = connected.into_parts();
        let now = Instant::now();
        Self {
            link,
            stream,
            heard,
            peer,
            inbound,
            unread: !input.is_empty(),
            input,
            portion: Portion::default(),
            landing: None,
            output: VecDeque::new(),
            deferred: IndexedQueue::default(),
            answers: Answers::new(now.into_std()),
            timer: Box::pin(sleep_until(now)),
            armed: None,
            now,
            wants_write: false,
            unflushed: false,
            phase: DriverPhase::Working,
            pause: Pause::Nothing,
        }
    }

    /// One turn of the task.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        self.portion.begin(Arc::as_ptr(&self.link).addr());
        self.now = Instant::now();
        match self.begin() {
            Begin::Work => {}
            Begin::Join => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Begin::Look => {
                // The runtime wakes a task that yields after it has asked the system for news. The future is not needed
                // any more then.
                let _ = pin!(yield_now()).poll(cx);
                return Poll::Pending;
            }
            Begin::HearOut => return self.hear_out(cx),
            Begin::Leave => return self.leave(cx),
            Begin::Cut(why) => return Poll::Ready(self.cut(&why, cx)),
        }
        for _ in 0..ROUNDS {
            match self.round(cx) {
                Ok(Round::Sleeps) => return Poll::Pending,
                Ok(Round::Finished) => return self.finish(cx),
                Ok(Round::Goes) => {}
                Err(Stopped::Ended(end)) => return Poll::Ready(end),
                Err(Stopped::Lost(lost)) => return Poll::Ready(self.lost(&lost, cx)),
                Err(Stopped::Unwritable(end)) => return self.broke(end, cx),
            }
        }
        if let Err(lost) = self.looked() {
            return Poll::Ready(self.lost(&lost, cx));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads, acts and writes once.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<Round, Stopped> {
        // Reading comes before writing: a connection that the peer has closed is noticed before a call goes into it.
        let read = if self.unread {
            self.act()?;
            true
        } else {
            self.read(cx)?.is_ready()
        };
        let written = self.write(cx).map_err(Stopped::Unwritable)?;
        if read {
            return Ok(Round::Goes);
        }
        Ok(self.rest(cx, written.is_pending())?)
    }

    /// What comes before reading and writing.
    fn begin(&mut self) -> Begin {
        let now = self.now.into_std();
        let mut state = self.link.lock();
        state.awake();
        if let Some(why) = state.take_cut() {
            return Begin::Cut(why);
        }
        match self.phase {
            DriverPhase::Working => {}
            DriverPhase::Broken(_) => return Begin::HearOut,
            DriverPhase::Leaving | DriverPhase::Left => return Begin::Leave,
        }
        let pause = std::mem::replace(&mut self.pause, Pause::Nothing);
        let due = || state.connection.poll_timeout().is_some_and(|due| due <= now);
        if !matches!(pause, Pause::News) && state.look.is_stale(now) && (state.look.is_wanted() || due()) {
            self.pause = Pause::News;
            return Begin::Look;
        }
        self.wants_write = state.connection.wants_write();
        let others = state.connection.outgoing() + state.connection.incoming() > 1;
        if matches!(pause, Pause::Nothing) && self.wants_write && others {
            self.pause = Pause::Others;
            return Begin::Join;
        }
        Begin::Work
    }
}

impl<I: CallHandler + Unpin> Future for Driver<I> {
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let turn = self.turn(cx);
        if turn.is_pending() && !matches!(self.phase, DriverPhase::Working) {
            // It sleeps in this phase, too, and may be cut.
            self.link.lock().sleep(cx.waker());
        }
        let ConnectionError(error) = ready!(turn);
        self.over(&error);
        Poll::Ready(error)
    }
}

impl<I> Driver<I> {
    /// The connection is over. Answers that were ready are part of it: their streams end as all others do.
    fn over(&mut self, why: &Error) {
        queue_answers(&mut self.link.lock(), &mut self.answers);
        self.link.end(why);
    }
}

impl<I> Drop for Driver<I> {
    fn drop(&mut self) {
        let text = format!("the connection with {} was cut on this side", self.peer);
        self.over(&Error::unavailable(text));
        buffers::tidy(std::time::Instant::now());
    }
}
