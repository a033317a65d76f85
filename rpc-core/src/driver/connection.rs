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
    link::{Due, Link},
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state in disguise"
)]
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
    /// The driver has let others run once before it writes.
    yielded: bool,
    unflushed: bool,
    /// The turn begins behind what came while the driver stood still.
    looking: bool,
    /// Why nothing can be written any more. What the peer said before may explain it, and is still read.
    broken: Option<End>,
    /// All is done; only the peer's end is waited for.
    leaving: bool,
    /// The peer has the last words, as far as the transport knows.
    said: bool,
}

impl Keyed for Request {
    fn key(&self) -> Option<u64> {
        Some(self.call.into())
    }
}

/// Why a driver ends: with what waiting calls are told.
struct End(Error);

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
            yielded: false,
            unflushed: false,
            looking: false,
            broken: None,
            leaving: false,
            said: false,
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
            let now = Instant::now();
            if std::mem::take(&mut self.unread)
                && let Err(lost) = self.act(now)
            {
                return Poll::Ready(self.lost(&lost, cx));
            }
            // Reading comes before writing: a connection that the peer has closed is noticed before a call goes into
            // it.
            let read = match self.read(cx, now) {
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Ready(Ok(())) => true,
                Poll::Pending => false,
            };
            let blocked = match self.write(cx, now) {
                Poll::Ready(Err(end)) => return self.broke(end, cx),
                Poll::Ready(Ok(())) => false,
                Poll::Pending => true,
            };
            if let Err(lost) = self.fire(cx, now) {
                return Poll::Ready(self.lost(&lost, cx));
            }
            if !read && self.sleeps(cx, blocked, now) {
                return self.finished(cx);
            }
        }
        self.looked(Instant::now());
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What comes before reading and writing.
    fn begin(&mut self, now: Instant) -> Begin {
        let now = now.into_std();
        let mut state = self.link.lock();
        state.awake();
        if let Some(why) = state.take_cut() {
            return Begin::Cut(why);
        }
        if self.leaving {
            return Begin::Leave;
        }
        if self.broken.is_some() {
            return Begin::HearOut;
        }
        let due = || state.connection.poll_timeout().is_some_and(|due| due <= now);
        self.looking = !self.looking && state.look.is_stale(now) && (state.look.is_wanted() || due());
        if self.looking {
            return Begin::Look;
        }
        self.yielded = !self.yielded
            && state.connection.wants_write()
            && state.connection.outgoing() + state.connection.incoming() > 1;
        if self.yielded { Begin::Join } else { Begin::Work }
    }

    /// All that had come was read.
    fn looked(&self, now: Instant) {
        let wanted = self.link.lock().look.looked(now.into_std());
        if wanted {
            self.link.tell_looked();
        }
    }

    /// Reads once and acts on what came.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Result<(), End>> {
        if self.input.capacity() - self.input.len() < READ / 4 {
            self.input.reserve(READ);
        }
        // The future of `read_buf` may be dropped at any time: it takes nothing before it is ready.
        let read = ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx));
        match read {
            Ok(0) => Poll::Ready(Err(self.io_end("it was closed by the peer", None))),
            Ok(_) => {
                self.link.lock().connection.handle_heard(now.into_std());
                Poll::Ready(self.act(now).map_err(|lost| self.lost(&lost, cx)))
            }
            Err(error) => Poll::Ready(Err(self.io_end("reading failed", Some(error)))),
        }
    }

    /// Acts on all that was read.
    fn act(&mut self, now: Instant) -> Result<(), Lost> {
        loop {
            let handled = self
                .link
                .lock()
                .connection
                .handle_input(&mut self.input, FRAMES, now.into_std());
            // What came before the end of a connection counts, even if the same bytes brought the end.
            self.forward();
            if !handled? {
                return Ok(());
            }
        }
    }

    /// Hands on what happened: answers to their callers, calls to their handlers.
    fn forward(&mut self) {
        let mut stops = Vec::new();
        let mut state = self.link.lock();
        let queued = state.connection.queued();
        while let Some(event) = state.connection.poll_event() {
            match event {
                Event::Request { call, head, body } => self.deferred.push_back(Request {
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
                    carried: state.carried(&self.link, head.attachments),
                }),
                Event::Stop { call, why } => stops.push((call, why)),
                event => state.handle(&self.link, event, &mut self.due),
            }
        }
        // Calls have ended.
        state.take_turns(&self.link, &mut self.due);
        drop(state);
        self.due.run();
        self.start(queued);
        for (call, why) in stops {
            self.stop(call, why);
        }
        self.answer();
    }

    /// Starts the handlers of waiting calls as long as the peer takes the answers.
    fn start(&mut self, mut queued: usize) {
        if self.deferred.is_empty() {
            return;
        }
        self.answers.now = Instant::now().into_std();
        self.answers.length = 0;
        while queued + self.answers.length < HIGH_WATER {
            let Some(request) = self.deferred.pop_front() else {
                break;
            };
            inside(|| self.inbound.start(request, &mut self.answers));
            if self.answers.length >= BATCH {
                // What a large answer counts is the outbox's to say.
                self.answer();
                self.answers.length = 0;
                queued = self.link.lock().connection.queued();
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

    /// Queues the answers that were ready at once.
    fn answer(&mut self) {
        if self.answers.ready.is_empty() {
            return;
        }
        let mut spent = Vec::new();
        let mut state = self.link.lock();
        for (call, metadata, answer) in self.answers.ready.drain(..) {
            spent.extend(state.reply(&self.link, call, &metadata, answer, &mut self.due));
        }
        drop(state);
        self.due.run();
        drop(spent);
    }

    /// Writes one turn of the outbox, or until the transport takes no more. Reading comes in between turns: a peer that
    /// takes a large message as fast as it is written is heard meanwhile.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Result<(), End>> {
        if self.output.is_empty() {
            self.link.lock().connection.poll_transmit(&mut self.output);
        }
        while !self.output.is_empty() {
            match write_chunks(Pin::new(&mut self.stream), cx, &self.output) {
                Poll::Ready(Ok(written)) if written > 0 => self.written(written, now),
                Poll::Ready(Ok(_)) => return Poll::Ready(Err(self.io_end("it takes no more bytes", None))),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.io_end("writing failed", Some(error)))),
                Poll::Pending => {
                    self.link.lock().connection.handle_blocked(now.into_std());
                    return Poll::Pending;
                }
            }
        }
        if self.unflushed {
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_flush(cx)) {
                return Poll::Ready(Err(self.io_end("writing failed", Some(error))));
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
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
        self.due.run();
        self.start(queued);
        self.answer();
    }

    /// Keeps the timer at or before the connection's next instant, and acts when it fires. It is moved only when it
    /// would be late, so that a busy connection does not touch it.
    fn fire(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<(), Lost> {
        loop {
            let state = self.link.lock();
            let due = state.poll_timeout().map(Instant::from_std);
            let news = state.connection.has_events();
            drop(state);
            if news {
                // Writing has made room for streams, or a user has let go of something.
                self.forward();
            }
            if let Some(due) = due
                && (due < self.timer.deadline() || self.timer.is_elapsed())
            {
                self.timer.as_mut().reset(due);
            }
            if due.is_none() || self.timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            self.time_out(now.max(Instant::now()))?;
            self.forward();
            if self.link.lock().connection.wants_write() {
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Acts on what time has brought. A peer of which the transport has heard since bytes were read is not silent.
    fn time_out(&mut self, now: Instant) -> Result<(), Lost> {
        let heard = self.heard.as_ref().and_then(LastHeard::get);
        let mut state = self.link.lock();
        if let Some(at) = heard {
            state.connection.handle_heard(at);
        }
        state.expire_waiting(now.into_std(), &mut self.due);
        state.connection.handle_timeout(now.into_std())
    }

    /// Goes to sleep unless there is something to write that the transport may take, or something to tell.
    fn sleeps(&mut self, cx: &Context<'_>, blocked: bool, now: Instant) -> bool {
        let mut state = self.link.lock();
        // Somebody may have made a call since the timer was set.
        let due = state.poll_timeout().map(Instant::from_std);
        if !blocked && state.connection.wants_write()
            || state.connection.has_events()
            || due.is_some_and(|due| due < self.timer.deadline())
        {
            return false;
        }
        state.sleep(cx.waker());
        let wanted = state.look.looked(now.into_std());
        if self.input.is_empty() && state.connection.is_idle(now.into_std()) {
            // Pings come and go, and an idle connection keeps no buffer for them.
            self.input = BytesMut::new();
        }
        drop(state);
        if wanted {
            self.link.tell_looked();
        }
        true
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
        self.leaving = true;
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
        let written = self.write(cx, Instant::now());
        if let Poll::Ready(Err(end)) = written {
            return Poll::Ready(end);
        }
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
        if self.said || written.is_pending() {
            return Poll::Pending;
        }
        if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_err() {
            return Poll::Ready(self.io_end(ended, None));
        }
        self.said = true;
        self.timer.as_mut().reset(Instant::now() + LINGER);
        self.leave(cx)
    }

    /// Nothing more can be written. The peer may have said why before, and which calls it looked at.
    fn broke(&mut self, end: End, cx: &mut Context<'_>) -> Poll<End> {
        self.link.breaks();
        self.broken = Some(end);
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
                }
                Poll::Pending if self.timer.as_mut().poll(cx).is_pending() => return Poll::Pending,
                _ => break,
            }
        }
        let end = self.broken.take();
        Poll::Ready(end.unwrap_or_else(|| self.io_end("writing failed", None)))
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

impl<I: Inbound + Unpin> Future for Driver<I> {
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let turn = self.turn(cx);
        if turn.is_pending() && (self.leaving || self.broken.is_some()) {
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
