//! Any stream into a sender.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use futures_core::Stream;
use thin_vec::ThinVec;
use tokio::{
    runtime::Handle,
    time::{Sleep, sleep_until},
};

use super::{
    Sender,
    pipe::{Out, Pipe},
};
use crate::{
    Error,
    clock::now,
    driver::attachments::OutgoingAttachment,
    proto::ItemWriter,
    unwind::{Panicked, caught, guarded},
};

/// How many bytes of items leave together.
const BATCH: usize = 32 << 10;
/// Batches, or items within the process, before other tasks get their turn.
const ROUNDS: usize = 32;
/// Longer items leave by themselves, from where they are.
const ALONE: usize = 8 << 10;

/// Sends the items of `stream` until it ends or fails, its receiver takes no more, or the deadline passes. If it is
/// dropped before, the receiver is told that the stream broke.
pub(crate) fn feed<T, S>(sender: Sender<T>, stream: S, deadline: Option<Instant>) -> Feed<S, T>
where
    S: Stream<Item = Result<T, Error>> + Send,
    T: Send,
{
    Feed {
        sender: Some(sender),
        stream: Some(Box::pin(stream)),
        deadline,
        timer: None,
        batch: ItemWriter::default(),
        alone: None,
    }
}

/// The future of [`feed`].
pub(crate) struct Feed<S, T> {
    /// Until the stream has ended.
    sender: Option<Sender<T>>,
    stream: Option<Pin<Box<S>>>,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// What leaves together; empty between two polls.
    batch: ItemWriter,
    /// An item that leaves by itself and waits for room.
    alone: Option<(Vec<u8>, ThinVec<OutgoingAttachment>)>,
}

/// How a stream ends.
enum FeedEnd {
    /// The receiver takes no more.
    Stopped,
    Finished,
    Failed(Error),
}

/// What became of filling the buffer.
enum Filled {
    /// There may be more.
    Full,
    /// The stream waits.
    Empty,
    End(FeedEnd),
}

impl<T, S: Stream<Item = Result<T, Error>>> Future for Feed<S, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sender) = self.sender.take() else {
            return Poll::Ready(());
        };
        let end = match self.poll_expired(cx) {
            Poll::Ready(error) => Poll::Ready(FeedEnd::Failed(error)),
            Poll::Pending => self.poll_end(sender.pipe(), cx),
        };
        let Poll::Ready(end) = end else {
            self.sender = Some(sender);
            return Poll::Pending;
        };
        // The stream is dropped first: code that hears of the end finds it gone.
        self.drop_stream();
        match end {
            FeedEnd::Stopped | FeedEnd::Finished => sender.finish(),
            // The receiver is a running handler, and for it the call broke.
            FeedEnd::Failed(error) => sender.break_off(error),
        }
        Poll::Ready(())
    }
}

// The stream is in a box of its own.
impl<S, T> Unpin for Feed<S, T> {}

impl<T, S: Stream<Item = Result<T, Error>>> Feed<S, T> {
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let passed = || Error::deadline_exceeded("the stream had not ended at the deadline");
        if deadline <= now() {
            return Poll::Ready(passed());
        }
        if self.timer.is_none() && Handle::try_current().is_ok() {
            self.timer = Some(Box::pin(sleep_until(deadline.into())));
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx).map(|()| passed()),
            None => Poll::Pending,
        }
    }

    fn poll_end(&mut self, pipe: &Pipe<T>, cx: &mut Context<'_>) -> Poll<FeedEnd> {
        for _ in 0..ROUNDS {
            if ready!(pipe.poll_ready(cx)).is_err() {
                return Poll::Ready(FeedEnd::Stopped);
            }
            let filled = match pipe.out() {
                Some(out) => self.send_some(out, cx),
                None => self.hand_over(pipe, cx),
            };
            match filled {
                Filled::Full => {}
                Filled::Empty => return pipe.poll_stopped(cx).map(|_| FeedEnd::Stopped),
                Filled::End(end) => return Poll::Ready(end),
            }
        }
        // If the receiver is faster than the stream there is always room, but the call that is polled together with
        // this must look at its answer and its deadline, too.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes one item over to a receiver in this process.
    fn hand_over(&mut self, pipe: &Pipe<T>, cx: &mut Context<'_>) -> Filled {
        match self.poll_item(cx) {
            Poll::Pending => Filled::Empty,
            Poll::Ready(Err(error)) => Filled::End(FeedEnd::Failed(error)),
            Poll::Ready(Ok(None)) => Filled::End(FeedEnd::Finished),
            Poll::Ready(Ok(Some(item))) => match pipe.put(item) {
                Ok(()) => Filled::Full,
                // Where the receiver takes no more, the next look for room says so.
                Err(error) => Filled::End(FeedEnd::Failed(error)),
            },
        }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Ok(None));
        };
        match caught(|| stream.as_mut().poll_next(cx)) {
            Ok(polled) => polled.map(Option::transpose),
            Err(panic) => Poll::Ready(Err(panicked(&panic, false))),
        }
    }

    /// Sends what is ready as one batch, or the item that leaves by itself.
    fn send_some(&mut self, out: &Out<T>, cx: &mut Context<'_>) -> Filled {
        if let Some((item, offered)) = self.alone.take() {
            return match out.send_stream.send_bytes(item, offered) {
                Ok(()) => Filled::Full,
                Err(error) => Filled::End(FeedEnd::Failed(error)),
            };
        }
        let filled = self.fill(out, cx);
        if self.batch.len() == 0 {
            return filled;
        }
        let sent = out.send_stream.send_batch(self.batch.items());
        self.batch.clear();
        match sent {
            Ok(()) => filled,
            Err(_) => Filled::End(FeedEnd::Stopped),
        }
    }

    /// Encodes what is ready.
    fn fill(&mut self, out: &Out<T>, cx: &mut Context<'_>) -> Filled {
        let Self {
            stream: Some(stream),
            batch,
            alone,
            ..
        } = self
        else {
            return Filled::End(FeedEnd::Finished);
        };
        // The stream is not polled again after a panic, and of the batch only whole items leave.
        let filling = || {
            let format = out.send_stream.wire().format;
            let most = out.send_stream.max_item().min(ALONE);
            while batch.len() < BATCH {
                let item = match stream.as_mut().poll_next(cx) {
                    Poll::Ready(Some(Ok(item))) => item,
                    Poll::Ready(Some(Err(error))) => return Filled::End(FeedEnd::Failed(error)),
                    Poll::Ready(None) => return Filled::End(FeedEnd::Finished),
                    Poll::Pending => return Filled::Empty,
                };
                let offered = match out.encode.append(format, &item, batch.begin()) {
                    Ok(offered) => offered,
                    Err(error) => return Filled::End(FeedEnd::Failed(error)),
                };
                if batch.begun().len() > most || !offered.is_empty() {
                    *alone = Some((batch.begun().to_vec(), offered));
                    return Filled::Full;
                }
                batch.end();
            }
            Filled::Full
        };
        let tells = out.send_stream.wire().tells_panics;
        let filled = caught(filling).unwrap_or_else(|panic| Filled::End(FeedEnd::Failed(panicked(&panic, tells))));
        batch.cut_off();
        filled
    }

    /// A destructor that panics does not keep the receiver from hearing of the end.
    fn drop_stream(&mut self) {
        let stream = self.stream.take();
        guarded(|| drop(stream));
    }
}

fn panicked(panic: &Panicked, tells: bool) -> Error {
    Error::internal(panic.report("the stream", "", tells))
}
