//! What slow handlers do.

use std::{
    hint,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::work::Slow;

const SLOW: Duration = Duration::from_millis(5);

impl Slow {
    pub(crate) async fn spend(self) {
        match self {
            Self::Asleep => sleep(SLOW).await,
            Self::Computing => compute(),
        }
    }
}

/// Like work that nobody moved to another thread.
fn compute() {
    let start = Instant::now();
    while start.elapsed() < SLOW {
        hint::spin_loop();
    }
}
