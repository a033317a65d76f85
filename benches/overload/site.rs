//! The server, and clients that are connected to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, RunningServer, Server};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    time::sleep,
};

use crate::Result;

/// How many calls are worked on at the same time, and for how long each.
const PLACES: u32 = 16;
pub(crate) const WORK: Duration = Duration::from_millis(10);
/// Calls in a second.
pub(crate) const CAPACITY: u32 = PLACES * 1000 / WORK.as_millis() as u32;
/// Callers that keep the server busy, each with a call at a time.
pub(crate) const CALLERS: u32 = 2 * PLACES;
/// How long a caller waits for an answer.
const TIMEOUT: Duration = Duration::from_millis(500);
const CONNECTIONS: usize = 8;
/// The most calls of a run.
const MOST: usize = 4 << 20;

#[farcall::service]
pub(crate) trait Database {
    async fn query(&self, call: u32) -> farcall::Result<()>;
}

struct Pool {
    places: Semaphore,
    started: Arc<[AtomicU8]>,
}

impl Database for Pool {
    async fn query(&self, call: u32) -> farcall::Result<()> {
        if let Some(times) = self.started.get(call as usize) {
            times.fetch_add(1, Ordering::Relaxed);
        }
        let _place = self
            .places
            .acquire()
            .await
            .map_err(|_| farcall::Error::internal("closed"))?;
        sleep(WORK).await;
        Ok(())
    }
}

/// A server and its clients, each with a thread of its own.
pub(crate) struct Site {
    clients: Clients,
    calling: Runtime,
    // Dropped in this order: the server before its runtime.
    _server: RunningServer,
    _serving: Runtime,
}

/// Connections to the server.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) connections: Vec<DatabaseClient>,
    started: Arc<[AtomicU8]>,
    next: Arc<AtomicUsize>,
}

impl Site {
    pub(crate) fn new(server: Server) -> Result<Self> {
        let thread = || Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (serving, calling) = (thread()?, thread()?);
        let started: Arc<[AtomicU8]> = (0..MOST).map(|_| AtomicU8::new(0)).collect();
        let pool = Pool {
            places: Semaphore::new(PLACES as usize),
            started: Arc::clone(&started),
        };
        let server = server.service(DatabaseServer::new(pool));
        let server = serving.block_on(server.listen("tcp://127.0.0.1:0"))?;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Channel::builder().timeout(TIMEOUT);
            let channel = calling.block_on(channel.connect(server.local_addr()))?;
            connections.push(DatabaseClient::new(channel));
        }
        let clients = Clients {
            connections,
            started,
            next: Arc::default(),
        };
        Ok(Self {
            clients,
            calling,
            _server: server,
            _serving: serving,
        })
    }

    /// Lets clients call.
    pub(crate) fn call<R>(&self, calls: impl AsyncFnOnce(&Clients) -> R) -> R {
        self.calling.block_on(calls(&self.clients))
    }
}

impl Clients {
    /// The id of a call that has not been made.
    pub(crate) fn next(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed) as u32
    }

    /// How often a call was started.
    pub(crate) fn started(&self, call: u32) -> u8 {
        self.started[call as usize].load(Ordering::Relaxed)
    }
}
