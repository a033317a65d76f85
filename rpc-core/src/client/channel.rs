//! A channel: the way to one server or one object.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::watch};

use crate::{
    Address, Code, Error, Metadata,
    dispatch::local_address,
    driver::Import,
    driver::attachments::Wire,
    driver::attachments::revoked,
    layer::Next,
    proto::fnv1a,
    reconnect::{ChannelState, Reconnect, outside_runtime},
    service::{LocalObject, Service},
    told::Ending,
};

/// The way to one server, or to one object, shared by any number of clients and tasks; cloning it is cheap.
///
/// A channel to a server outlives its connections. When one is lost, the calls in flight end with the right
/// [`Outcome`](crate::Outcome), and the next call dials again. One attempt serves all calls that wait, and the pause
/// between attempts grows from 50 ms to 1 s, with jitter. A channel without calls does not dial. A call is never sent
/// twice.
///
/// The connection closes when all clones of the channel and all its calls are gone, and all streams and objects that
/// came over it.
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
///
/// # Objects
/// A client that came out of a call, as an argument, a result or an item, has a channel to one object: an object of the
/// peer, or one of this process ([`Channel::local`]), which is called without a network. An object of the peer belongs
/// to the connection over which its reference came. When that connection is lost, so is the object: calls fail as
/// [`Unavailable`](Code::Unavailable), and the channel does not dial again.
///
/// A client of a server that listens is sent as the server's address instead, without its options. The receiver dials
/// that address with the first call, so look at [`address`](Self::address) before you call a client that came from a
/// peer you do not trust.
#[derive(Clone)]
pub struct Channel {
    inner: Arc<ChannelInner>,
    instance: Option<Instance>,
}

/// A named instance: its hash on the wire, its name in errors.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) id: u64,
    pub(super) name: Arc<str>,
}

pub(super) struct ChannelInner {
    pub(super) target: CallTarget,
    /// How arguments are written, and results read.
    pub(super) wire: Wire,
    /// How long a call may take unless the method or the client sets another time.
    pub(super) timeout: Option<Duration>,
    pub(super) metadata: Metadata,
    pub(super) layers: Option<Next>,
}

/// Where calls go.
pub(super) enum CallTarget {
    /// To a server, over connections that are made when they are needed.
    Server(Arc<Reconnect>),
    /// To an object behind the connection over which its reference came.
    Remote(Arc<Import>),
    /// To an object in this process.
    Local(Arc<LocalObject>),
}

