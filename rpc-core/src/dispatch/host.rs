//! What the connections of one server, or of one channel, have in common.

use std::{sync::Arc, time::Instant};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use super::{pace::Pace, router::Router};
use crate::{
    Address, Code, Error, Identity, Limits, Peer, Service,
    auth::{Control, Gate},
    contract::ContractCheck,
    driver::{Quantity, Share, ShareRefusal, Shares, TooFast},
    layer::Next,
    sync::Mutex,
};

/// What the connections of one server, or of one channel, have in common: what is offered, and the running handlers.
pub(crate) struct Host {
    router: Router,
    /// The functions that make the services that each connection has for itself.
    own: Vec<MakeService>,
    pub(super) layers: Option<Next>,
    /// Who may call, if that is not everybody.
    control: Option<Arc<Control>>,
    /// Whether handlers get a task of their own from the start.
    pub(super) spawns: bool,
    /// Which methods get one because they compute for long.
    pub(super) pace: Pace,
    /// Whether callers are told the texts of panics.
    pub(super) tells_panics: bool,
    contracts: ContractCheck,
    /// Whether a caller with other types is told how they differ.
    pub(super) tells_types: bool,
    limits: Limits,
    shares: Arc<Shares>,
    /// Each handler in a task of its own has a receiver of this, which shows when the last of them has stopped.
    handlers: watch::Sender<()>,
    /// Handlers that outlive their connection. They end with the host.
    detached: Mutex<JoinSet<()>>,
}

/// Makes the service of the connection with this peer.
pub(crate) type MakeService = Box<dyn Fn(&Peer) -> Arc<dyn Service> + Send + Sync>;

/// A place among the handlers that a host runs at the same time; given back when it is dropped.
pub(super) struct Permit(Arc<Share>);

/// How a host runs its calls.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Handlers get a task of their own from the start.
    pub(crate) spawns: bool,
    /// Callers are told the texts of panics.
    pub(crate) tells_panics: bool,
    /// Whether contracts are checked.
    pub(crate) contracts: ContractCheck,
    /// Callers that ask for something that does not exist are not told what exists.
    pub(crate) hides_services: bool,
}

impl Host {
    pub(crate) fn new(
        router: Router,
        own: Vec<MakeService>,
        limits: Limits,
        layers: Option<Next>,
        control: Option<Arc<Control>>,
        manner: Manner,
    ) -> Arc<Self> {
        Arc::new(Self {
            router,
            own,
            layers,
            control,
            spawns: manner.spawns,
            pace: Pace::new(),
            tells_panics: manner.tells_panics,
            contracts: manner.contracts,
            tells_types: !manner.hides_services,
            shares: Shares::new(&limits),
            limits,
            handlers: watch::Sender::default(),
            detached: Mutex::default(),
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn contracts(&self) -> ContractCheck {
        self.contracts
    }

    pub(super) fn router(&self) -> &Router {
        &self.router
    }

    /// What decides about the calls of a connection with this peer, if anything does.
    pub(super) fn gate(&self, peer: &Arc<Peer>) -> Option<Arc<Gate>> {
        let control = self.control.as_ref()?;
        Some(Gate::new(Arc::clone(control), Arc::clone(peer)))
    }

    /// All that a connection with this peer can call, if it has services for itself.
    pub(super) fn own_router(&self, peer: &Peer) -> Option<Router> {
        let services = self.own.iter().map(|make| make(peer));
        (!self.own.is_empty()).then(|| self.router.with(services))
    }

    /// The share of the host that the peers with this identity have, or those at this address if they have none.
    pub(crate) fn share(&self, peer: &Address, identity: Option<&Identity>) -> Arc<Share> {
        self.shares.share(peer, identity)
    }

    /// How many handlers run now.
    pub(crate) fn running(&self) -> usize {
        self.shares.taken(Quantity::Calls)
    }

    /// Waits until the last handler in a task of its own has stopped. Cancel safe.
    pub(crate) async fn stopped(&self) {
        self.handlers.closed().await;
    }

    /// The handlers that outlive their connection, to be stopped.
    pub(crate) fn take_detached(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.detached.lock())
    }

    /// Held by each handler in a task of its own.
    pub(super) fn count(&self) -> watch::Receiver<()> {
        self.handlers.subscribe()
    }

    /// Runs a handler that may outlive its connection.
    pub(super) fn spawn_detached(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut detached = self.detached.lock();
        // Those that have ended are taken out, so the set holds only those that run.
        while detached.try_join_next().is_some() {}
        detached.spawn(task)
    }
}

impl Permit {
    /// A place for one more handler, of a call of so many bytes.
    pub(super) fn take(share: &Arc<Share>, bytes: usize, now: Instant) -> Result<Self, Error> {
        let too_fast = |why| Error::refused(Code::ResourceExhausted, too_many_in_a_second(why));
        share.count_call(bytes, now).map_err(too_fast)?;
        match share.take(Quantity::Calls, 1) {
            Ok(()) => Ok(Self(Arc::clone(share))),
            Err(why) => Err(Error::refused(Code::ResourceExhausted, too_many_calls(why))),
        }
    }
}

fn too_many_in_a_second(why: TooFast) -> String {
    let TooFast {
        what,
        rate,
        limit,
        wait,
    } = why;
    format!("the other side takes {rate} {what} in a second from one caller (`{limit}`); try again in {wait:?}")
}

fn too_many_calls(why: ShareRefusal) -> String {
    match why {
        ShareRefusal::Full { limit } => {
            format!("the other side runs {limit} calls already, its limit (`max_server_calls`)")
        }
        ShareRefusal::Share { own, limit, owner } => format!(
            "the other side runs {own} calls {owner}, and keeps the rest of its {limit} (`max_server_calls`) for others"
        ),
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give(Quantity::Calls, 1);
    }
}
