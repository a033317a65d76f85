//! Calls that block their thread.

use std::{
    future::Future,
    io,
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use serde::Serialize;
use tokio::runtime::{Builder, Handle, Runtime};

use super::{Channel, ReplyMetadata, Stub, decode::Answer};
use crate::{Error, Metadata, Outcome, service::MethodDescriptor, transport::IntoAddress};

/// What a generated blocking client holds.
#[derive(Clone, Debug)]
pub struct BlockingStub(Stub);

impl BlockingStub {
    /// A stub over `channel`.
    pub fn new(channel: Channel) -> Self {
        Self(Stub::new(channel))
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
        match block_on(self.0.call(method, arguments, decode)) {
            Ok(result) => result,
            Err(error) => decode(Err(error.with_method(method.path))),
        }
    }
}

/// The runtime that carries the connections of blocking clients: one thread, started with the first of them, for the rest of
/// the process.
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
            "a blocking client was used inside an asynchronous task, which it would hold up; use the asynchronous client \
             there, or move the call into `tokio::task::spawn_blocking`",
        )
        .with_outcome(Outcome::NotExecuted));
    }
    if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
        let text = "a blocking client was used while its thread ends, by a destructor of a thread-local value";
        return Err(Error::failed_precondition(text).with_outcome(Outcome::NotExecuted));
    }
    let _entered = runtime()?.enter();
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Ok(output);
        }
        // A wake that came since the poll makes this return at once; one without reason costs one poll.
        thread::park();
    }
}

/// Whether this thread polls an asynchronous task of tokio's.
///
/// Inside `spawn_blocking` there is a runtime as well, and blocking is right there. The two differ in their budget: only a
/// task's is ever used up. What this takes of it is no loss, since the task gets an error and should not be here.
fn inside_async_task() -> bool {
    const MORE_THAN_ANY_BUDGET: usize = 1024;
    if Handle::try_current().is_err() {
        return false;
    }
    let mut cx = Context::from_waker(Waker::noop());
    (0..MORE_THAN_ANY_BUDGET).any(|_| pin!(tokio::task::consume_budget()).poll(&mut cx).is_pending())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