impl Channel {
    /// A channel to an object of this process: `service` becomes an object that can be called here without a network,
    /// and by every peer that gets a client with this channel.
    ///
    /// The object lives as long as there is a channel to it, here or elsewhere; two objects that hold each other across
    /// a connection live as long as the connection. A handler runs inside the call's own future and ends with it,
    /// except for `detached` and `oneway` handlers, which end with the object at the latest. Calls made here have no
    /// deadline unless one is set; calls from elsewhere have the caller's.
    ///
    /// At most 1,024 calls to objects of one process may wait for each other, one inside the other. The next one is
    /// refused as [`ResourceExhausted`](Code::ResourceExhausted), so an object that calls itself without end gets an
    /// error.
    ///
    /// ```
    /// # #[farcall::service] pub trait Inventory { async fn stock(&self) -> u64; }
    /// # struct Warehouse;
    /// # impl Inventory for Warehouse { async fn stock(&self) -> u64 { 7 } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> farcall::Result<()> {
    /// use farcall::Channel;
    ///
    /// let channel = Channel::local(InventoryServer::new(Warehouse));
    /// let inventory = InventoryClient::new(channel.clone());
    /// assert_eq!(inventory.stock().await?, 7);
    ///
    /// assert!(channel.revoke());
    /// assert_eq!(inventory.stock().await.unwrap_err().code(), farcall::Code::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    pub fn local(service: impl Service) -> Self {
        Self::to_object(LocalObject::new(Arc::new(service)))
    }

    /// A channel to an object of this process.
    pub(super) fn to_object(object: Arc<LocalObject>) -> Self {
        Self::bare(Arc::new(ChannelInner {
            target: CallTarget::Local(object),
            wire: Wire {
                near: true,
                checks: true,
                ..Wire::default()
            },
            timeout: None,
            metadata: Metadata::new(),
            layers: None,
        }))
    }

    /// A channel to an object of the peer.
    pub(super) fn to_import(import: Arc<Import>) -> Self {
        let (wire, timeout) = (import.link().wire(), import.link().timeout());
        Self::bare(Arc::new(ChannelInner {
            target: CallTarget::Remote(import),
            wire,
            timeout,
            metadata: Metadata::new(),
            layers: None,
        }))
    }

    pub(super) fn bare(inner: Arc<ChannelInner>) -> Self {
        Self { inner, instance: None }
    }

    pub(super) fn instance(mut self, name: Option<&str>) -> Self {
        self.instance = name.map(|name| Instance {
            id: fnv1a(name),
            name: Arc::from(name),
        });
        self
    }

    /// The same connection, with calls going to the instance registered under `name`; `None` for the services without
    /// an instance name. It has no effect on a channel to an object.
    #[must_use]
    pub fn with_instance<'a>(&self, name: impl Into<Option<&'a str>>) -> Self {
        self.clone().instance(name.into())
    }

    pub(super) fn named_instance(&self) -> Option<&Instance> {
        self.instance.as_ref()
    }

    /// The address of the server. For an object of the peer it is the peer's address as the connection knows it, and
    /// for an object of this process it is `local://`.
    pub fn address(&self) -> &Address {
        match &self.inner.target {
            CallTarget::Server(server) => server.address(),
            CallTarget::Remote(import) => import.link().peer().address(),
            CallTarget::Local(_) => local_address(),
        }
    }

    /// Takes an object of this process back: from now on all calls to it fail as [`NotFound`](Code::NotFound) and are
    /// not executed, and its implementation is dropped as soon as the running calls have ended.
    ///
    /// Returns `false` if the object is revoked already, and for every channel that does not lead to an object of this
    /// process.
    pub fn revoke(&self) -> bool {
        match &self.inner.target {
            CallTarget::Local(object) => object.revoke(),
            CallTarget::Server(_) | CallTarget::Remote(_) => false,
        }
    }

    /// Whether there is a connection now. It may be lost the moment after; there is no need to ask before a call.
    ///
    /// A channel to an object is `Ready` until, as far as this side knows, calls to the object must fail: when the
    /// object is revoked here, or its connection takes no new calls, the channel is `Idle` for good. This side learns
    /// that the other side has revoked the object only while a task [waits](Self::closed) for that or
    /// [watches](Self::watch_state) the channel.
    pub fn state(&self) -> ChannelState {
        let callable = match &self.inner.target {
            CallTarget::Server(server) => return server.state(),
            CallTarget::Remote(import) => import.is_callable(),
            CallTarget::Local(object) => !object.is_revoked(),
        };
        if callable {
            ChannelState::Ready
        } else {
            ChannelState::Idle
        }
    }

    /// Whether it leads to an object that cannot be called any more, for good.
    pub(crate) fn is_gone(&self) -> bool {
        !matches!(self.inner.target, CallTarget::Server(_)) && self.state() == ChannelState::Idle
    }

    /// Watches [`state`](Self::state). For a channel to an object it shows `Ready` until the object is
    /// [gone](Self::closed), then `Idle` as the last state.
    pub fn watch_state(&self) -> StateWatch {
        StateWatch(match &self.inner.target {
            CallTarget::Server(server) => Watched::Server(server.watch_state()),
            CallTarget::Remote(import) => Watched::object(import.ending()),
            CallTarget::Local(object) => Watched::object(Arc::clone(object.ending())),
        })
    }

    /// Waits for the end of what the channel leads to, and gives the reason.
    ///
    /// - For an object of the peer: until the peer revokes it (this side is told at once), or until its connection has
    ///   ended.
    /// - For an object of this process: until it is [revoked](Self::revoke).
    /// - For a server: until the current connection has ended, also for lack of use. Without a connection it returns at
    ///   once, with the reason for which the last one ended, or with an error that says that there was none. It does
    ///   not dial; the next call does, and its connection has an end of its own.
    ///
    /// A peer that vanishes without a word is noticed after twice [`Limits::keepalive`](crate::Limits::keepalive). The
    /// error belongs to no call.
    ///
    /// Cancel safe.
    ///
    /// ```
    /// # #[farcall::service] pub trait Inventory { async fn stock(&self) -> u64; }
    /// # struct Warehouse;
    /// # impl Inventory for Warehouse { async fn stock(&self) -> u64 { 7 } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> farcall::Result<()> {
    /// use farcall::{Channel, Code};
    ///
    /// let channel = Channel::local(InventoryServer::new(Warehouse));
    /// let inventory = InventoryClient::new(channel.clone());
    /// let closed = tokio::spawn(async move { inventory.closed().await });
    ///
    /// channel.revoke();
    /// assert_eq!(closed.await.unwrap().code(), Code::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn closed(&self) -> Error {
        match self.ending() {
            Some(ending) => ending.wait().await,
            None => Error::refused(Code::Unavailable, "the channel has had no connection yet"),
        }
    }

    fn ending(&self) -> Option<Arc<Ending>> {
        match &self.inner.target {
            CallTarget::Server(server) => server.ending(),
            CallTarget::Remote(import) => Some(import.ending()),
            CallTarget::Local(object) => Some(Arc::clone(object.ending())),
        }
    }

    /// Asks the peer to tell when it revokes the object, so that [`is_gone`](Self::is_gone) knows.
    pub(crate) fn follow(&self) {
        if let CallTarget::Remote(import) = &self.inner.target {
            import.ending();
        }
    }

    /// Waits for a connection, and dials if there is none.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// When the attempt fails; there is only one. For an object, when [`state`](Self::state) is `Idle`.
    pub async fn ready(&self) -> Result<(), Error> {
        match (&self.inner.target, self.state()) {
            (CallTarget::Server(server), _) => server.link().await.map(drop),
            (_, ChannelState::Ready) => Ok(()),
            (CallTarget::Remote(import), _) if import.link().is_open() => Err(revoked()),
            (CallTarget::Remote(_), _) => Err(connection_gone()),
            (CallTarget::Local(_), _) => Err(revoked()),
        }
    }

    /// Whether it leads to an object of this process.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.inner.target, CallTarget::Local(_))
    }

    /// The runtime for timers outside any.
    pub(super) fn own_runtime(&self) -> Option<Handle> {
        match &self.inner.target {
            CallTarget::Server(server) => server.own_runtime(),
            CallTarget::Remote(_) | CallTarget::Local(_) => None,
        }
    }

    /// The runtime in which a call of this channel may wait for the clock.
    pub(super) fn runtime(&self) -> Result<Handle, Error> {
        match &self.inner.target {
            CallTarget::Server(server) => server.runtime(),
            CallTarget::Remote(_) | CallTarget::Local(_) => Handle::try_current().map_err(|_| outside_runtime()),
        }
    }

    pub(super) fn inner(&self) -> &ChannelInner {
        &self.inner
    }
}

