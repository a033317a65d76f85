//! A service whose handlers say where they run, and what can be known of their threads.

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    sync::{Arc, Barrier, Mutex, PoisonError, Weak},
    thread,
};

use farcall::{Channel, OrFail, Result, RunningServer, Server};
use farcall_tests::{Gate, Site, TestResult};
use tokio::task::JoinHandle;

#[farcall::service]
pub(crate) trait Desk {
    /// The name of the thread that the handler runs on, first, later, and in a task of its own.
    async fn thread(&self) -> Result<String>;
    /// Waits at the gate.
    async fn hold(&self) -> Result<String>;
    /// Blocks the thread until the test comes to the barrier.
    async fn block(&self) -> Result<()>;
    async fn panic(&self) -> Result<()>;
    /// Panics in a task that it spawns.
    async fn panic_aside(&self) -> Result<bool>;
    /// Keeps `guest`.
    async fn join(&self, guest: GuestClient) -> Result<()>;
    /// Calls every guest, and gives the sum of their answers.
    async fn ring(&self) -> Result<u32>;
}

#[farcall::service]
pub(crate) trait Guest {
    async fn ring(&self) -> Result<u32>;
}

/// Clones are one.
#[derive(Clone)]
pub(crate) struct Clerk {
    pub(crate) gate: Gate,
    /// One for each thread on which a handler ran; gone when the thread has ended.
    marks: Arc<Mutex<Vec<Weak<Mark>>>>,
    guests: Arc<Mutex<Vec<GuestClient>>>,
    pub(crate) barrier: Arc<Barrier>,
}

struct Mark;

thread_local! {
    static MARK: OnceCell<Arc<Mark>> = const { OnceCell::new() };
}

pub(crate) fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

impl Clerk {
    pub(crate) fn new() -> Self {
        Self {
            gate: Gate::new(),
            marks: Arc::default(),
            guests: Arc::default(),
            barrier: Arc::new(Barrier::new(2)),
        }
    }

    pub(crate) fn server(&self, shards: usize) -> Server {
        Server::new().service(DeskServer::new(self.clone())).shards(shards)
    }

    /// A call of each client that waits at the gate.
    pub(crate) async fn hold_all(&self, clients: &[DeskClient]) -> Vec<JoinHandle<Result<String>>> {
        let mut calls = Vec::new();
        for client in clients {
            calls.push(tokio::spawn(client.hold()));
            self.gate.entered().await;
        }
        calls
    }

    /// How many of the threads on which handlers ran have not ended.
    pub(crate) fn living_threads(&self) -> usize {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.iter().filter(|mark| mark.upgrade().is_some()).count()
    }

    fn mark(&self) {
        MARK.with(|mark| {
            mark.get_or_init(|| {
                let mark = Arc::new(Mark);
                let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
                marks.push(Arc::downgrade(&mark));
                mark
            });
        });
    }
}

impl Desk for Clerk {
    async fn thread(&self) -> Result<String> {
        self.mark();
        let first = thread_name();
        tokio::task::yield_now().await;
        let later = thread_name();
        let aside = tokio::spawn(async { thread_name() }).await.or_internal()?;
        if [&later, &aside] == [&first; 2] {
            return Ok(first);
        }
        Err(farcall::Error::internal(format!(
            "it ran on {first}, {later} and {aside}"
        )))
    }

    async fn hold(&self) -> Result<String> {
        self.mark();
        self.gate.pass().await;
        Ok(thread_name())
    }

    async fn block(&self) -> Result<()> {
        let entered = self.gate.watched();
        self.barrier.wait();
        entered.ended();
        Ok(())
    }

    async fn panic(&self) -> Result<()> {
        panic!("for a test")
    }

    async fn panic_aside(&self) -> Result<bool> {
        let panicked = tokio::spawn(async { panic!("for a test, aside") }).await;
        Ok(panicked.is_err_and(|error| error.is_panic()))
    }

    async fn join(&self, guest: GuestClient) -> Result<()> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).push(guest);
        Ok(())
    }

    async fn ring(&self) -> Result<u32> {
        let guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut sum = 0;
        for guest in guests {
            sum += guest.ring().await?;
        }
        Ok(sum)
    }
}

/// So many clients, each with a connection of its own.
pub(crate) async fn clients(server: &RunningServer, count: usize) -> Result<Vec<DeskClient>> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(DeskClient::new(Channel::connect(server.local_addr()).await?));
    }
    Ok(clients)
}

/// The same at any transport.
pub(crate) async fn clients_of(site: &Site, count: usize) -> Result<Vec<DeskClient>> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(DeskClient::new(site.connect().await?));
    }
    Ok(clients)
}

/// The threads that the calls of the clients run on, in the order of the clients.
pub(crate) async fn threads(clients: &[DeskClient]) -> TestResult<Vec<String>> {
    let mut threads = Vec::new();
    for client in clients {
        threads.push(client.thread().await?);
    }
    Ok(threads)
}

/// The names of `count` shards.
pub(crate) fn shard_names(count: usize) -> BTreeSet<String> {
    (0..count).map(|index| format!("farcall-{index}")).collect()
}
