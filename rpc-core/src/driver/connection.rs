//! The task of one connection: read, act, write, sleep.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWrite},
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    inbound::{Answers, Callee, Inbound, Request},
    inside::inside,
    link::{Due, Link, LinkGuard},
};
use crate::{
    Code, Error, Metadata, Outcome,
    proto::{Event, IndexedQueue, Keyed, Lost, Stop},
    transport::{Address, BoxStream, Connected, LastHeard},
};

/// How much room a read has: a batch of small calls, or two pieces of a large one.
const READ: usize = 64 << 10;
/// Frames handled under one hold of the lock.
const FRAMES: usize = 128;
/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 4;
/// While this much waits to be written and holds up what comes behind it, no handler is started: a peer that does not
/// read makes no more answers.
const HIGH_WATER: usize = 1 << 20;
/// Bytes of answers that are collected before they are queued.
const BATCH: usize = 64 << 10;
/// How long the last words may take to arrive, where the transport can tell that they have: over UDP nobody sends them
/// again once the stream is gone, and this is enough for some losses on a long way.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long to wait for the peer to close, too.
const LINGER: Duration = Duration::from_millis(500);
/// Chunks handed to the transport in one call.
const SLICES: usize = 64;

/// The task of one connection. Nothing else touches its stream, so no read or write is ever given up half way. Dropping
/// it ends the connection: every waiting call is told.
pub(crate) struct Driver<I> {
    link: Arc<Link>,
    stream: BoxStream,
    /// When the peer was heard last, where the transport knows more about it.
    heard: Option<LastHeard>,
    peer: Address,
    inbound: I,
    input: BytesMut,
    output: VecDeque<Bytes>,
    /// Requests that wait until the peer has taken more of what was written.
    deferred: IndexedQueue<Request>,
    answers: Answers,
    due: Due,
    timer: Pin<Box<Sleep>>,
    /// Something came behind the handshake.
    unread: bool,
    /// The outbox had something when it was looked at last.
    wants_write: bool,
    unflushed: bool,
    phase: Phase,
    pause: Pause,
}

impl Keyed for Request {
    fn key(&self) -> Option<u64> {
        Some(self.call.into())
    }
}

/// Why a driver ends: with what waiting calls are told.
struct End(Error);

/// What the driver is at.
enum Phase {
    Working,
    /// Nothing can be written any more, and why. What the peer said before may explain it, and is still read.
    Broken(End),
    /// All is done: the last words are written, and then the peer's end is waited for.
    Leaving,
    /// The peer has the last words, as far as the transport knows.
    Left,
}

/// What the turn before this one made way for.
enum Pause {
    Nothing,
    /// Other tasks, which ran once.
    Others,
    /// What came while the driver stood still.
    News,
}

/// How a round of reading and writing went.
enum Round {
    /// There may be more to do.
    Goes,
    /// Nothing is to be done until somebody wakes the driver.
    Sleeps,
}

/// Why there is no other round.
enum Stopped {
    /// The connection is over.
    Ended(End),
    /// The protocol ends the connection.
    Lost(Lost),
    /// Nothing can be written any more.
    Unwritable(End),
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
    /// call. One call alone is not held up.
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

impl<I: Inbound + Unpin> Driver<I> {
    /// A driver of an open connection; `input` is what came behind the handshake.
    pub(crate) fn new(link: Arc<Link>, connected: Connected, input: BytesMut, inbound: I) -> Self {
        let peer = connected.peer().clone();
        let (stream, heard) = connected.into_parts();
        Self {
            link,
            stream,
            heard,
            peer,
            inbound,
            unread: !input.is_empty(),
            input,
            output: VecDeque::new(),
            deferred: IndexedQueue::default(),
            answers: Answers::new(Instant::now().into_std()),
            due: Due::default(),
            timer: Box::pin(sleep_until(Instant::now())),
            wants_write: false,
            unflushed: false,
            phase: Phase::Working,
            pause: Pause::Nothing,
        }
    }

