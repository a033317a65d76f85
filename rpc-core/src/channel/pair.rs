//! A sender and a receiver.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::coop::poll_proceed,
};

use super::{
    coding::Items,
    pipe::{NextItem, Pipe, gone},
};
use crate::{Error, Outcome, driver::attachments, driver::broken};

/// A channel for the items of one stream. Either end may be sent, as an argument, in a result or as an item of another
/// stream; the other end stays and sends or receives over the connection from then on.
///
/// While both ends are in one process, the channel holds at most 16 items, and items are not encoded. Over a connection
/// the unread items are counted in bytes ([`stream_window`](crate::Limits)); the sender waits while the receiver does
/// not read.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> farcall::Result<()> {
/// let (sender, mut receiver) = farcall::channel::channel();
/// sender.send("apple").await?;
/// sender.finish();
/// assert_eq!(receiver.recv().await, Some(Ok("apple")));
/// assert_eq!(receiver.recv().await, None);
/// # Ok(())
/// # }
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let pipe = Pipe::new();
    (Sender::over(Arc::clone(&pipe)), Receiver::over(pipe))
}

/// Sends items to the [`Receiver`] at the other end, in this process or in another one.
///
/// A stream ends normally only by [`finish`](Self::finish). If the sender is dropped without it, or its connection is
/// lost, the receiver gets an error as its last item, so that half a stream does not look complete.
///
/// A sender that is serialised into the arguments, the result or an item of a call leaves this process once the message
/// is sent. Then [`send`](Self::send) fails here, also in tasks that wait in it. If the message is never sent, the
/// receiver sees the sender as dropped.
///
/// Over a connection a stream counts towards [`max_streams`](crate::Limits::max_streams) until both ends are gone. So a
/// task that waits for something else before its next item should wait for [`closed`](Self::closed), too, and drop the
/// sender then.
pub struct Sender<T> {
    pipe: Arc<Pipe<T>>,
    /// Finished, or gone with a message: dropping it has no effect on the stream.
    done: AtomicBool,
}

/// Receives items from the [`Sender`] at the other end, in this process or in another one; also as a [`Stream`].
///
/// The stream has ended normally when [`recv`](Self::recv) gives `None` without an error before. Dropping the receiver
/// tells the sender, which then stops.
///
/// Like a sender it may be serialised into a message, and then leaves this process.
#[must_use = "a receiver that is dropped stops its sender"]
pub struct Receiver<T> {
    pipe: Arc<Pipe<T>>,
    items: Option<Items<T>>,
    /// The last item was given.
    over: bool,
    /// Gone with a message.
    sent: AtomicBool,
}

impl<T> Sender<T> {
    pub(super) fn over(pipe: Arc<Pipe<T>>) -> Self {
        Self {
            pipe,
            done: AtomicBool::new(false),
        }
    }

    /// Sends an item, when there is room for it.
    ///
    /// Cancel safe: if the future is dropped before it is ready, the item was not sent. Several tasks may send at the
    /// same time; they take turns.
    ///
    /// # Errors
    /// - The receiver takes no more: its reason, or [`Cancelled`](crate::Code::Cancelled) when it was dropped.
    /// - The connection is lost: [`Unavailable`](crate::Code::Unavailable).
    /// - The item cannot be encoded ([`InvalidArgument`](crate::Code::InvalidArgument)) or is longer than
    ///   [`max_message`](crate::Limits::max_message) ([`ResourceExhausted`](crate::Code::ResourceExhausted)): only this
    ///   item was not sent, and the next one may be.
    ///
    /// While both ends are in this process, items are not encoded, so every item is accepted. If the receiver is sent
    /// later and an item that still waits cannot be sent, the stream ends with that error.
    pub async fn send(&self, item: T) -> Result<(), Error> {
        let _turn = turn(&self.pipe.sending).await;
        poll_fn(|cx| self.pipe.poll_ready(cx)).await?;
        // No await from here on: the item goes entirely or not at all.
        if self.is_done() {
            return Err(gone("sender"));
        }
        self.pipe.put(item)
    }

    /// Waits until the receiver takes no more, and says why.
    ///
    /// Cancel safe.
    pub async fn closed(&self) -> Error {
        if self.is_done() {
            return gone("sender");
        }
        let _turn = turn(&self.pipe.closing).await;
        poll_fn(|cx| self.pipe.poll_stopped(cx)).await
    }

    /// Whether the receiver takes no more, as far as is known here.
    pub fn is_closed(&self) -> bool {
        self.is_done() || self.pipe.stopped().is_some()
    }

    /// Ends the stream normally: the receiver gets what was sent, and then `None`.
    pub fn finish(self) {
        self.end(Ok(()));
    }

