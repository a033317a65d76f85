//! A limit on the calls that run at the same time, which finds out itself how many a server is good for.

mod gradient;
mod service;

use std::{
    fmt,
    sync::{Arc, MutexGuard},
    time::Duration,
};

use tower_layer::Layer;

use self::{
    gradient::{Gradient, Settings},
    service::AdaptiveService,
};
use crate::{clock::now, sync::Mutex};

/// A layer that keeps a server that is overloaded at work: it lets so many calls run at the same time as the server can
/// do without delay, and refuses the others at once.
///
/// ```
/// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
/// # struct Warehouse;
/// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 7 } }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> farcall::Result<()> {
/// use farcall::{Server, layer::AdaptiveLimit};
///
/// let limit = AdaptiveLimit::new();
/// let server = Server::new()
///     .service(InventoryServer::new(Warehouse))
///     .layer(limit.clone())
///     .listen("tcp://127.0.0.1:0")
///     .await?;
/// assert_eq!(InventoryClient::connect(server.local_addr()).await?.ping().await?, 7);
/// assert_eq!((limit.limit(), limit.in_flight()), (16, 0));
/// # Ok(())
/// # }
/// ```
///
/// A call beyond the limit fails as [`ResourceExhausted`](crate::Code::ResourceExhausted), and was not executed, so its
/// caller may send it again, later or to another server. How many calls run and are allowed is in the text.
///
/// # How the limit is found
/// The layer knows for each method how long its calls take without load. As long as they take less than twice that,
/// the limit grows, at most to twice in each [`window`](Self::window); if they take longer, it falls, at most to a
/// half. So it stays where everything in the server is busy, and a call waits about as long as it works. It grows only
/// when it is used. About once in 50 windows under overload the limit falls to a quarter for a moment, to see what
/// calls take without load now.
///
/// - Calls that fail, or whose callers give up before the deadline, do not count for that. Errors of a service's own
///   types are answers, so they count. A call that is stopped at its deadline counts as one that took so long.
/// - A method whose time depends on something other than load, such as one that waits for an event, makes a limit of no
///   use: let it return a stream.
/// - Calls with streams are refused as others are, but do not count for the limit once they run: they last as long as
///   their callers like.
///
/// # Priorities
/// Each [`Priority`](crate::service::Priority) leaves a part of the limit, the [`reserve`](Self::reserve), to those
/// above it: of 100 calls, 60 may be of low priority, 80 of low and normal, and 100 with those of high priority.
///
/// # Use
/// Put it outside of layers that let calls wait, and inside of those that check who calls. All clones are one limit,
/// also those in several servers. An option makes a new limit: choose all options before the first clone. On a client
/// it limits the calls to the server in the same way.
///
/// It does not look at the memory or the processor, does not queue, and does not share the limit among callers:
/// [`max_server_calls`](crate::Limits::max_server_calls) does that.
#[derive(Clone)]
pub struct AdaptiveLimit {
    settings: Settings,
    state: Arc<LimitState>,
}

/// What the calls of all clones share. The lock is held for a few comparisons, and once in a window for as much as
/// there are methods; never across an await, and no foreign code runs under it.
struct LimitState(Mutex<Gradient>);

impl AdaptiveLimit {
    /// A limit with the defaults of all options.
    pub fn new() -> Self {
        Self::with(Settings {
            min: 4,
            max: 4_096,
            initial: 16,
            window: Duration::from_millis(100),
            reserve: 0.2,
        })
    }

    /// The limit never falls below this number of calls: 4 by default, and 1 at least.
    #[must_use]
    pub fn min(self, min: usize) -> Self {
        Self::with(Settings { min, ..self.settings })
    }

    /// The limit never grows above this number of calls: 4,096 by default, and 1 at least. It wins over
    /// [`min`](Self::min).
    #[must_use]
    pub fn max(self, max: usize) -> Self {
        Self::with(Settings { max, ..self.settings })
    }

    /// The limit at the start, in calls: 16 by default. It should be less than the server is good for: the first calls
    /// show what calls take without load.
    #[must_use]
    pub fn initial(self, initial: usize) -> Self {
        Self::with(Settings {
            initial,
            ..self.settings
        })
    }

    /// How often the limit changes: 100 ms by default. A window also waits for ten calls, and is no shorter than two
    /// average calls.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        Self::with(Settings {
            window,
            ..self.settings
        })
    }

    /// The part of the limit that each priority leaves to those above it: 0.2 by default. It is at least 0, where
    /// priorities have no effect, and at most 0.5, where calls of low priority have nearly no place.
    #[must_use]
    pub fn reserve(self, reserve: f64) -> Self {
        let reserve = if reserve.is_nan() { 0.0 } else { reserve.clamp(0.0, 0.5) };
        Self::with(Settings {
            reserve,
            ..self.settings
        })
    }

    /// How many calls may run at the same time now.
    pub fn limit(&self) -> usize {
        self.state.lock().limit()
    }

    /// How many calls run now.
    pub fn in_flight(&self) -> usize {
        self.state.lock().in_flight()
    }

    fn with(settings: Settings) -> Self {
        Self {
            settings,
            state: Arc::new(LimitState(Mutex::new(Gradient::new(settings, now())))),
        }
    }
}

impl Default for AdaptiveLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for AdaptiveLimit {
    type Service = AdaptiveService<S>;

    fn layer(&self, inner: S) -> AdaptiveService<S> {
        AdaptiveService::new(inner, Arc::clone(&self.state))
    }
}

impl LimitState {
    fn lock(&self) -> MutexGuard<'_, Gradient> {
        self.0.lock()
    }
}

impl fmt::Debug for AdaptiveLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveLimit")
            .field("limit", &self.limit())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
