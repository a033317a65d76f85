//! The clock that deadlines and timers go by.

use std::time::Instant;

/// The time as timers see it, which a test may have paused.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
