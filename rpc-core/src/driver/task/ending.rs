//! The end of a connection: after the last call, by a fault, or because this side cuts it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{io::AsyncWrite, time::Instant};

use super::{
    ConnectionError, Driver, DriverPhase,
    act::queue_answers,
    write::{advance, write_chunks},
};
use crate::{Code, Error, Outcome, driver::CallHandler, proto::Lost};

/// How long the last bytes may take to arrive, if the transport can tell that they have: over UDP they are not sent
/// again once the stream is gone, and this is enough for some losses on a long path.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long to wait for the peer to close, too.
const LINGER: Duration = Duration::from_millis(500);

impl<I: CallHandler + Unpin> Driver<I> {
    /// Begins to close, since all is done and no new calls can come, unless something came in between.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        let mut state = self.link.lock();
        if !state.is_finished() {
            return Poll::Pending;
        }
        // What still comes is ignored. The peer is told so, and knows that a call that crossed this certainly never
        // ran.
        let done = Error::refused(Code::Unavailable, "its last call has ended, and no new ones are taken");
        state.connection.close(&done);
        drop(state);
        self.phase = DriverPhase::Leaving;
        self.timer.as_mut().reset(Instant::now() + FAREWELL);
        self.leave(cx)
    }

    /// Sends the last frame, and waits a moment for the peer to close: unread bytes would reset the connection and
    /// destroy that frame.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        let ended = "it was closed after the last call";
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(self.io_end(ended, None));
        }
        self.wants_write = true;
        let written = match self.write(cx) {
            Ok(written) => written,
            Err(end) => return Poll::Ready(end),
        };
        // Even if nothing was written: over UDP there may be no room to write before something was read.
        loop {
            self.input.clear();
            self.landing = None;
            match self.poll_read(cx) {
                Poll::Ready(Ok(length)) if length > 0 => {}
                Poll::Ready(_) => return Poll::Ready(self.io_end(ended, None)),
                Poll::Pending => break,
            }
        }
        if matches!(self.phase, DriverPhase::Left) || written.is_pending() {
            return Poll::Pending;
        }
        if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_err() {
            return Poll::Ready(self.io_end(ended, None));
        }
        self.phase = DriverPhase::Left;
        self.timer.as_mut().reset(Instant::now() + LINGER);
        self.leave(cx)
    }

    /// Nothing more can be written. The peer may have said why before, and which calls it looked at.
    pub(super) fn broke(&mut self, end: ConnectionError, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        self.link.breaks();
        self.phase = DriverPhase::Broken(end);
        self.timer.as_mut().reset(Instant::now() + LINGER);
        self.hear_out(cx)
    }

    /// Reads what the peer said before the connection broke, and waits for that only a moment.
    pub(super) fn hear_out(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionError> {
        loop {
            while self.unread {
                if let Err(lost) = self.act() {
                    return Poll::Ready(self.lost(&lost, cx));
                }
                self.answer();
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(length)) if length > 0 => self.unread = true,
                Poll::Pending if self.timer.as_mut().poll(cx).is_pending() => return Poll::Pending,
                _ => break,
            }
        }
        match std::mem::replace(&mut self.phase, DriverPhase::Leaving) {
            DriverPhase::Broken(end) => Poll::Ready(end),
            _ => Poll::Ready(self.io_end("writing failed", None)),
        }
    }

    /// Ends the connection now.
    pub(super) fn cut(&mut self, why: &Error, cx: &mut Context<'_>) -> ConnectionError {
        self.tell(why, cx);
        self.end(why.code(), why.message())
    }

    /// Tells the peer why the connection ends, as far as the transport takes it at once. Its calls without an answer
    /// certainly did not run only if this side has answered everything that it looked at.
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
        // The connection ends, even if this does not leave.
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
    }

    /// Tells the peer why, as far as the transport takes it at once, and makes the error for the calls that wait.
    pub(super) fn lost(&mut self, lost: &Lost, cx: &mut Context<'_>) -> ConnectionError {
        let error = match lost {
            Lost::Violation(violation) => {
                let error = Error::internal(violation.to_string());
                self.tell(&error, cx);
                error
            }
            Lost::Closed(error) => Error::unavailable(format!("the peer closed it: {}", error.message())),
            Lost::Silent(interval) => {
                // The peer may only have stood still, and reads this when it goes on.
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

    pub(super) fn io_end(&self, what: &str, source: Option<io::Error>) -> ConnectionError {
        let Some(source) = source else {
            return self.end(Code::Unavailable, what);
        };
        let ConnectionError(error) = self.end(Code::Unavailable, &format!("{what}: {source}"));
        ConnectionError(error.with_told_cause(source))
    }

    fn end(&self, code: Code, what: &str) -> ConnectionError {
        ConnectionError(Error::new(
            code,
            format!("the connection with {} was lost: {what}", self.peer),
        ))
    }
}