/// A call to an object whose connection takes no more calls.
pub(super) fn connection_gone() -> Error {
    let text = "the connection over which this object came is gone: ask for a new reference";
    Error::refused_for_good(Code::Unavailable, text)
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Channel");
        debug.field("address", self.address()).field("state", &self.state());
        match (&self.inner.target, &self.instance) {
            (CallTarget::Remote(import), _) => debug.field("object", &import.object()),
            (CallTarget::Local(object), _) => debug.field("object", &object.descriptor().name),
            (CallTarget::Server(_), Some(instance)) => debug.field("instance", &instance.name),
            (CallTarget::Server(_), None) => &mut debug,
        };
        debug.finish_non_exhaustive()
    }
}

/// Watches a channel's state. It keeps neither the channel nor its connection alive.
#[derive(Clone, Debug)]
pub struct StateWatch(Watched);

#[derive(Clone, Debug)]
enum Watched {
    Server(watch::Receiver<ChannelState>),
    Object {
        ending: Arc<Ending>,
        /// The end was seen.
        seen: bool,
    },
}

impl Watched {
    fn object(ending: Arc<Ending>) -> Self {
        Self::Object { ending, seen: false }
    }
}

impl StateWatch {
    /// The latest state, which counts as seen from then on.
    pub fn state(&mut self) -> ChannelState {
        match &mut self.0 {
            Watched::Server(state) => *state.borrow_and_update(),
            Watched::Object { ending, seen } => {
                *seen = ending.is_told();
                if *seen { ChannelState::Idle } else { ChannelState::Ready }
            }
        }
    }

    /// Waits for a state that was not seen and returns it. Returns `None` when there will be no further change: the
    /// channel is gone, or the end of its object was seen. States that lasted only a moment may be skipped.
    ///
    /// Cancel safe.
    pub async fn changed(&mut self) -> Option<ChannelState> {
        match &mut self.0 {
            Watched::Server(state) => {
                state.changed().await.ok()?;
                Some(*state.borrow_and_update())
            }
            Watched::Object { seen: true, .. } => None,
            Watched::Object { ending, seen } => {
                ending.wait().await;
                *seen = true;
                Some(ChannelState::Idle)
            }
        }
    }
}
