//! What a server offers, before it runs.

use std::{fmt, sync::Arc};

use tower_service::Service as TowerService;

use super::{RunningServer, hooks::Hooks, reflecting::Reflecting, shared::ServerShared};
use crate::{
    Address, Code, Error, Limits, Peer, Service,
    auth::{Control, Rules, VerifyToken},
    contract::ContractCheck,
    dispatch::{Host, MakeService, Manner, Offer, Router, bottom},
    layer::{Layers, Next, Request, Response},
    transport::{IntoAddress, Listener, ServerSecurity},
};

/// Services and limits of a server; [`listen`](Self::listen) makes it run.
///
/// ```no_run
/// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
/// # struct Warehouse;
/// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 1 } }
/// # async fn example() -> farcall::Result<()> {
/// use std::time::Duration;
/// use farcall::{Limits, Server};
///
/// let server = Server::new()
///     .service(InventoryServer::new(Warehouse))
///     .limits(Limits::default().max_message(8 << 20))
///     .listen("tcp://127.0.0.1:0")
///     .await?;
/// println!("listening on {}", server.local_addr());
/// server.shutdown(Duration::from_secs(10)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "a server does nothing until it listens"]
pub struct Server {
    services: Vec<Offer>,
    per_connection: Vec<MakeService>,
    limits: Limits,
    layers: Layers,
    hooks: Hooks,
    manner: Manner,
    reflecting: Reflecting,
    /// How many threads of its own it has; 0 if it runs where it is started.
    shards: usize,
    security: ServerSecurity,
    control: Control,
}

impl Server {
    /// A server without services.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a service under its own name.
    pub fn service(mut self, service: impl Service) -> Self {
        self.services.push(Offer {
            instance: None,
            service: Arc::new(service),
        });
        self
    }

    /// Offers a service as the instance `name`, which clients select by the path of their address
    /// (`tcp://host:port/warehouse/eu`).
    pub fn named_service(mut self, name: impl Into<String>, service: impl Service) -> Self {
        self.services.push(Offer {
            instance: Some(Arc::from(name.into())),
            service: Arc::new(service),
        });
        self
    }

    /// Offers a service with an implementation for each connection: `make` is called with the peer's address when a
    /// connection opens, and the service that it returns is dropped when the connection and its last handler have
    /// ended. The state of the connection needs no map and no key: it is part of the implementation. See
    /// [`guide::sharing_state`](farcall::guide::sharing_state).
    ///
    /// Such a service hides a service of the same name that all connections share.
    /// `make` runs in the connection's task, so it must be quick; if it panics, that connection is closed.
    ///
    /// ```
    /// # #[farcall::service] pub trait Session { async fn next(&self) -> u32; }
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// use farcall::Server;
    ///
    /// #[derive(Default)]
    /// struct Counter(AtomicU32);
    ///
    /// impl Session for Counter {
    ///     async fn next(&self) -> u32 {
    ///         self.0.fetch_add(1, Ordering::Relaxed)
    ///     }
    /// }
    ///
    /// let server = Server::new().service_per_connection(|_peer| SessionServer::new(Counter::default()));
    /// # drop(server);
    /// ```
    pub fn service_per_connection<S: Service>(mut self, make: impl Fn(&Peer) -> S + Send + Sync + 'static) -> Self {
        let make = self.reflecting.noting(make);
        self.per_connection.push(make);
        self
    }

    /// Tells callers what the server offers, with the types and the docs of its traits: it adds the service
    /// [`farcall.Reflection`](mod@crate::reflection), which the command line asks. It is behind the layers, as every
    /// service is, so who may not call learns nothing. Off by default.
    #[cfg(feature = "reflection")]
    pub fn reflection(mut self) -> Self {
        self.reflecting.switch_on();
        self
    }

    /// What peers may do; see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Wraps every call in a tower layer; see [`layer`](crate::layer). The layer named first is the outermost. Calls
    /// beyond a limit are refused before they reach a layer. A call of a method that does not exist passes the layers
    /// as [`MethodDescriptor::UNKNOWN`](crate::service::MethodDescriptor::UNKNOWN) before it fails.
    ///
    /// With layers each call costs some allocations; without layers there is no cost.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: tower_layer::Layer<Next> + Send + 'static,
        L::Service: TowerService<Request, Response = Response> + Send + 'static,
        <L::Service as TowerService<Request>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as TowerService<Request>>::Future: Send,
    {
        self.layers.push(layer);
        self
    }

    /// Wraps every call in an async closure, which passes it on with [`Next::run`] or refuses it; a
    /// [`layer`](Self::layer) for the everyday case. It is cloned for each call, with what it holds.
    ///
    /// ```
    /// use farcall::{Error, Server};
    ///
    /// let server = Server::new().intercept(async |request, next| match request.metadata.value("authorization") {
    ///     Some("Bearer engine") => next.run(request).await,
    ///     _ => Err(Error::unauthenticated("the token is not valid")),
    /// });
    /// ```
    pub fn intercept<F, A>(mut self, interceptor: F) -> Self
    where
        F: FnOnce(Request, Next) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Response, Error>> + Send + 'static,
    {
        self.layers.intercept(interceptor);
        self
    }

