//! A service whose calls are not to run twice, and the book of how often each did.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use farcall::{Address, Result, RunningServer};

use crate::history::Executions;

#[farcall::service]
pub trait Account {
    /// Notes that it ran.
    async fn run(&self, number: u64) -> Result<u64>;
    /// The same, and adds one to a counter: gives what it is then.
    async fn count(&self, number: u64) -> Result<u64>;
    /// Notes that it ran, and sends the bytes back.
    async fn carry(&self, number: u64, bytes: &[u8]) -> Result<Vec<u8>>;
    /// Only sends the bytes back.
    async fn echo(&self, bytes: &[u8]) -> Result<Vec<u8>>;
}

/// How often each call ran, by its number. Clones are one.
#[derive(Clone)]
pub struct Ledger {
    ran: Arc<[AtomicU8]>,
    counter: Arc<AtomicU64>,
}

impl Ledger {
    /// A book for calls with numbers below `calls`.
    pub fn new(calls: u64) -> Self {
        Self {
            ran: (0..calls).map(|_| AtomicU8::new(0)).collect(),
            counter: Arc::default(),
        }
    }

    pub fn server(&self) -> farcall::Server {
        farcall::Server::new().service(AccountServer::new(self.clone()))
    }

    pub async fn listen(&self) -> Result<RunningServer> {
        self.server().listen("udp://127.0.0.1:0").await
    }

    /// How often each call ran, for the judge of a history.
    pub fn ran(&self) -> Executions {
        let ran = self.ran.iter().zip(0..).filter_map(|(count, number)| {
            let count = count.load(Ordering::Relaxed);
            (count > 0).then_some((number, u64::from(count)))
        });
        ran.collect()
    }

    pub fn executions(&self, number: u64) -> u8 {
        self.ran[number as usize].load(Ordering::Relaxed)
    }

    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for count in self.ran.iter() {
            match count.load(Ordering::Relaxed) {
                0 => summary.never += 1,
                1 => summary.once += 1,
                _ => summary.more += 1,
            }
        }
        summary
    }

    pub fn note(&self, number: u64) {
        self.ran[number as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Account for Ledger {
    async fn run(&self, number: u64) -> Result<u64> {
        self.note(number);
        Ok(answer(number))
    }

    async fn count(&self, number: u64) -> Result<u64> {
        self.note(number);
        Ok(self.counter.fetch_add(1, Ordering::SeqCst) + 1)
    }

    async fn carry(&self, number: u64, bytes: &[u8]) -> Result<Vec<u8>> {
        self.note(number);
        Ok(bytes.to_vec())
    }

    async fn echo(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

/// Calls by how often they ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub never: u64,
    pub once: u64,
    pub more: u64,
}

/// What `run` answers: nothing that is right by accident.
pub fn answer(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1
}

/// Bytes that belong to one call and to no other.
pub fn body(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(number).fill(&mut bytes);
    bytes
}

/// The socket of an address.
pub fn socket(address: &Address) -> SocketAddr {
    let text = address.to_string();
    let socket = text.rsplit('/').next().and_then(|socket| socket.parse().ok());
    socket.unwrap_or_else(|| panic!("{text} names no socket"))
}
