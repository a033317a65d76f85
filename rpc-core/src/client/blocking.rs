//! Calls that block their thread.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use futures_core::Stream;
use serde::{Serialize, de::DeserializeOwned};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{
    Call, Channel, ReplyMetadata, Stub,
    decode::Answer,
    feeds::Feeds,
    streaming::{fallible_stream, plain_stream},
};
use crate::{
    Error, Metadata, Outcome,
    channel::Streaming,
    service::{Form, MethodDescriptor, Typed},
    transport::IntoAddress,
};

/// What a generated blocking client holds.
#[derive(Clone, Debug)]
pub struct BlockingStub(Stub);

impl BlockingStub {
    /// A stub over `channel`.
    pub fn new(channel: Channel) -> Self {
        Self(Stub::new(channel))
    }

    /// The same, which knows the types of the methods of `T`.
    #[inline]
    pub fn of<T: Typed>(&self) -> &Self {
        self.0.of::<T>();
        self
    }

    pub(super) fn connect(address: impl IntoAddress) -> Result<Channel, Error> {
        let address = address.into_address()?;
        block_on(Channel::connect(address))?
    }

    pub(super) fn channel(&self) -> &Channel {
        self.0.channel()
    }

    pub(super) fn with_timeout(self, timeout: Duration) -> Self {
        Self(self.0.with_timeout(timeout))
    }

    pub(super) fn with_item_timeout(self, timeout: Duration) -> Self {
        Self(self.0.with_item_timeout(timeout))
    }

    pub(super) fn with_metadata(self, change: impl FnOnce(&mut Metadata) -> Result<(), Error>) -> Self {
        Self(self.0.with_metadata(change))
    }

    pub(super) fn with_reply_metadata(self, capture: &ReplyMetadata) -> Self {
        Self(self.0.with_reply_metadata(capture))
    }

    /// Makes a call and waits for it.
    pub fn call<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> R {
        self.feeding(method, arguments, Feeds::default(), decode)
    }

    /// The same with streams among the arguments.
    pub fn feeding<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> R {
        finish(self.0.feeding(method, arguments, feeds, decode), method, decode)
    }

    /// The same where the answer opens a stream of items.
    pub fn opening<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> R {
        finish(self.0.opening(method, arguments, feeds, decode), method, decode)
    }

    /// The items that a call returns, which is made when the first of them is asked for.
    pub fn stream<I: 'static, F: Form<I>, A: Serialize>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
    ) -> BlockingStreaming<F::Seen> {
        BlockingStreaming::new::<I, F>(self.0.stream::<I, F, A>(method, arguments, feeds))
    }
}

/// Waits for a call.
fn finish<R>(call: Call<R>, method: &MethodDescriptor, decode: fn(Result<Answer, Error>) -> R) -> R {
    block_on(call).unwrap_or_else(|error| decode(Err(error.with_method(method.path))))
}

/// The items that a call of a blocking client returns; asking for one blocks the thread until it is there.
///
/// Its items are those of the asynchronous client. Dropping it cancels the call. Inside an asynchronous task the next
/// item is the error `FailedPrecondition`, and the last one.
///
/// ```no_run
/// # use farcall::stream::Stream;
/// # #[farcall::service] pub trait Inventory {
/// #     fn watch(&self, sku: &str) -> impl Stream<Item = farcall::Result<u32>>;
/// # }
/// # fn example(inventory: InventoryBlockingClient) -> farcall::Result<()> {
/// for count in inventory.watch("apple") {
///     println!("{} apples", count?);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is iterated over"]
pub struct BlockingStreaming<I> {
    /// `None` when it has ended.
    stream: Option<Streaming<I>>,
    failed: fn(Error) -> I,
}

impl<I> BlockingStreaming<I> {
    fn new<T, F: Form<T, Seen = I>>(stream: Streaming<I>) -> Self {
        Self {
            stream: Some(stream),
            failed: |error| F::seen(Err(error)),
        }
    }
}