    /// Lets callers do what `rules` allow, and nothing else; see [`auth`](crate::auth). Without rules everybody may
    /// call everything.
    ///
    /// The rules hold for all services, also for reflection and a registry of names. They are asked before layers,
    /// before arguments are decoded, and before the caller learns whether the method exists. Without rules a call costs
    /// nothing more; with rules, an allowed call allocates nothing for them.
    ///
    /// Given twice, the later rules count.
    pub fn authorize(mut self, rules: Rules) -> Self {
        self.control.rules = Some(Arc::new(rules));
        self
    }

    /// Verifies the bearer tokens that callers send as metadata `authorization`: [rules](Self::authorize), layers and
    /// handlers get the [`Principal`](crate::auth::Principal) that `verifier` makes of a token.
    ///
    /// A call without a token goes on without a principal. A call with a token that is not good is refused as
    /// [`Unauthenticated`](Code::Unauthenticated) and not executed, whatever it is for; if the verifier says
    /// [`Unavailable`](Code::Unavailable), so does the refusal.
    ///
    /// Each connection remembers the token that was verified last, for a minute or until the principal ends, whichever
    /// is sooner: a token that was revoked is good for that long on a connection that has used it.
    ///
    /// ```
    /// use farcall::{Error, Server, auth::{BearerToken, Principal}};
    ///
    /// # async fn introspect(_: &str) -> Result<String, Error> { Ok("ada".into()) }
    /// let server = Server::new().verify_tokens(async |token: BearerToken| {
    ///     let subject = introspect(token.secret()).await?; // or look at the signature of a JWT
    ///     Ok(Principal::new(subject))
    /// });
    /// # drop(server);
    /// ```
    pub fn verify_tokens(mut self, verifier: impl VerifyToken) -> Self {
        self.control.verifier = Some(Arc::new(verifier));
        self
    }

    /// Runs each handler in a task of its own from its start.
    ///
    /// By default a handler is first polled by the task of its connection, and moves to its own task when it has to
    /// wait: most handlers never wait, and cost no task. A handler that computes for more than a millisecond before its
    /// first await delays the other calls of its connection. The server notices: the next 256 calls of that method run
    /// beside the others, and 256 more after each of them that is long again. Calls of the methods that were polled
    /// together with it do the same for a moment. With this option, or `#[rpc(blocking)]` for that method alone, no
    /// call is delayed, not even once.
    ///
    /// In a runtime of one thread, a handler that computes delays everything in any case, but not with
    /// `#[rpc(blocking)]`.
    pub fn spawn_handlers(mut self) -> Self {
        self.manner.spawns = true;
        self
    }