    /// Ends the stream with an error, which the receiver gets after what was sent. The error's outcome is
    /// [`Executed`](crate::Outcome::Executed), because the sender ran.
    pub fn fail(self, error: Error) {
        self.end(Err(error.with_outcome(Outcome::Executed)));
    }

    /// Ends the stream because it broke, as far as is known here.
    pub(crate) fn break_off(self, error: Error) {
        self.end(Err(error.with_outcome(Outcome::Unknown)));
    }

    fn end(&self, end: Result<(), Error>) {
        if !self.done.swap(true, Ordering::AcqRel) {
            self.pipe.end(end);
        }
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    pub(super) fn pipe(&self) -> &Arc<Pipe<T>> {
        &self.pipe
    }

    /// Takes the end out, to go with the message that is being encoded.
    pub(super) fn take(&self) -> Result<Self, String> {
        take(&self.pipe, &self.done, "sender")?;
        Ok(Self::over(Arc::clone(&self.pipe)))
    }

    /// The end has left with a message.
    pub(super) fn disarm(&self) {
        self.done.store(true, Ordering::Release);
    }
}

impl<T> Receiver<T> {
    pub(super) fn over(pipe: Arc<Pipe<T>>) -> Self {
        Self {
            pipe,
            items: None,
            over: false,
            sent: AtomicBool::new(false),
        }
    }

    /// The next item; `None` after the last one. An error is the last item of a stream that broke: the sender failed or
    /// was dropped ([`Aborted`](crate::Code::Aborted)), the connection was lost
    /// ([`Unavailable`](crate::Code::Unavailable)), or an item cannot be decoded ([`DataLoss`](crate::Code::DataLoss)).
    ///
    /// Cancel safe.
    pub async fn recv(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) as a poll function.
    #[inline]
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(items) = &mut self.items {
                // An item is handed on as it is: taking it apart would move it once more.
                match items.next() {
                    Some(Err(error)) => return Poll::Ready(Some(Err(self.undecodable(error)))),
                    None => self.items = None,
                    item => {
                        if items.is_over() {
                            self.items = None;
                        }
                        return Poll::Ready(item);
                    }
                }
            }
            if self.over {
                return Poll::Ready(None);
            }
            if *self.sent.get_mut() {
                self.over = true;
                return Poll::Ready(Some(Err(gone("receiver"))));
            }
            // A sender that is always ahead does not keep the task from letting others run.
            let progress = ready!(poll_proceed(cx));
            let next = ready!(self.pipe.poll_next(cx));
            progress.made_progress();
            match next {
                NextItem::Item(item) => return Poll::Ready(Some(Ok(item))),
                NextItem::Items(items) => self.items = Some(items),
                NextItem::End(error) => return Poll::Ready(error.map(Err)),
            }
        }
    }

    /// Drops everything that still comes.
    #[cold]
    fn undecodable(&mut self, error: Error) -> Error {
        self.items = None;
        self.over = true;
        self.pipe.stop(Some(error.clone()));
        error
    }

    /// Stops receiving and tells the sender why; items on their way are lost.
    pub fn close(self, why: Error) {
        if !self.sent.load(Ordering::Acquire) {
            self.pipe.stop(Some(why));
        }
    }

    pub(super) fn pipe(&self) -> &Arc<Pipe<T>> {
        &self.pipe
    }

    /// Takes the end out, to go with the message that is being encoded.
    pub(super) fn take(&self) -> Result<Self, String> {
        take(&self.pipe, &self.sent, "receiver")?;
        Ok(Self::over(Arc::clone(&self.pipe)))
    }

    /// The end has left with a message.
    pub(super) fn disarm(&self) {
        self.sent.store(true, Ordering::Release);
    }
}

/// One of those who use the same end; the permits are never closed.
async fn turn(turns: &Semaphore) -> Option<SemaphorePermit<'_>> {
    turns.acquire().await.ok()
}

fn take<T>(pipe: &Pipe<T>, done: &AtomicBool, what: &str) -> Result<(), String> {
    attachments::is_collecting()?;
    let sent_already = || format!("the {what} was sent already");
    if done.load(Ordering::Acquire) {
        return Err(sent_already());
    }
    if pipe.is_joined() {
        return Err(format!(
            "the {what} belongs to a connection already and cannot be sent on; make a channel of your own and pass its \
             items on"
        ));
    }
    if done.swap(true, Ordering::AcqRel) {
        return Err(sent_already());
    }
    Ok(())
}

impl<T> Stream for Receiver<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx)
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if !self.is_done() {
            self.end(Err(broken()));
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // After `close`, or after the end of the stream, a second reason is ignored.
        if !*self.sent.get_mut() {
            self.pipe.stop(None);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
