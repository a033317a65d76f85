//! A channel: the way to one server, whatever happens to the connections that carry it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::watch, task::AbortHandle, time::Instant};

use super::{
    ChannelBuilder,
    attempt::{Attempt, Attempting},
    backoff::Backoff,
    call::RawCall,
    dial,
};
use crate::{
    Address, Error, Limits, Metadata,
    carry::Wire,
    codec::{DecodeLimits, Format},
    driver::Link,
    layer::Next,
    service::{fnv1a, now},
    transport::{Connector, IntoAddress},
};

/// The way to one server, shared by any number of clients and tasks; cloning it is cheap.
///
/// A channel outlives its connections. When one is lost, the calls in flight end with the right [`Outcome`](crate::Outcome),
/// and the next call dials again: one attempt serves all that wait, and attempts keep a growing, jittered distance of 50 ms
/// to 1 s. Nobody dials while there are no calls. A call is never sent twice.
///
/// The connection closes when the last clone of the channel and the last of its calls is gone.
///
/// ```no_run
/// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
/// # #[farcall::service] pub trait Orders { async fn ping(&self) -> u64; }
/// # async fn example() -> farcall::Result<()> {
/// use farcall::Channel;
///
/// let channel = Channel::connect("tcp://127.0.0.1:7401").await?;
/// let inventory = InventoryClient::new(channel.clone());
/// let orders = OrdersClient::new(channel);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
    instance: Option<Instance>,
}

/// A named instance: its hash on the wire, its name in errors.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) id: u64,
    pub(super) name: Arc<str>,
}

pub(super) struct Inner {
    pub(super) connector: Arc<dyn Connector>,
    pub(super) limits: Limits,
    pub(super) format: Format,
    pub(super) timeout: Option<std::time::Duration>,
    pub(super) metadata: Metadata,
    pub(super) layers: Option<Next>,
    runtime: Option<Handle>,
    phase: Mutex<Phase>,
    state: watch::Sender<ChannelState>,
}

/// Where the channel stands. The lock around it is held for a few instructions only.
struct Phase {
    link: Option<Arc<Link>>,
    /// When the latest connection was opened.
    since: std::time::Instant,
    dial: Option<Dial>,
    backoff: Backoff,
}

/// An attempt to connect, shared by all that wait for it.
struct Dial {
    attempt: Arc<Attempt>,
    task: AbortHandle,
}

/// The connection, or the attempt that will have it.
enum LinkOrDial {
    Link(Arc<Link>),
    Dial(Arc<Attempt>),
}

/// Whether a channel has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelState {
    /// No connection; the next call makes one.
    Idle,
    /// An attempt is under way, or waits for its time.
    Connecting,
    /// Connected.
    Ready,
}

impl Channel {
    /// Connects with default options; see [`ChannelBuilder::connect`].
    ///
    /// # Errors
    /// Fails fast with the cause.
    pub async fn connect(address: impl IntoAddress) -> Result<Self, Error> {
        Self::builder().connect(address).await
    }

    /// Options first.
    pub fn builder() -> ChannelBuilder {
        ChannelBuilder::default()
    }

    pub(super) fn new(builder: ChannelBuilder, connector: Arc<dyn Connector>, instance: Option<&str>) -> Self {
        let inner = Arc::new_cyclic(|inner: &std::sync::Weak<Inner>| {
            let inner = inner.clone();
            // The stack sits inside the channel that it calls, so it holds it weakly.
            let bottom = Next::bottom(move |request| super::call::bottom(inner.upgrade().map(Self::bare), request));
            Inner {
                connector,
                limits: builder.limits.normalised(),
                format: builder.format,
                timeout: builder.timeout,
                metadata: builder.metadata,
                layers: builder.layers.around(bottom),
                runtime: builder.runtime,
                phase: Mutex::new(Phase {
                    link: None,
                    since: now(),
                    dial: None,
                    backoff: Backoff::new(builder.seed),
                }),
                state: watch::Sender::new(ChannelState::Idle),
            }
        });
        Self::bare(inner).instance(instance)
    }

    fn bare(inner: Arc<Inner>) -> Self {
        Self { inner, instance: None }
    }

    fn instance(mut self, name: Option<&str>) -> Self {
        self.instance = name.map(|name| Instance {
            id: fnv1a(name),
            name: Arc::from(name),
        });
        self
    }

