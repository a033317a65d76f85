//! A server that runs.

use std::{
    fmt,
    sync::{Arc, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use super::{
    accept,
    shard::{here, shards_or_here},
    shared::ServerShared,
    threads::ShardThreads,
};
use crate::{
    Address, Error, Outcome, events,
    sync::Mutex,
    transport::{BoxStream, Connected, Incoming, IntoAddress, Listener, Listeners, bind_all},
};

/// A server that runs. Dropping it stops listening and cuts every connection; [`shutdown`](Self::shutdown) lets calls
/// finish first. Its addresses are certainly free again only after a shutdown. The threads of a server with
/// [shards](crate::Server::shards) have ended then, too; a drop waits for them for a second at the most.
#[must_use = "a server that is dropped stops at once"]
pub struct RunningServer {
    shared: Arc<ServerShared>,
    listening: Mutex<Vec<Listening>>,
    /// Listeners take no new connections from here on.
    stopping: watch::Sender<bool>,
    stopped: watch::Sender<bool>,
    threads: ShardThreads,
}

struct Listening {
    address: Address,
    tasks: Vec<JoinHandle<()>>,
}

impl RunningServer {
    /// A server with so many threads of its own.
    pub(super) fn new(shared: Arc<ServerShared>, shards: usize) -> Result<Self, Error> {
        let (stopping, stopped) = (watch::Sender::new(false), watch::Sender::new(false));
        let failed = {
            let (shared, stopping, stopped) = (Arc::clone(&shared), stopping.clone(), stopped.clone());
            // What is left of the server would take connections for a shard that is gone.
            move |why: &Error| {
                stopping.send_replace(true);
                shared.registry.abort(why);
                stopped.send_replace(true);
            }
        };
        Ok(Self {
            threads: ShardThreads::start(shards, failed)?,
            shared,
            listening: Mutex::default(),
            stopping,
            stopped,
        })
    }

    /// Listens on one more address, of any scheme, and returns it with the port that was picked.
    ///
    /// A host name may have several addresses, as `localhost` usually has. The server listens on all that this machine
    /// has, with the same port, and this returns the first; [`local_addrs`](Self::local_addrs) returns all of them.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// If the address is invalid or cannot be bound.
    pub async fn listen(&self, address: impl IntoAddress) -> Result<Address, Error> {
        let mut first = None;
        for listeners in bind_all(
            &address.into_address()?,
            &self.threads.runtimes(),
            &self.shared.security,
        )
        .await?
        {
            let address = self.listen_with(listeners)?;
            first.get_or_insert(address);
        }
        // There is one at least, or there was an error.
        first.ok_or_else(shutting_down)
    }

    /// Listens on a transport of your own. Must be called inside a tokio runtime.
    ///
    /// The listener is polled on that runtime, and so are its streams, unless the server has
    /// [shards](crate::Server::shards): then a shard polls them, and what an [`Incoming`] opens is opened there.
    /// Sockets of tokio should be made there, too, so that they wake their own thread.
    ///
    /// # Errors
    /// `FailedPrecondition` outside a runtime, or when the server is shutting down.
    pub fn listen_on(&self, listener: Box<dyn Listener>) -> Result<Address, Error> {
        self.listen_with(Listeners::One(listener))
    }

    /// Listens at one address.
    fn listen_with(&self, listeners: Listeners) -> Result<Address, Error> {
        let runtime = here()?;
        if self.shared.registry.is_draining() {
            return Err(shutting_down());
        }
        let shards = shards_or_here(self.threads.shards())?;
        let parts: Vec<_> = match listeners {
            Listeners::One(listener) => vec![(runtime, shards, listener)],
            Listeners::PerShard(listeners) => {
                let parts = shards.into_iter().zip(listeners);
                parts
                    .map(|(shard, own)| (shard.runtime().clone(), vec![shard], own))
                    .collect()
            }
        };
        // There is one at least.
        let address = parts.first().map(|(.., listener)| listener.local_address());
        let address = address.ok_or_else(shutting_down)?;
        let accepts = parts.into_iter().map(|(runtime, shards, listener)| {
            let (shared, stopping) = (Arc::clone(&self.shared), self.stopping.subscribe());
            runtime.spawn(accept::accept(shared, shards, listener, stopping))
        });
        let tasks: Vec<_> = accepts.collect();
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        self.lock().push(Listening {
            address: address.clone(),
            tasks,
        });
        // A shutdown may have begun, and even ended, since the check above.
        if self.shared.registry.is_draining() {
            aborts.iter().for_each(AbortHandle::abort);
            return Err(shutting_down());
        }
        Ok(address)
    }

    /// Serves one connection that did not come from a listener: a [`Connected`](crate::transport::Connected) stream, or
    /// an [`Incoming`] one that must be opened first. Must be called inside a tokio runtime; outside one, and after a
    /// shutdown has begun, the stream is dropped.
    ///
    /// ```
    /// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
    /// # struct Warehouse;
    /// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 1 } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use farcall::{Server, transport::Connected};
    /// use tokio::net::{TcpListener, TcpStream};
    ///
    /// let server = Server::new().service(InventoryServer::new(Warehouse)).start()?;
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    ///
    /// let (stream, peer) = listener.accept().await?; // in a loop of your own
    /// server.serve(Connected::new(Box::new(stream), peer.into()));
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve(&self, incoming: impl Into<Incoming>) {
        if let Ok(shards) = shards_or_here(self.threads.shards()) {
            accept::serve(&self.shared, &shards, incoming.into());
        }
    }

    /// Serves streams as long as the server runs, without keeping it.
    pub(crate) fn acceptor(&self) -> impl Fn(BoxStream) + Send + Sync + use<> {
        let (shared, peer) = (Arc::downgrade(&self.shared), self.local_addr());
        let own = self.threads.shards().to_vec();
        move |stream| {
            if let (Some(shared), Ok(shards)) = (shared.upgrade(), shards_or_here(&own)) {
                let connected = Connected::new(stream, peer.clone());
                let connected = if peer.is_near() { connected.near() } else { connected };
                accept::serve(&shared, &shards, connected.into());
            }
        }
    }

    /// The address listened on first, with the port that was picked; `none://` if the server does not listen.
    pub fn local_addr(&self) -> Address {
        self.lock()
            .first()
            .map_or_else(|| Address::custom("none://"), |listening| listening.address.clone())
    }

    /// Every address listened on.
    pub fn local_addrs(&self) -> Vec<Address> {
        self.lock().iter().map(|listening| listening.address.clone()).collect()
    }

    /// How many handlers run now.
    pub fn running_calls(&self) -> usize {
        self.shared.host.running()
    }

    /// Stops the server. It takes no new connections, tells its peers to go elsewhere, and gives running calls `grace`
    /// to finish; then it cuts what still runs. The streams of a call's result are part of the call. Channels, watched
    /// values and objects are not: they end with their connection when its last call has ended. Calls that arrive
    /// meanwhile are refused as `Unavailable` and not executed. Afterwards no handler runs, nor the destructor of one,
    /// except `#[rpc(blocking)]` handlers, which cannot be stopped.
    ///
    /// If a handler of this server waits for the shutdown, its own call still runs, so it is cut when the grace period
    /// is over.
    ///
    /// If the future is dropped during the grace period, the shutdown goes on, but the period does not end until the
    /// server is dropped or `shutdown` is called again.
    pub async fn shutdown(&self, grace: Duration) {
        events::shutdown_began(grace);
        self.stopping.send_replace(true);
        self.shared.registry.drain();
        let finished = async {
            self.shared.registry.emptied().await;
            // Handlers that outlive their connection go on, and destructors of those that were stopped may still run.
            self.shared.host.stopped().await;
        };
        let in_time = timeout(grace, finished).await.is_ok();
        let _over = GraceOver(self);
        if !in_time {
            events::shutdown_cuts(self.running_calls());
            let why = "the server shut down, and the time for calls under way was over";
            self.shared.registry.abort(&Error::unavailable(why));
            self.shared.registry.emptied().await;
            self.shared.host.take_detached().shutdown().await;
            self.shared.host.stopped().await;
        }
        // Those that carry their connections still listen.
        for task in self.stop_listening() {
            // From here on the address is free for a successor. The task was cancelled on purpose.
            let _ = task.await;
        }
        self.threads.stopped().await;
        events::shutdown_ended();
    }

    /// Waits until the server has shut down. Cancel safe.
    pub async fn wait(&self) {
        let mut stopped = self.stopped.subscribe();
        // The sender is a field of `self`, so it cannot be gone.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// Stops the tasks that listen; they have ended when they are joined.
    fn stop_listening(&self) -> Vec<JoinHandle<()>> {
        let mut listening = self.lock();
        let tasks: Vec<_> = listening
            .iter_mut()
            .flat_map(|listening| listening.tasks.drain(..))
            .collect();
        tasks.iter().for_each(JoinHandle::abort);
        tasks
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listening>> {
        self.listening.lock()
    }
}

/// A shutdown whose grace period is over. It ends even if its future is dropped: a handler that is cut may own that.
struct GraceOver<'a>(&'a RunningServer);

impl Drop for GraceOver<'_> {
    fn drop(&mut self) {
        drop(self.0.stop_listening());
        drop(self.0.shared.host.take_detached());
        self.0.threads.stop();
        self.0.stopped.send_replace(true);
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.shared
            .registry
            .abort(&Error::unavailable("the server was stopped"));
        // The tasks that listen are not cut: those that carry connections let them tell their peers why.
        self.stopping.send_replace(true);
    }
}

impl fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningServer")
            .field("local_addrs", &self.local_addrs())
            .field("running_calls", &self.running_calls())
            .finish_non_exhaustive()
    }
}

fn shutting_down() -> Error {
    Error::failed_precondition("the server is shutting down").with_outcome(Outcome::NotExecuted)
}