    /// Runs the connections on threads of the server's own, each with a current-thread runtime: `count` of them, or one
    /// for each core of this machine if it is 0. A connection and its handlers stay on one thread, so nothing of a call
    /// passes from core to core.
    ///
    /// ```
    /// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
    /// # struct Warehouse;
    /// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 7 } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> farcall::Result<()> {
    /// use farcall::Server;
    ///
    /// let server = Server::new()
    ///     .service(InventoryServer::new(Warehouse))
    ///     .shards(2)
    ///     .listen("tcp://127.0.0.1:0")
    ///     .await?;
    /// assert_eq!(InventoryClient::connect(server.local_addr()).await?.ping().await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The shards are one server: they share the services, and every limit, hook and number is that of all of them.
    ///
    /// - A new connection goes to the shard that has the fewest. It is accepted on the runtime that called
    ///   [`listen`](Self::listen), which does nothing else for the server. Over UDP, on Linux, each shard has a socket
    ///   of its own at the same address (`SO_REUSEPORT`), and the system chooses by a hash of the client's address. A
    ///   client that moves keeps its shard: whichever socket its datagrams come to, they are handed on.
    /// - A handler that computes, or blocks, delays all connections of its shard, also with
    ///   [`spawn_handlers`](Self::spawn_handlers): use `#[rpc(blocking)]`. `tokio::task::block_in_place` panics on a
    ///   shard.
    /// - Tasks that a handler spawns run on its shard, and end with the server. Tokio's paused time does not reach
    ///   shards.
    /// - A handler that panics fails its own call, as ever. Should code outside of handlers, such as a waker, panic on
    ///   the thread of a shard, that is reported as a handler's panic is, and the server stops:
    ///   [`RunningServer::wait`] returns.
    ///
    /// The threads end with [`RunningServer::shutdown`], or when the server is dropped, which waits for them: no longer
    /// than what runs there takes to its next await, and a second at the most. A thread that is blocked longer ends by
    /// itself after that.
    ///
    /// [`start`](Self::start) and [`listen`](Self::listen) fail as `ResourceExhausted` if the system has no thread.
    pub fn shards(mut self, count: usize) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.shards = if count == 0 { cores() } else { count };
        self
    }

    /// Sends the texts of panics to callers: for development. By default a caller gets the method and an id, and the
    /// text stays in this process: it is on standard error beside the id, where the panic hook has written as well.
    pub fn send_panic_texts(mut self) -> Self {
        self.manner.tells_panics = true;
        self
    }

    /// Whether both sides check that they mean the same by a method before its first call on a connection; they do by
    /// default. See [`contract`](crate::contract).
    pub fn contracts(mut self, check: ContractCheck) -> Self {
        self.manner.contracts = check;
        self
    }

    /// Leaves the names of services, instances and methods out of errors: a caller who asks for one that does not exist
    /// learns only that, and not which ones exist; one whose types differ from the server's does not learn how they
    /// differ. For servers that strangers can reach.
    pub fn hide_services(mut self) -> Self {
        self.manner.hides_services = true;
        self
    }

    /// Calls `told` with the peer's address and the reason when a connection ends during the handshake: strangers,
    /// timeouts, refusals.
    pub fn on_failed_connection(mut self, told: impl Fn(&Address, &str) + Send + Sync + 'static) -> Self {
        self.hooks.failed = Some(Arc::new(told));
        self
    }

    /// Calls `told` with the peer's address when a connection is open: after the handshake, and before its first call.
    ///
    /// It runs in the connection's task, so it must be quick. [`on_disconnection`](Self::on_disconnection) follows for
    /// each connection.
    ///
    /// ```
    /// use farcall::Server;
    ///
    /// let server = Server::new()
    ///     .on_connection(|peer| println!("{peer} came"))
    ///     .on_disconnection(|peer, why| println!("{peer} left: {why}"));
    /// ```
    pub fn on_connection(mut self, told: impl Fn(&Peer) + Send + Sync + 'static) -> Self {
        self.hooks.opened = Some(Arc::new(told));
        self
    }

    /// Calls `told` with the peer and the reason when an open connection has ended, for any reason.
    ///
    /// It runs in the connection's task, so it must be quick. The connection's handlers were told to stop; some may
    /// still be stopping.
    pub fn on_disconnection(mut self, told: impl Fn(&Peer, &Error) + Send + Sync + 'static) -> Self {
        self.hooks.ended = Some(Arc::new(told));
        self
    }

    /// The certificate that the server shows at `tls://` and `quic://` addresses, and whether clients must show one.
    /// Without it the server does not listen there.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::tls::ServerTls) -> Self {
        self.security.tls = Some(tls);
        self
    }

    /// Runs the server and listens on `address`. Port 0 picks a port; [`RunningServer::local_addr`] returns it.
    ///
    /// Cancel safe: dropping the future stops everything.
    ///
    /// # Errors
    /// If the address is invalid or cannot be bound, if two services or methods have the same name (`AlreadyExists`),
    /// or if there is no service (`FailedPrecondition`).
    pub async fn listen(self, address: impl IntoAddress) -> Result<RunningServer, Error> {
        let address = address.into_address()?;
        let server = self.start()?;
        server.listen(address).await?;
        Ok(server)
    }

    /// Runs the server on a transport of your own. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If two services or methods have the same name, if there is no service, or outside a runtime.
    pub fn listen_on(self, listener: Box<dyn Listener>) -> Result<RunningServer, Error> {
        let server = self.start()?;
        server.listen_on(listener)?;
        Ok(server)
    }

    /// Runs the server without an address: it serves the streams that are given to [`RunningServer::serve`], and
    /// listens on addresses that are given to [`RunningServer::listen`].
    ///
    /// # Errors
    /// If two services or methods have the same name, if there is no service, or if a rule is wrong.
    pub fn start(self) -> Result<RunningServer, Error> {
        self.offering()?.run()
    }

    /// This server, if it has a service. Without one it could only refuse calls, so the program has forgotten to call
    /// `service`.
    fn offering(self) -> Result<Self, Error> {
        if self.services.is_empty() && self.per_connection.is_empty() {
            let message = "the server has no service; add one with `Server::service` before it starts";
            return Err(Error::refused(Code::FailedPrecondition, message));
        }
        Ok(self)
    }

    fn run(self) -> Result<RunningServer, Error> {
        if let Some(mistake) = self.control.rules.as_ref().and_then(|rules| rules.mistake()) {
            return Err(mistake);
        }
        let services = self.reflecting.with(self.services, self.control.rules.as_ref());
        let router = Router::new(services, self.manner.hides_services)?;
        let layers = self.layers.around(Next::bottom(bottom));
        let host = Host::new(
            router,
            self.per_connection,
            self.limits.normalised(),
            layers,
            self.control.into_shared(),
            self.manner,
        );
        RunningServer::new(ServerShared::new(host, self.hooks, self.security), self.shards)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .services
            .iter()
            .map(|offer| (&offer.instance, offer.service.descriptor().name));
        f.debug_struct("Server")
            .field("services", &names.collect::<Vec<_>>())
            .field("per_connection", &self.per_connection.len())
            .field("limits", &self.limits)
            .field("layers", &self.layers)
            .field("control", &self.control)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}
