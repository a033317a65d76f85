//! What goes on after the answers of a connection's calls.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use tokio::{runtime::Handle, sync::watch, task::AbortHandle};

use super::{
    host::{Host, Permit},
    work::Work,
};
use crate::{
    Error,
    driver::{Busy, Link},
    service::Context as CallContext,
    sync::Mutex,
};

/// The handlers of a connection that have answered and go on, because they feed the streams of their answers. Other
/// calls may have the ids of their calls already. They end with the connection.
pub(super) struct Continuations {
    /// Held weakly: a handler that outlives its connection knows of this, and ends with the host.
    host: Weak<Host>,
    link: Arc<Link>,
    runtime: Handle,
    /// `None` when the connection is gone.
    going_on: Mutex<Option<Vec<GoingOn>>>,
}

struct GoingOn {
    task: AbortHandle,
    context: CallContext,
}

/// One of them. It counts as a call that runs, and a connection that drains waits for it.
struct RunningContinuation {
    /// Dropped before the rest: the handler has stopped before its place is free.
    work: Work,
    _permit: Option<Permit>,
    _counted: watch::Receiver<()>,
    _busy: Busy,
}

impl Continuations {
    pub(super) fn new(host: &Arc<Host>, link: Arc<Link>, runtime: Handle) -> Self {
        Self {
            host: Arc::downgrade(host),
            link,
            runtime,
            going_on: Mutex::new(Some(Vec::new())),
        }
    }

    /// Lets a handler go on that has answered.
    ///
    /// # Errors
    /// When there are too many; usually `max_streams` refuses first.
    pub(super) fn spawn(&self, work: Work, permit: Option<Permit>) -> Result<(), Error> {
        let Some(host) = self.host.upgrade() else {
            return Err(Error::unavailable("the server is gone"));
        };
        let limit = host.limits().max_streams;
        if self.count(limit) >= limit {
            let more = if limit == 0 { "no handlers" } else { "no more handlers" };
            return Err(Error::resource_exhausted(format!(
                "the side that answers allows {more} to send streams on this connection: its limit (`max_streams`) is \
                 {limit}"
            )));
        }
        let context = work.context();
        let remainder = RunningContinuation {
            work,
            _permit: permit,
            _counted: host.count(),
            _busy: self.link.busy(),
        };
        // Outside the lock: a runtime that shuts down drops the task at once, and runs destructors of the handler's.
        let task = self.runtime.spawn(remainder).abort_handle();
        let going_on = GoingOn { task, context };
        if let Some(gone) = self.enlist(going_on) {
            gone.stop();
        }
        Ok(())
    }

    /// Gives it back when the connection is gone: stopping it wakes foreign code, so that is not done under the lock.
    fn enlist(&self, one: GoingOn) -> Option<GoingOn> {
        match &mut *self.going_on.lock() {
            Some(others) => {
                others.push(one);
                None
            }
            None => Some(one),
        }
    }

    /// How many go on. Those that have ended are taken out when the list would grow, so it stays as short as possible.
    fn count(&self, limit: usize) -> usize {
        let mut going_on = self.going_on.lock();
        let Some(going_on) = &mut *going_on else { return 0 };
        if going_on.len() >= limit.min(going_on.capacity()) {
            going_on.retain(|one| !one.task.is_finished());
        }
        going_on.len()
    }

    /// The connection is gone, and so are the receivers of their items.
    pub(super) fn stop(&self) {
        let going_on = self.going_on.lock().take();
        going_on.into_iter().flatten().for_each(|one| one.stop());
    }
}

impl GoingOn {
    fn stop(&self) {
        self.context.cancel();
        self.task.abort();
    }
}

impl Future for RunningContinuation {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work.poll_rest(cx)
    }
}
