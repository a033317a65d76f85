//! One end of a simulated connection as a byte stream.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    connection::{End, StreamStep},
    network::SharedNetwork,
};

pub(super) struct NetworkStream {
    shared: Arc<SharedNetwork>,
    place: (usize, End),
    // Reading and writing may be polled by different tasks, so each has a timer.
    read_timer: StreamTimer,
    write_timer: StreamTimer,
}

impl NetworkStream {
    pub(super) fn new(shared: Arc<SharedNetwork>, connection: usize, end: End) -> Self {
        Self {
            shared,
            place: (connection, end),
            read_timer: StreamTimer::default(),
            write_timer: StreamTimer::default(),
        }
    }
}

impl AsyncRead for NetworkStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match self.shared.with(|state| state.read(self.place, buffer, cx.waker())) {
                StreamStep::Done(result) => return Poll::Ready(result),
                StreamStep::Wait(until) => ready!(self.read_timer.poll(until, cx)),
            }
        }
    }
}

impl AsyncWrite for NetworkStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.shared.with(|state| state.write(self.place, slices, cx.waker())) {
                StreamStep::Done(result) => return Poll::Ready(result),
                StreamStep::Wait(until) => ready!(self.write_timer.poll(until, cx)),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shared.with(|state| state.shut_down(self.place)))
    }
}

impl Drop for NetworkStream {
    fn drop(&mut self) {
        self.shared.with(|state| state.drop_end(self.place));
    }
}

#[derive(Default)]
struct StreamTimer(Option<Pin<Box<Sleep>>>);

impl StreamTimer {
    /// Ready at `until`; never for `None`, where whoever ends the wait wakes.
    fn poll(&mut self, until: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until else {
            return Poll::Pending;
        };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}
