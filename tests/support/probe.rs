//! The service that tests of connections call, and what they can know of its handlers.

use std::{sync::Arc, time::Duration};

use farcall::Result;
use tokio::sync::watch;

#[farcall::service]
pub trait Probe {
    async fn add(&self, a: u64, b: u64) -> Result<u64>;
    async fn echo(&self, bytes: &[u8]) -> Result<Vec<u8>>;
    /// So many bytes, made at once.
    async fn fill(&self, length: u32) -> Result<Vec<u8>>;
    /// Waits until the test releases it.
    async fn hold(&self, id: u64) -> Result<u64>;
    #[rpc(detached)]
    async fn hold_detached(&self, id: u64) -> Result<u64>;
    #[rpc(oneway)]
    async fn note(&self, id: u64);
}

/// Counts handlers, and holds those that wait. Clones are one.
#[derive(Clone)]
pub struct Prober(Arc<Shared>);

struct Shared {
    counts: watch::Sender<Counts>,
    released: watch::Sender<bool>,
}

/// Of all handlers but `note`'s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub started: usize,
    pub running: usize,
    /// The most that ran at one time.
    pub most: usize,
    pub notes: usize,
}

impl Prober {
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            counts: watch::Sender::default(),
            released: watch::Sender::default(),
        }))
    }

    pub fn server(&self) -> farcall::Server {
        farcall::Server::new().service(ProbeServer::new(self.clone()))
    }

    pub fn counts(&self) -> Counts {
        *self.0.counts.borrow()
    }

    /// Waits until the counts are as wanted.
    pub async fn until(&self, wanted: impl Fn(&Counts) -> bool) {
        let mut counts = self.0.counts.subscribe();
        let waited = ends("a count of handlers", counts.wait_for(|counts| wanted(counts))).await;
        assert!(waited.is_ok(), "the sender is borrowed");
    }

    /// Lets all that wait go on.
    pub fn release(&self) {
        self.0.released.send_replace(true);
    }

    fn start(&self) -> Running {
        self.0.counts.send_modify(|counts| {
            counts.started += 1;
            counts.running += 1;
            counts.most = counts.most.max(counts.running);
        });
        Running(self.clone())
    }

    async fn released(&self) {
        let waited = self.0.released.subscribe().wait_for(|released| *released).await.is_ok();
        assert!(waited, "the sender is borrowed");
    }
}

struct Running(Prober);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.counts.send_modify(|counts| counts.running -= 1);
    }
}

impl Probe for Prober {
    async fn add(&self, a: u64, b: u64) -> Result<u64> {
        let _running = self.start();
        Ok(a + b)
    }

    async fn echo(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let _running = self.start();
        Ok(bytes.to_vec())
    }

    async fn fill(&self, length: u32) -> Result<Vec<u8>> {
        let _running = self.start();
        Ok(vec![7; length as usize])
    }

    async fn hold(&self, id: u64) -> Result<u64> {
        let _running = self.start();
        self.released().await;
        Ok(id)
    }

    async fn hold_detached(&self, id: u64) -> Result<u64> {
        self.hold(id).await
    }

    async fn note(&self, _id: u64) {
        self.0.counts.send_modify(|counts| counts.notes += 1);
    }
}

/// How long anything may take before the test fails. Nothing waits for it: a paused clock jumps there only when nothing
/// else is due, and what is tested takes a fraction of it.
const GUARD: Duration = Duration::from_secs(60);

/// Fails the test if `future` hangs.
pub async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    let output = tokio::time::timeout(GUARD, future).await;
    output.unwrap_or_else(|_elapsed| panic!("{what} did not come to an end"))
}