impl<I> Iterator for BlockingStreaming<I> {
    type Item = I;

    fn next(&mut self) -> Option<I> {
        let stream = self.stream.as_mut()?;
        let item = block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)));
        if !matches!(item, Ok(Some(_))) {
            self.stream = None;
        }
        item.unwrap_or_else(|error| Some((self.failed)(error)))
    }
}

impl<I> fmt::Debug for BlockingStreaming<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingStreaming").finish_non_exhaustive()
    }
}

/// As [`fallible_stream`], for a blocking client.
///
/// # Errors
/// As there.
pub fn fallible_iterator<I, F, E>(answer: Result<Answer, Error>) -> Result<BlockingStreaming<F::Seen>, E>
where
    I: 'static,
    F: Form<I>,
    E: DeserializeOwned + From<Error>,
{
    fallible_stream::<I, F, E>(answer).map(BlockingStreaming::new::<I, F>)
}

/// As [`plain_stream`], for a blocking client.
///
/// # Errors
/// As there.
pub fn plain_iterator<I: 'static, F: Form<I>>(
    answer: Result<Answer, Error>,
) -> Result<BlockingStreaming<F::Seen>, Error> {
    plain_stream::<I, F>(answer).map(BlockingStreaming::new::<I, F>)
}

/// The runtime that carries the connections of blocking clients: one thread, started with the first of them, for the
/// rest of the process.
fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let start = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("farcall-blocking")
            .enable_all()
            .build()
    };
    RUNTIME.get_or_init(start).as_ref().map_err(|error| {
        Error::internal(format!("the runtime of blocking clients cannot be started: {error}"))
            .with_outcome(Outcome::NotExecuted)
    })
}

/// Runs a future on this thread while the runtime of blocking clients does the work.
fn block_on<F: Future>(future: F) -> Result<F::Output, Error> {
    if inside_async_task() {
        return Err(Error::failed_precondition(
            "a blocking client was used inside an asynchronous task, which it would block; use the asynchronous client \
             there, or move the call into `tokio::task::spawn_blocking`",
        )
        .with_outcome(Outcome::NotExecuted));
    }
    if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
        let text = "a blocking client was used by a destructor of a thread-local value, while its thread ends";
        return Err(Error::failed_precondition(text).with_outcome(Outcome::NotExecuted));
    }
    let _entered = runtime()?.enter();
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Ok(output);
        }
        // The thread's own token is not enough: a stream among the arguments that parks the thread while it is polled
        // takes it.
        while !unpark.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// Whether this thread polls an asynchronous task of tokio's.
///
/// Inside `spawn_blocking` there is a runtime as well, and blocking is right there. The two differ in their budget:
/// only a task's is ever used up. What this takes of it is no loss, since the task gets an error and should not be
/// here.
fn inside_async_task() -> bool {
    const MORE_THAN_ANY_BUDGET: usize = 1024;
    if Handle::try_current().is_err() {
        return false;
    }
    let mut cx = Context::from_waker(Waker::noop());
    (0..MORE_THAN_ANY_BUDGET).any(|_| pin!(tokio::task::consume_budget()).poll(&mut cx).is_pending())
}

struct Unpark {
    thread: Thread,
    /// Since the latest poll began.
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_wake_is_not_lost_to_a_poll_that_parks_its_thread() {
        let (done, waits) = mpsc::channel();
        thread::spawn(move || {
            let mut polls = 0;
            let output = block_on(poll_fn(|cx| {
                polls += 1;
                if polls > 1 {
                    return Poll::Ready(polls);
                }
                cx.waker().wake_by_ref();
                // As a stream among the arguments does that takes its items out of a queue of the standard library.
                thread::park_timeout(Duration::ZERO);
                Poll::Pending
            }));
            done.send(output)
        });
        let output = waits.recv_timeout(Duration::from_secs(10)).expect("it is polled again");
        assert_eq!(output.ok(), Some(2));
    }
}