    /// The same connection, with calls going to the instance registered under `name`; `None` for the services without one.
    #[must_use]
    pub fn with_instance<'a>(&self, name: impl Into<Option<&'a str>>) -> Self {
        self.clone().instance(name.into())
    }

    pub(super) fn named_instance(&self) -> Option<&Instance> {
        self.instance.as_ref()
    }

    /// The address of the server.
    pub fn address(&self) -> &Address {
        self.inner.connector.address()
    }

    /// Whether there is a connection now. It may be lost the moment after; there is no need to ask before a call.
    pub fn state(&self) -> ChannelState {
        self.lock().state()
    }

    /// Watches [`state`](Self::state).
    pub fn watch_state(&self) -> StateWatch {
        StateWatch(self.inner.state.subscribe())
    }

    /// Waits for a connection, and dials if there is none.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// When the attempt fails; there is only one.
    pub async fn ready(&self) -> Result<(), Error> {
        self.link().await.map(|_| ())
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(super) fn decode_limits(&self) -> DecodeLimits {
        self.inner.wire().limits
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.inner.lock()
    }

    /// The connection, if there is one that takes calls.
    pub(super) fn current_link(&self) -> Option<Arc<Link>> {
        self.lock().link.as_ref().filter(|link| link.is_open()).cloned()
    }

    /// The connection, made if there is none. Cancel safe: the attempt goes on for the others who wait for it.
    pub(super) async fn link(&self) -> Result<Arc<Link>, Error> {
        match self.link_or_dial()? {
            LinkOrDial::Link(link) => Ok(link),
            LinkOrDial::Dial(attempt) => attempt.outcome().await,
        }
    }

    fn link_or_dial(&self) -> Result<LinkOrDial, Error> {
        let mut phase = self.lock();
        if let Some(link) = phase.link.as_ref().filter(|link| link.is_open()) {
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
            .spawn(dial::dial(Arc::downgrade(&self.inner), not_before, attempting))
            .abort_handle();
        phase.dial = Some(Dial {
            attempt: Arc::clone(&attempt),
            task,
        });
        drop(phase);
        self.inner.show_state();
        Ok(LinkOrDial::Dial(attempt))
    }

    /// The runtime that is to carry the next connection.
    pub(super) fn runtime(&self) -> Result<Handle, Error> {
        if let Some(runtime) = &self.inner.runtime {
            return Ok(runtime.clone());
        }
        Handle::try_current().map_err(|_| {
            Error::failed_precondition(
                "a call was made outside a tokio runtime; make it inside one, or use the blocking client",
            )
            .with_outcome(crate::Outcome::NotExecuted)
        })
    }

    /// An encoded call without the stub around it.
    pub(super) fn raw_call(&self, call: super::call::Outgoing) -> RawCall {
        RawCall::new(self.clone(), call)
    }
}

impl Phase {
    /// The connection takes no calls any more.
    fn retire(&mut self) {
        if let Some(link) = self.link.take() {
            self.backoff.ended(self.since, link.has_answered(), now());
        }
    }

    fn state(&self) -> ChannelState {
        if self.link.as_ref().is_some_and(|link| link.is_open()) {
            ChannelState::Ready
        } else if self.dial.as_ref().is_some_and(|dial| !dial.task.is_finished()) {
            ChannelState::Connecting
        } else {
            ChannelState::Idle
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How values are written on the channel's connections.
    pub(super) fn wire(&self) -> Wire {
        Wire {
            format: self.format,
            limits: DecodeLimits {
                depth: self.limits.max_depth,
                memory: self.limits.max_decoded,
            },
        }
    }

    /// An attempt succeeded.
    pub(super) fn connected(&self, link: &Arc<Link>) {
        let mut phase = self.lock();
        phase.link = Some(Arc::clone(link));
        phase.since = now();
        // The task goes on and carries the connection; whoever finds that closed needs an attempt of its own.
        phase.dial = None;
        drop(phase);
        self.show_state();
    }

    /// An attempt failed.
    pub(super) fn failed(&self, now: Instant) {
        let mut phase = self.lock();
        phase.backoff.failed(now.into_std());
        // Nobody joins an attempt whose end is known, even though its task may take a moment to finish.
        phase.dial = None;
        drop(phase);
        self.show_state();
    }

    /// A connection is over. Its successor may be there already.
    pub(super) fn lost(&self, link: &Arc<Link>) {
        let mut phase = self.lock();
        if phase.link.as_ref().is_some_and(|current| Arc::ptr_eq(current, link)) {
            phase.retire();
            drop(phase);
            self.show_state();
        }
    }

    /// Tells those who watch. The state is read inside, so of two threads that come at one time the later one shows what
    /// both have done.
    fn show_state(&self) {
        self.state.send_if_modified(|shown| {
            let state = self.lock().state();
            std::mem::replace(shown, state) != state
        });
    }
}

impl Drop for Inner {
    /// Nobody makes calls any more: an attempt stops, an open connection writes what is queued and closes.
    fn drop(&mut self) {
        let phase = self.phase.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = phase.link.take() {
            link.finish();
        }
        if let Some(dial) = phase.dial.take() {
            dial.task.abort();
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Channel");
        debug.field("address", self.address()).field("state", &self.state());
        if let Some(instance) = &self.instance {
            debug.field("instance", &instance.name);
        }
        debug.finish_non_exhaustive()
    }
}

/// Watches a channel's state. It keeps neither the channel nor its connection alive.
#[derive(Clone, Debug)]
pub struct StateWatch(watch::Receiver<ChannelState>);

impl StateWatch {
    /// The latest state, which counts as seen.
    pub fn state(&mut self) -> ChannelState {
        *self.0.borrow_and_update()
    }

    /// Waits for a change that was not seen and gives the new state; `None` when the channel is gone. States that lasted only
    /// a moment may be skipped.
    ///
    /// Cancel safe.
    pub async fn changed(&mut self) -> Option<ChannelState> {
        self.0.changed().await.ok()?;
        Some(*self.0.borrow_and_update())
    }
}
