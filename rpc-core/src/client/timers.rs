//! How long the items of a result may take.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    time::{Sleep, sleep_until},
};

use crate::{Error, Outcome, clock::now, service::MethodDescriptor};

/// The deadline of a call, as it bounds the items of its result.
pub(super) struct Deadline {
    at: Instant,
    timer: Timer,
}

impl Deadline {
    pub(super) fn new(at: Instant, runtime: Option<Handle>) -> Self {
        Self {
            at,
            timer: Timer::new(runtime),
        }
    }

    /// Waits until it has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let passed = ready!(self.timer.poll(cx, || self.at));
        Poll::Ready(passed.err().unwrap_or_else(|| {
            Error::deadline_exceeded("the stream did not end before the deadline").with_outcome(Outcome::Unknown)
        }))
    }
}

/// The longest wait for an item, and for the answer that opens the stream.
pub(super) struct Idle {
    limit: Duration,
    method: &'static MethodDescriptor,
    timer: Timer,
}

impl Idle {
    pub(super) fn new(limit: Duration, method: &'static MethodDescriptor, runtime: Option<Handle>) -> Self {
        Self {
            limit,
            method,
            timer: Timer::new(runtime),
        }
    }

    /// What was waited for came.
    pub(super) fn restart(&mut self) {
        self.timer.armed = false;
    }

    /// Waits until no item has come for that long, counted from the first poll after the item before.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.poll_late(cx, |limit| format!("no item came within the item timeout of {limit:?}"))
    }

    /// The same for the answer that opens the stream, counted from the first poll.
    pub(super) fn poll_opening(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.poll_late(cx, |limit| {
            format!("no answer came within the item timeout of {limit:?}")
        })
    }

    fn poll_late(&mut self, cx: &mut Context<'_>, text: fn(Duration) -> String) -> Poll<Error> {
        let limit = self.limit;
        let passed = ready!(self.timer.poll(cx, || {
            let now = now();
            // A limit beyond what the clock can express is not a limit; this one is far enough.
            now.checked_add(limit).unwrap_or(now + Duration::from_secs(1 << 30))
        }));
        let error = passed
            .err()
            .unwrap_or_else(|| Error::deadline_exceeded(text(limit)).with_outcome(Outcome::Unknown));
        Poll::Ready(error.with_method(self.method.path))
    }
}

/// A timer that is made when it is needed first and used again.
struct Timer {
    /// Where timers run when the stream is polled outside any runtime.
    runtime: Option<Handle>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether the time to wait for is set.
    armed: bool,
}

impl Timer {
    fn new(runtime: Option<Handle>) -> Self {
        Self {
            runtime,
            sleep: None,
            armed: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, at: impl FnOnce() -> Instant) -> Poll<Result<(), Error>> {
        if !self.armed {
            self.arm(at().into())?;
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx).map(Ok),
            None => Poll::Pending,
        }
    }

    fn arm(&mut self, at: tokio::time::Instant) -> Result<(), Error> {
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(at);
        } else {
            // The caller's own runtime surely runs.
            let runtime = Handle::try_current().ok().or_else(|| self.runtime.clone());
            let runtime = runtime.ok_or_else(|| {
                Error::failed_precondition("a stream with a time limit was polled outside a tokio runtime")
                    .with_outcome(Outcome::Unknown)
            })?;
            let _entered = runtime.enter();
            self.sleep = Some(Box::pin(sleep_until(at)));
        }
        self.armed = true;
        Ok(())
    }
}
