//! Connections that are made when they are needed, one at a time.

mod attempt;
mod backoff;
mod dial;

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, task::AbortHandle, time::Instant};

use attempt::{Attempting, SharedAttempt};
use backoff::Backoff;

use crate::{
    Address, Error, Limits, Outcome,
    clock::now,
    codec::Format,
    contract::ContractCheck,
    dispatch::{Host, Manner, Router},
    driver::Link,
    sync::Mutex,
    told::Ending,
    transport::Connector,
};

/// The connections of a channel to a server, one after the other.
pub(crate) struct Reconnect {
    connector: Arc<dyn Connector>,
    format: Format,
    timeout: Option<Duration>,
    /// Answers calls to the objects that this side gave away.
    host: Arc<Host>,
    runtime: Option<Handle>,
    phase: Mutex<ReconnectState>,
    state: watch::Sender<ChannelState>,
}

/// Whether a channel has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelState {
    /// Of a server: there is no connection, and the next call makes one. Of an object: it is revoked, or its connection
    /// has ended, and it will not come back.
    Idle,
    /// An attempt to connect is running, or waits for its time.
    Connecting,
    /// Connected to the server. The object can be called.
    Ready,
}

/// Where the channel stands. The lock around it is held for a few instructions only.
struct ReconnectState {
    link: Option<Arc<Link>>,
    /// The end of the latest connection, which may have come.
    ending: Option<Arc<Ending>>,
    /// When the latest connection was opened.
    since: std::time::Instant,
    dial: Option<Dial>,
    backoff: Backoff,
}

/// An attempt to connect, shared by all that wait for it.
struct Dial {
    attempt: Arc<SharedAttempt>,
    task: AbortHandle,
}

/// The connection, or the attempt that will have it.
enum LinkOrDial {
    Link(Arc<Link>),
    Dial(Arc<SharedAttempt>),
}

impl Reconnect {
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        limits: Limits,
        contracts: ContractCheck,
        format: Format,
        timeout: Option<Duration>,
        runtime: Option<Handle>,
        seed: Option<u64>,
    ) -> Arc<Self> {
        let manner = Manner {
            contracts,
            ..Manner::default()
        };
        let host = Host::new(Router::default(), Vec::new(), limits, None, None, manner);
        Arc::new(Self {
            connector,
            format,
            timeout,
            host,
            runtime,
            phase: Mutex::new(ReconnectState {
                link: None,
                ending: None,
                since: now(),
                dial: None,
                backoff: Backoff::new(seed),
            }),
            state: watch::Sender::new(ChannelState::Idle),
        })
    }

    fn lock(&self) -> MutexGuard<'_, ReconnectState> {
        self.phase.lock()
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> &Address {
        self.connector.address()
    }

    pub(crate) fn state(&self) -> ChannelState {
        self.lock().state()
    }

    pub(crate) fn watch_state(&self) -> watch::Receiver<ChannelState> {
        self.state.subscribe()
    }

    /// The end of the latest connection, if there was one.
    pub(crate) fn ending(&self) -> Option<Arc<Ending>> {
        self.lock().ending.clone()
    }

    /// The connection, if there is one. It may not take calls any more: the call finds that out.
    pub(crate) fn current_link(&self) -> Option<Arc<Link>> {
        self.lock().link.clone()
    }

    /// The connection, made if there is none. Cancel safe: the attempt goes on for the other calls that wait for it.
    pub(crate) async fn link(self: &Arc<Self>) -> Result<Arc<Link>, Error> {
        match self.link_or_dial()? {
            LinkOrDial::Link(link) => Ok(link),
            LinkOrDial::Dial(attempt) => attempt.wait().await,
        }
    }

    fn link_or_dial(self: &Arc<Self>) -> Result<LinkOrDial, Error> {
        let mut phase = self.lock();
        if let Some(link) = phase.open_link() {
            return Ok(LinkOrDial::Link(Arc::clone(link)));
        }
        if let Some(dial) = phase.dial.as_ref().filter(|dial| !dial.task.is_finished()) {
            return Ok(LinkOrDial::Dial(Arc::clone(&dial.attempt)));
        }
        let runtime = self.runtime()?;
        phase.retire();
        let (attempting, attempt) = Attempting::new();
        let not_before = phase.backoff.next().map(Instant::from_std);
        let task = runtime
            .spawn(dial::dial(Arc::downgrade(self), not_before, attempting))
            .abort_handle();
        phase.dial = Some(Dial {
            attempt: Arc::clone(&attempt),
            task,
        });
        drop(phase);
        self.show_state();
        Ok(LinkOrDial::Dial(attempt))
    }

    /// The runtime that was chosen for the connections.
    pub(crate) fn own_runtime(&self) -> Option<Handle> {
        self.runtime.clone()
    }

    /// The runtime that is to carry the next connection.
    pub(crate) fn runtime(&self) -> Result<Handle, Error> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.clone()),
            None => Handle::try_current().map_err(|_| outside_runtime()),
        }
    }

    /// An attempt succeeded.
    fn connected(&self, link: &Arc<Link>) {
        let mut phase = self.lock();
        phase.link = Some(Arc::clone(link));
        phase.ending = Some(Arc::clone(link.ending()));
        phase.since = now();
        // The task goes on and carries the connection; a call that finds it closed needs another attempt.
        phase.dial = None;
        drop(phase);
        self.show_state();
    }

    /// An attempt failed.
    fn failed(&self, now: Instant) {
        let mut phase = self.lock();
        phase.backoff.failed(now.into_std());
        // Calls do not join an attempt whose end is known, even though its task may take a moment to finish.
        phase.dial = None;
        drop(phase);
        self.show_state();
    }

    /// A connection is over. Its successor may be there already.
    fn lost(&self, link: &Arc<Link>) {
        let mut phase = self.lock();
        if phase.link.as_ref().is_some_and(|current| Arc::ptr_eq(current, link)) {
            phase.retire();
            drop(phase);
            self.show_state();
        }
    }

    /// Tells the tasks that watch. The state is read inside, so that of two threads at the same time the later one
    /// shows what both have done.
    fn show_state(&self) {
        self.state.send_if_modified(|shown| {
            let state = self.lock().state();
            std::mem::replace(shown, state) != state
        });
    }
}

/// The error for a call without a runtime.
pub(crate) fn outside_runtime() -> Error {
    let text = "a call was made outside a tokio runtime; make it inside one, or use the blocking client";
    Error::failed_precondition(text).with_outcome(Outcome::NotExecuted)
}

impl ReconnectState {
    fn open_link(&self) -> Option<&Arc<Link>> {
        self.link.as_ref().filter(|link| link.is_open())
    }

    /// The connection takes no calls any more.
    fn retire(&mut self) {
        if let Some(link) = self.link.take() {
            self.backoff.ended(self.since, link.has_answered(), now());
        }
    }

    fn state(&self) -> ChannelState {
        if self.open_link().is_some() {
            ChannelState::Ready
        } else if self.dial.as_ref().is_some_and(|dial| !dial.task.is_finished()) {
            ChannelState::Connecting
        } else {
            ChannelState::Idle
        }
    }
}

impl Drop for Reconnect {
    /// The last channel and call are gone: an attempt stops. An open connection writes what is queued, and closes when
    /// its streams and objects are gone, too.
    fn drop(&mut self) {
        let phase = self.phase.get_mut();
        if let Some(link) = phase.link.take() {
            link.finish();
        }
        if let Some(dial) = phase.dial.take() {
            dial.task.abort();
        }
    }
}