    /// One turn of the task.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.begin(Instant::now()) {
            Begin::Work => {}
            Begin::Join => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Begin::Look => {
                // The runtime wakes whoever yields when it has asked the system for news. The future is of no use after
                // that.
                let _ = pin!(yield_now()).poll(cx);
                return Poll::Pending;
            }
            Begin::HearOut => return self.hear_out(cx),
            Begin::Leave => return self.leave(cx),
            Begin::Cut(why) => return Poll::Ready(self.cut(&why, cx)),
        }
        for _ in 0..ROUNDS {
            match self.round(cx, Instant::now()) {
                Ok(Round::Sleeps) => return self.finished(cx),
                Ok(Round::Goes) => {}
                Err(Stopped::Ended(end)) => return Poll::Ready(end),
                Err(Stopped::Lost(lost)) => return Poll::Ready(self.lost(&lost, cx)),
                Err(Stopped::Unwritable(end)) => return self.broke(end, cx),
            }
        }
        if let Err(lost) = self.looked(Instant::now()) {
            return Poll::Ready(self.lost(&lost, cx));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads, acts and writes once.
    fn round(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<Round, Stopped> {
        if std::mem::take(&mut self.unread) {
            self.act(now)?;
        }
        // Reading comes before writing: a connection that the peer has closed is noticed before a call goes into it.
        let read = self.read(cx, now)?.is_ready();
        let written = self.write(cx, now).map_err(Stopped::Unwritable)?;
        if !read && self.sleeps(cx, written.is_pending(), now)? {
            return Ok(Round::Sleeps);
        }
        Ok(Round::Goes)
    }

    /// What comes before reading and writing.
    fn begin(&mut self, now: Instant) -> Begin {
        let now = now.into_std();
        let mut state = self.link.lock();
        state.awake();
        if let Some(why) = state.take_cut() {
            return Begin::Cut(why);
        }
        match self.phase {
            Phase::Working => {}
            Phase::Broken(_) => return Begin::HearOut,
            Phase::Leaving | Phase::Left => return Begin::Leave,
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

    /// The turn ends although there may be more to read and write. What time brings is not held up by that.
    fn looked(&mut self, now: Instant) -> Result<(), Lost> {
        let mut state = self.link.lock();
        let wanted = state.look.looked(now.into_std());
        let due = state.poll_timeout().is_some_and(|due| due <= now.into_std());
        drop(state);
        if wanted {
            self.link.tell_looked();
        }
        if due { self.time_out(now) } else { Ok(()) }
    }

    /// Reads once and acts on what came.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<Poll<()>, Stopped> {
        if self.input.capacity() - self.input.len() < READ / 4 {
            self.input.reserve(READ);
        }
        // The future of `read_buf` may be dropped at any time: it takes nothing before it is ready.
        let read = pin!(self.stream.read_buf(&mut self.input)).poll(cx);
        match read {
            Poll::Ready(Ok(0)) => Err(Stopped::Ended(self.io_end("it was closed by the peer", None))),
            Poll::Ready(Ok(_)) => Ok(Poll::Ready(self.act(now)?)),
            Poll::Ready(Err(error)) => Err(Stopped::Ended(self.io_end("reading failed", Some(error)))),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// Acts on all that was read.
    fn act(&mut self, now: Instant) -> Result<(), Lost> {
        loop {
            let mut state = self.link.lock_with(std::mem::take(&mut self.due));
            state.connection.handle_heard(now.into_std());
            let handled = state.connection.handle_input(&mut self.input, FRAMES, now.into_std());
            // What came before the end of a connection counts, even if the same bytes brought the end.
            let work = take_events(&mut state, &mut self.deferred);
            self.wants_write = state.connection.wants_write();
            self.due = state.release();
            self.attend(work);
            if !handled? {
                return Ok(());
            }
        }
    }

    /// Hands on what happened: answers to their callers, calls to their handlers.
    fn forward(&mut self) {
        let mut state = self.link.lock_with(std::mem::take(&mut self.due));
        let work = take_events(&mut state, &mut self.deferred);
        self.due = state.release();
        self.attend(work);
    }

    /// Does what the peer wants of this side.
    fn attend(&mut self, work: Wanted) {
        self.start(work.queued);
        for (call, why) in work.stops {
            self.stop(call, why);
        }
    }

    /// Starts the handlers of waiting calls as long as the peer takes the answers.
    fn start(&mut self, mut queued: usize) {
        if self.deferred.is_empty() {
            return;
        }
        self.answers.now = Instant::now().into_std();
        while queued + self.answers.length < HIGH_WATER {
            let Some(request) = self.deferred.pop_front() else {
                break;
            };
            inside(|| self.inbound.start(request, &mut self.answers));
            if self.answers.length >= BATCH {
                // What a large answer counts is the outbox's to say.
                queued = self.answer();
            }
        }
    }

    fn stop(&mut self, call: u32, why: Stop) {
        match self.deferred.remove(call.into()) {
            Some(_) => {
                let error = Error::cancelled("the call waited and never started").with_outcome(Outcome::NotExecuted);
                self.answers.answer(call, &Metadata::new(), Err(error));
            }
            None => self.inbound.stop(call, why),
        }
    }

    /// Queues the answers that were ready at once. Gives how many bytes wait in the outbox.
    fn answer(&mut self) -> usize {
        let mut state = self.link.lock_with(std::mem::take(&mut self.due));
        queue_answers(&mut state, &mut self.answers);
        let queued = state.connection.queued();
        self.due = state.release();
        queued
    }

    /// Queues the answers that were ready at once, and takes the next turn of the outbox if the one before was written.
    fn fill(&mut self) {
        let mut state = self.link.lock_with(std::mem::take(&mut self.due));
        queue_answers(&mut state, &mut self.answers);
        if self.output.is_empty() {
            state.connection.poll_transmit(&mut self.output);
        }
        self.due = state.release();
    }

    /// Writes one turn of the outbox, or until the transport takes no more. Reading comes in between turns: a peer that
    /// takes a large message as fast as it is written is heard meanwhile.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<Poll<()>, End> {
        if std::mem::take(&mut self.wants_write) || !self.answers.ready.is_empty() {
            self.fill();
        }
        while !self.output.is_empty() {
            match write_chunks(Pin::new(&mut self.stream), cx, &self.output) {
                Poll::Ready(Ok(written)) if written > 0 => self.written(written, now),
                Poll::Ready(Ok(_)) => return Err(self.io_end("it takes no more bytes", None)),
                Poll::Ready(Err(error)) => return Err(self.io_end("writing failed", Some(error))),
                Poll::Pending => {
                    self.link.lock().connection.handle_blocked(now.into_std());
                    return Ok(Poll::Pending);
                }
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Err(self.io_end("writing failed", Some(error))),
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
        Ok(Poll::Ready(()))
    }

    fn written(&mut self, length: usize, now: Instant) {
        advance(&mut self.output, length);
        self.unflushed = true;
        let waits = !self.output.is_empty();
        let mut state = self.link.lock();
        state.connection.handle_written(length, waits, now.into_std());
        state.settle_unread();
        let queued = state.connection.queued();
        drop(state);
        self.start(queued);
    }

    /// Acts on what time has brought. A peer of which the transport has heard since bytes were read is not silent.
    fn time_out(&mut self, now: Instant) -> Result<(), Lost> {
        let heard = self.heard.as_ref().and_then(LastHeard::get);
        let mut state = self.link.lock();
        if let Some(at) = heard {
            state.connection.handle_heard(at);
        }
        state.expire_waiting(now.into_std());
        state.connection.handle_timeout(now.into_std())?;
        drop(state);
        self.forward();
        Ok(())
    }

    /// Goes to sleep unless there is something to write that the transport may take, something to tell, or time has
    /// brought something. It takes the next turn of the outbox itself, so that one look at the connection is enough.
    fn sleeps(&mut self, cx: &mut Context<'_>, blocked: bool, now: Instant) -> Result<bool, Lost> {
        let mut state = self.link.lock_with(std::mem::take(&mut self.due));
        queue_answers(&mut state, &mut self.answers);
        if !blocked {
            state.connection.poll_transmit(&mut self.output);
        }
        let news = state.connection.has_events();
        let awake = news || !blocked && !self.output.is_empty();
        let wanted = !awake && state.look.looked(now.into_std());
        if !awake {
            state.sleep(cx.waker());
            if self.input.is_empty() && state.connection.is_idle(now.into_std()) {
                // Pings come and go, and an idle connection keeps no buffer for them.
                self.input = BytesMut::new();
            }
        }
        let due = state.poll_timeout();
        self.due = state.release();
        if wanted {
            self.link.tell_looked();
        }
        if news {
            // Writing has made room for streams, or a user has let go of something.
            self.forward();
        }
        if self.is_pending(cx, due) {
            return Ok(!awake);
        }
        self.time_out(now.max(Instant::now()))?;
        Ok(false)
    }

    /// Keeps the timer at or before the connection's next instant, and waits for it. It is moved only when it would be
    /// late, so that a busy connection does not touch it.
    fn is_pending(&mut self, cx: &mut Context<'_>, due: Option<std::time::Instant>) -> bool {
        let Some(due) = due.map(Instant::from_std) else {
            return true;
        };
        if due < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(due);
        }
        self.timer.as_mut().poll(cx).is_pending()
    }

    /// Begins to leave once all is done and nobody makes new calls.
    fn finished(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let mut state = self.link.lock();
        if !self.output.is_empty() || !state.is_finished() {
            return Poll::Pending;
        }
        // What still comes is not looked at any more. The peer is told so: a call that crossed this certainly never
        // ran.
        let done = Error::refused(Code::Unavailable, "its last call has ended, and no new ones are taken");
        state.connection.close(&done);
        drop(state);
        self.phase = Phase::Leaving;
        self.timer.as_mut().reset(Instant::now() + FAREWELL);
        self.leave(cx)
    }

    /// Says the last word, and waits a moment for the peer to close: unread bytes would reset the connection and take
    /// the word away again.
    fn leave(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let ended = "it was closed after the last call";
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(self.io_end(ended, None));
        }
        self.wants_write = true;
        let written = match self.write(cx, Instant::now()) {
            Ok(written) => written,
            Err(end) => return Poll::Ready(end),
        };
        // Whatever became of that: over UDP there may be no room to write before something was read.
        loop {
            self.input.clear();
            self.input.reserve(READ);
            match pin!(self.stream.read_buf(&mut self.input)).poll(cx) {
                Poll::Ready(Ok(length)) if length > 0 => {}
                Poll::Ready(_) => return Poll::Ready(self.io_end(ended, None)),
                Poll::Pending => break,
            }
        }
        if matches!(self.phase, Phase::Left) || written.is_pending() {
            return Poll::Pending;
        }
        if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_err() {
            return Poll::Ready(self.io_end(ended, None));
        }
        self.phase = Phase::Left;
        self.timer.as_mut().reset(Instant::now() + LINGER);
        self.leave(cx)
    }

    /// Nothing more can be written. The peer may have said why before, and which calls it looked at.
    fn broke(&mut self, end: End, cx: &mut Context<'_>) -> Poll<End> {
        self.link.breaks();
        self.phase = Phase::Broken(end);
        self.timer.as_mut().reset(Instant::now() + LINGER);
        self.hear_out(cx)
    }

    /// Reads what the peer said before the connection broke, and waits for that no longer than a moment.
    fn hear_out(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            self.input.reserve(READ);
            match pin!(self.stream.read_buf(&mut self.input)).poll(cx) {
                Poll::Ready(Ok(length)) if length > 0 => {
                    if let Err(lost) = self.act(Instant::now()) {
                        return Poll::Ready(self.lost(&lost, cx));
                    }
                    self.answer();
                }
                Poll::Pending if self.timer.as_mut().poll(cx).is_pending() => return Poll::Pending,
                _ => break,
            }
        }
        match std::mem::replace(&mut self.phase, Phase::Leaving) {
            Phase::Broken(end) => Poll::Ready(end),
            _ => Poll::Ready(self.io_end("writing failed", None)),
        }
    }

    /// Ends the connection now.
    fn cut(&mut self, why: &Error, cx: &mut Context<'_>) -> End {
        self.tell(why, cx);
        self.end(why.code(), why.message())
    }

    /// Tells the peer why the connection ends, as far as the transport takes it at once. What it has asked and never
    /// sees an answer to certainly did not run only if there is nothing of that kind.
    fn tell(&mut self, why: &Error, cx: &mut Context<'_>) {
        let mut state = self.link.lock();
        queue_answers(&mut state, &mut self.answers);
        let answered = state.connection.incoming() == 0 && why.code() != Code::Internal;
        let outcome = if answered {
            Outcome::NotExecuted
        } else {
            Outcome::Unknown
        };
        state.connection.close(&why.clone().with_outcome(outcome));
        state.connection.poll_transmit(&mut self.output);
        drop(state);
        while let Poll::Ready(Ok(written)) = write_chunks(Pin::new(&mut self.stream), cx, &self.output)
            && written > 0
        {
            advance(&mut self.output, written);
        }
        // Whether it leaves changes nothing: the connection ends.
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
    }

    /// Tells the peer why, as far as the transport takes it at once, and makes the error for those who wait.
    fn lost(&mut self, lost: &Lost, cx: &mut Context<'_>) -> End {
        let error = match lost {
            Lost::Violation(violation) => {
                let error = Error::internal(violation.to_string());
                self.tell(&error, cx);
                error
            }
            Lost::Closed(error) => Error::unavailable(format!("the peer closed it: {}", error.message())),
            Lost::Silent(interval) => {
                // It may only have stood still, and read this when it goes on.
                let text = format!("this side was silent for {interval:?} and did not answer a ping");
                self.tell(&Error::unavailable(text), cx);
                Error::unavailable(format!(
                    "the peer is gone: it was silent for {interval:?} and did not answer a ping"
                ))
            }
            Lost::Stalled(time) => Error::unavailable(format!(
                "the peer is stuck: it took no byte of what was written for {time:?}"
            )),
        };
        self.end(error.code(), error.message())
    }

    fn io_end(&self, what: &str, source: Option<io::Error>) -> End {
        let Some(source) = source else {
            return self.end(Code::Unavailable, what);
        };
        let End(error) = self.end(Code::Unavailable, &format!("{what}: {source}"));
        End(error.with_told_cause(source))
    }

    fn end(&self, code: Code, what: &str) -> End {
        End(Error::new(
            code,
            format!("the connection with {} was lost: {what}", self.peer),
        ))
    }
}

/// What the peer wants of this side.
struct Wanted {
    /// How many bytes wait in the outbox.
    queued: usize,
    stops: Vec<(u32, Stop)>,
}

/// Hands on what happened, as far as it is not for handlers; calls are put behind those that wait.
fn take_events(state: &mut LinkGuard<'_>, deferred: &mut IndexedQueue<Request>) -> Wanted {
    let mut stops = Vec::new();
    let queued = state.connection.queued();
    while let Some(event) = state.connection.poll_event() {
        match event {
            Event::Request { call, head, body } => deferred.push_back(Request {
                call,
                method: head.method,
                deadline: state.connection.deadline(call),
                metadata: head.metadata,
                body,
                callee: match head.object {
                    // The next event may be that the object goes.
                    Some(object) => Callee::Object(state.object(object)),
                    None => Callee::Service(head.instance),
                },
                carried: state.carried(head.attachments),
            }),
            Event::Stop { call, why } => stops.push((call, why)),
            event => state.handle(event),
        }
    }
    // Calls have ended.
    state.take_turns();
    Wanted { queued, stops }
}

fn queue_answers(state: &mut LinkGuard<'_>, answers: &mut Answers) {
    for (call, metadata, answer) in answers.ready.drain(..) {
        state.reply(call, &metadata, answer);
    }
    answers.length = 0;
}

impl<I: Inbound + Unpin> Future for Driver<I> {
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let turn = self.turn(cx);
        if turn.is_pending() && !matches!(self.phase, Phase::Working) {
            // It sleeps all the same, and may be cut.
            self.link.lock().sleep(cx.waker());
        }
        let End(error) = ready!(turn);
        self.link.end(&error);
        Poll::Ready(error)
    }
}

impl<I> Drop for Driver<I> {
    fn drop(&mut self) {
        self.link.end(&Error::unavailable(format!(
            "the connection with {} was cut on this side",
            self.peer
        )));
    }
}

/// Writes as many chunks as one call takes.
fn write_chunks(
    stream: Pin<&mut BoxStream>,
    cx: &mut Context<'_>,
    output: &VecDeque<Bytes>,
) -> Poll<io::Result<usize>> {
    if output.len() == 1 || !stream.is_write_vectored() {
        return stream.poll_write(cx, output.front().map_or(&[], |chunk| chunk));
    }
    let mut slices = [IoSlice::new(&[]); SLICES];
    for (slice, chunk) in slices.iter_mut().zip(output) {
        *slice = IoSlice::new(chunk);
    }
    stream.poll_write_vectored(cx, &slices[..output.len().min(SLICES)])
}

/// Drops the first `length` bytes.
fn advance(output: &mut VecDeque<Bytes>, mut length: usize) {
    while let Some(front) = output.front_mut() {
        if front.len() > length {
            front.advance(length);
            return;
        }
        length -= front.len();
        output.pop_front();
    }
}
