//! Writing what the outbox has.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::{ConnectionError, Driver, act::queue_answers};
use crate::{driver::CallHandler, transport::BoxStream};

/// Chunks handed to the transport in one call.
const SLICES: usize = 64;

impl<I: CallHandler + Unpin> Driver<I> {
    /// Queues the answers that were ready at once, and takes the next turn of the outbox if the one before was written.
    fn fill(&mut self) {
        let mut state = self.link.lock();
        queue_answers(&mut state, &mut self.answers);
        if self.output.is_empty() {
            state.connection.poll_transmit(&mut self.output);
        }
    }

    /// Writes one turn of the outbox, or until the transport takes no more. The driver reads between turns, so that it
    /// hears a peer that takes a large message as fast as it is written.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, ConnectionError> {
        if std::mem::take(&mut self.wants_write) || !self.answers.ready.is_empty() {
            self.fill();
        }
        while !self.output.is_empty() {
            match write_chunks(Pin::new(&mut self.stream), cx, &self.output) {
                Poll::Ready(Ok(written)) if written > 0 => self.written(written),
                Poll::Ready(Ok(_)) => return Err(self.io_end("it takes no more bytes", None)),
                Poll::Ready(Err(error)) => return Err(self.io_end("writing failed", Some(error))),
                Poll::Pending => {
                    self.link.lock().connection.handle_blocked(self.now.into_std());
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

    fn written(&mut self, length: usize) {
        let now = self.now.into_std();
        advance(&mut self.output, length);
        self.unflushed = true;
        let waits = !self.output.is_empty();
        let mut state = self.link.lock();
        state.connection.handle_written(length, waits, now);
        state.settle_unread();
        let queued = state.connection.queued();
        drop(state);
        self.start(queued);
    }
}

/// Writes as many chunks as one call takes.
pub(super) fn write_chunks(
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
pub(super) fn advance(output: &mut VecDeque<Bytes>, mut length: usize) {
    while let Some(front) = output.front_mut() {
        if front.len() > length {
            front.advance(length);
            return;
        }
        length -= front.len();
        output.pop_front();
    }
}
