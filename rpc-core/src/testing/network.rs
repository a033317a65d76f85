//! The simulated network as a test handles it.

use std::{
    fmt, io, mem,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::{sync::Notify, time::sleep};

use super::{
    connection::{End, SimulatedConnection},
    state::{Delivery, NetworkState},
    stream::NetworkStream,
};
use crate::transport::{Address, BoxStream, Connected, Connecting, Connector};

use crate::sync::Mutex;

/// A simulated network whose connections are slow, lossy or broken on demand. The same seed gives the same run.
///
/// Without further settings it delivers at once. It runs on tokio's clock, so under a paused clock
/// (`#[tokio::test(start_paused = true)]`) no test waits for real. It starts no task: the ends of a connection do all
/// the work when polled.
///
/// A run repeats itself exactly, as [`trace`](Self::trace) shows, under a paused clock and in a single-threaded
/// runtime, as long as the code under test is not random itself; `tokio::select!` without `biased` is.
///
/// Clones share one network. A network that is dropped by a panic prints its seed.
///
/// | fault | what the two ends see |
/// | --- | --- |
/// | [`cut`](Self::cut) | what is in flight arrives, then the end of file |
/// | [`reset`](Self::reset) | the connection is reset at once; what is in flight is lost |
/// | [`half_open`](Self::half_open) | silence for ever |
/// | [`partition`](Self::partition) | silence until [`heal`](Self::heal), then everything |
///
/// ```
/// use std::time::Duration;
/// use farcall::testing::Network;
/// use tokio::{io::{AsyncReadExt, AsyncWriteExt}, time::Instant};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// let network = Network::seeded(42).delay(30..50);
/// let (mut client, mut server) = network.pair();
/// let start = Instant::now();
/// client.write_all(b"ping").await?;
/// server.read_exact(&mut [0; 4]).await?;
/// assert!((30..50).contains(&start.elapsed().as_millis()));
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Network {
    seed: u64,
    shared: Arc<SharedNetwork>,
}

/// The settings. Connections that exist already take them over for what is written from then on.
impl Network {
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// A network whose randomness all comes from `seed`.
    pub fn seeded(seed: u64) -> Self {
        let shared = SharedNetwork {
            state: Mutex::new(NetworkState::new(seed)),
            healed: Notify::new(),
            seed_printed: AtomicBool::new(false),
        };
        Self {
            seed,
            shared: Arc::new(shared),
        }
    }

    /// Each write arrives after a number of milliseconds drawn evenly from `milliseconds`; the width of the range is
    /// the jitter. Bytes keep their order nevertheless. An empty range such as `5..5` always gives its start.
    #[must_use]
    pub fn delay(self, milliseconds: Range<u64>) -> Self {
        self.shared.with(|state| state.conditions.delay = milliseconds);
        self
    }

    /// Each direction of each connection transmits this many bytes a second, one write after the other.
    ///
    /// # Panics
    /// If the bandwidth is 0.
    #[must_use]
    pub fn bandwidth(self, bytes_per_second: u64) -> Self {
        assert!(bytes_per_second > 0, "a bandwidth of 0 passes nothing; use partition()");
        self.shared
            .with(|state| state.conditions.bandwidth = Some(bytes_per_second));
        self
    }

    /// Each transmission of a write is lost with this probability. A byte stream shows loss only as delay, as TCP does:
    /// the segment arrives 200 ms later, after a second loss in a row another 400 ms, and so on, doubling, for at most
    /// six losses; later writes wait for it.
    ///
    /// # Panics
    /// If the probability is not from 0 to 1.
    #[must_use]
    pub fn loss(self, probability: f64) -> Self {
        assert!((0.0..=1.0).contains(&probability), "{probability} is not a probability");
        self.shared.with(|state| state.conditions.loss = probability);
        self
    }

    /// Each direction of each connection holds this many bytes, written and not yet read, before the writer waits; 256
    /// KiB unless set.
    ///
    /// # Panics
    /// If the size is 0.
    #[must_use]
    pub fn buffer(self, bytes: usize) -> Self {
        assert!(bytes > 0, "a buffer of 0 bytes passes nothing");
        self.shared.with(|state| state.conditions.buffer = bytes);
        self
    }
}

/// Connections.
impl Network {
    /// A new connection: the client's end and the server's. It is open at once, even on a partitioned network.
    pub fn pair(&self) -> (BoxStream, BoxStream) {
        let connection = self.shared.with(NetworkState::open);
        let end = |end| Box::new(NetworkStream::new(Arc::clone(&self.shared), connection, end));
        (end(End::Client), end(End::Server))
    }

    /// A connector that hands the server's end of each new connection to `accept`.
    ///
    /// Connecting takes a round trip, waits while the network is partitioned, and fails with
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) while [connections are
    /// refused](Self::refuse_connections).
    pub fn connector(&self, accept: Arc<dyn Fn(BoxStream) + Send + Sync>) -> Arc<dyn Connector> {
        Arc::new(NetworkConnector {
            network: self.clone(),
            accept,
            address: Address::custom(format!("network://seed-{}", self.seed)),
        })
    }

    /// What was delivered so far, in order. Two runs with the same seed and the same calls have the same trace.
    pub fn trace(&self) -> Vec<Delivery> {
        self.shared.with(|state| state.trace.clone())
    }
}

/// The faults.
impl Network {
    /// Closes every open connection: both ends read what is in flight and then the end of file, and fail to write with
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe).
    pub fn cut(&self) {
        self.shared.with(|state| state.each(SimulatedConnection::cut));
    }

    /// Breaks every open connection: both ends fail at once with [`ConnectionReset`](io::ErrorKind::ConnectionReset),
    /// and what is in flight is lost.
    pub fn reset(&self) {
        self.shared
            .with(|state| state.each(|connection, _, _| connection.reset()));
    }

    /// Silences every open connection for ever, as when the other machine loses power: nothing more arrives, not even
    /// an end or an error, and writes succeed until the buffer is full. Connections opened later work.
    pub fn half_open(&self) {
        self.shared
            .with(|state| state.each(|connection, now, _| connection.freeze(now)));
    }

    /// Lets nothing through until [`heal`](Self::heal): writes and attempts to connect wait.
    pub fn partition(&self) {
        self.shared.with(NetworkState::partition);
    }

    /// Ends a [`partition`](Self::partition): what waited arrives now, as TCP would send it again.
    pub fn heal(&self) {
        self.shared.with(NetworkState::heal);
        self.shared.healed.notify_waiters();
    }

    /// Lets one end of every connection, open or future, read at most this many bytes a second; 0 reads nothing at all,
    /// `u64::MAX` is no limit.
    pub fn slow_reader(&self, end: End, bytes_per_second: u64) {
        self.shared.with(|state| {
            state.conditions.read_rate[end] = bytes_per_second;
            state.each(|_, _, _| ());
        });
    }

    /// Whether a [`connector`](Self::connector) of this network is refused. Open connections are untouched.
    pub fn refuse_connections(&self, refuse: bool) {
        self.shared.with(|state| state.refuses = refuse);
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Drop for Network {
    #[expect(clippy::print_stderr, reason = "the seed is what a failed test needs to be repeated")]
    fn drop(&mut self) {
        if thread::panicking() && !self.shared.seed_printed.swap(true, Ordering::Relaxed) {
            eprintln!("farcall::testing::Network: seed {}", self.seed);
        }
    }
}

pub(super) struct SharedNetwork {
    state: Mutex<NetworkState>,
    healed: Notify,
    seed_printed: AtomicBool,
}

impl SharedNetwork {
    pub(super) fn with<R>(&self, action: impl FnOnce(&mut NetworkState) -> R) -> R {
        let mut state = self.state.lock();
        let result = action(&mut state);
        let woken = mem::take(&mut state.woken);
        drop(state);
        for waker in woken {
            waker.wake();
        }
        result
    }

    async fn whole(&self) {
        loop {
            // Created before looking, or a heal in between would be missed.
            let healed = self.healed.notified();
            if self.with(|state| state.conditions.partitioned_since.is_none()) {
                return;
            }
            healed.await;
        }
    }
}

struct NetworkConnector {
    network: Network,
    accept: Arc<dyn Fn(BoxStream) + Send + Sync>,
    address: Address,
}

impl Connector for NetworkConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let shared = &self.network.shared;
            sleep(shared.with(|state| state.conditions.travel() + state.conditions.travel())).await;
            shared.whole().await;
            if shared.with(|state| state.refuses) {
                let message = "the simulated network refuses connections";
                return Err(io::Error::new(io::ErrorKind::ConnectionRefused, message));
            }
            let (client, server) = self.network.pair();
            (self.accept)(server);
            Ok(Connected::new(client, self.address.clone()))
        })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

impl fmt::Debug for NetworkConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkConnector")
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}
