//! One hop of a bad network on real sockets: what it does to datagrams follows from a seed.
//!
//! The server sees one address for each client, as behind a NAT.

mod hop;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Server,
    Client,
}

/// What happens to datagrams of one direction. Shares are between 0 and 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    pub loss: f64,
    pub duplicate: f64,
    /// The share that arrives up to `jitter` late, and so behind others.
    pub reorder: f64,
    pub jitter: Duration,
    /// The share in which one bit is wrong.
    pub flip: f64,
}

/// What one direction has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub passed: u64,
    pub passed_bytes: u64,
    pub dropped: u64,
    pub dropped_bytes: u64,
    pub duplicated: u64,
    pub delayed: u64,
    pub flipped: u64,
}

/// One direction, as orders to the hop and news from it.
#[derive(Debug, Default)]
struct Way {
    conditions: Conditions,
    cut: bool,
    traffic: Traffic,
    /// To be sent as they are, before anything else.
    injected: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct State {
    to_server: Way,
    to_client: Way,
    rebinds_wanted: u64,
    rebinds: u64,
    /// What clients sent, while it is kept.
    recorded: Option<Vec<Vec<u8>>>,
    ended: bool,
}

impl State {
    fn way(&mut self, to: To) -> &mut Way {
        match to {
            To::Server => &mut self.to_server,
            To::Client => &mut self.to_client,
        }
    }
}

/// The hop; it ends when it is dropped.
pub struct Relay {
    front: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// A hop before `server` that does no harm yet.
    pub fn start(server: SocketAddr, seed: u64) -> io::Result<Self> {
        let state = Arc::<Mutex<State>>::default();
        let hop = hop::Hop::new(server, seed, Arc::clone(&state))?;
        let front = hop.front()?;
        let thread = std::thread::Builder::new().name("relay".to_owned());
        Ok(Self {
            front,
            state,
            thread: Some(thread.spawn(|| hop.run())?),
        })
    }

    /// Where clients send to.
    pub fn front(&self) -> SocketAddr {
        self.front
    }

    /// The same as an address for a channel.
    pub fn url(&self) -> String {
        format!("udp://{}", self.front)
    }

    /// The conditions of one direction from now on.
    pub fn set(&self, to: To, conditions: Conditions) {
        self.lock().way(to).conditions = conditions;
    }

    /// The same conditions for both directions.
    pub fn set_both(&self, conditions: Conditions) {
        self.set(To::Server, conditions);
        self.set(To::Client, conditions);
    }

    /// Nothing more arrives that way.
    pub fn cut(&self, to: To) {
        self.lock().way(to).cut = true;
    }

    /// What was cut carries again.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.to_server.cut = false;
        state.to_client.cut = false;
    }

    /// Gives every client another address towards the server; what the server sends to the old one is lost.
    pub fn rebind(&self) {
        self.lock().rebinds_wanted += 1;
    }

    /// How often that has happened.
    pub fn rebinds(&self) -> u64 {
        self.lock().rebinds
    }

    /// Begins to keep what clients send.
    pub fn record(&self) {
        self.lock().recorded = Some(Vec::new());
    }

    /// What was kept, in order.
    pub fn recorded(&self) -> Vec<Vec<u8>> {
        self.lock().recorded.take().unwrap_or_default()
    }

    /// Sends datagrams as if every client, or the server, had.
    pub fn inject(&self, to: To, datagrams: impl IntoIterator<Item = Vec<u8>>) {
        self.lock().way(to).injected.extend(datagrams);
    }

    /// Whether everything injected has been sent.
    pub fn is_injected(&self, to: To) -> bool {
        self.lock().way(to).injected.is_empty()
    }

    /// What one direction has seen so far.
    pub fn traffic(&self, to: To) -> Traffic {
        self.lock().way(to).traffic
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.lock().ended = true;
        if let Some(thread) = self.thread.take() {
            // A panic of the hop has been reported by its thread.
            let _ = thread.join();
        }
    }
}
