//! Whether the driver has seen what came before a call is made.
//!
//! A connection may be over without the driver's knowledge: if a program drives its runtime only while it calls, or its
//! process was stopped, what the peer did meanwhile waits in the socket. A call that went out first would be lost with
//! the connection, and it would be unknown whether it ran. So after a pause the driver looks before a call is made.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Link;

/// A runtime of one thread runs only while a thread drives it. To look costs one turn of it, which is little compared
/// with such a pause.
const ALONE: Duration = Duration::from_millis(10);
/// A runtime of many threads always runs, unless the process was stopped or a handler blocks the driver.
const WITH_OTHERS: Duration = Duration::from_millis(100);

/// When the driver has looked last.
pub(in crate::driver) struct Look {
    at: Instant,
    /// From when on something may have come since. Every call asks, so this is not computed each time.
    stale: Instant,
    pause: Duration,
    /// A call waits for it.
    wanted: bool,
}

impl Look {
    pub(super) fn new() -> Self {
        let alone = Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::CurrentThread);
        let (at, pause) = (
            tokio::time::Instant::now().into_std(),
            if alone { ALONE } else { WITH_OTHERS },
        );
        Self {
            at,
            stale: at + pause,
            pause,
            wanted: false,
        }
    }

    /// Whether the last look is so long ago that something may have come since.
    pub(in crate::driver) fn is_stale(&self, now: Instant) -> bool {
        now >= self.stale
    }

    pub(in crate::driver) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The driver has looked; returns whether calls wait for that, which must be [told](Link::tell_looked).
    pub(in crate::driver) fn looked(&mut self, at: Instant) -> bool {
        self.at = at;
        self.stale = at + self.pause;
        std::mem::take(&mut self.wanted)
    }
}

impl Link {
    /// Waits until the driver has looked at what came before `since`, or the connection is over. Cancel safe.
    pub(crate) async fn look(self: &Arc<Self>, since: Instant) {
        loop {
            // Created before the question, so that a look in between is not missed.
            let looked = self.looks.notified();
            if !self.wants_look(since) {
                return;
            }
            looked.await;
        }
    }

    fn wants_look(self: &Arc<Self>, since: Instant) -> bool {
        let mut state = self.lock();
        if state.is_over() || state.look.at >= since {
            return false;
        }
        state.look.wanted = true;
        state.wake_driver();
        true
    }

    /// Wakes the calls that wait for a look.
    pub(in crate::driver) fn tell_looked(&self) {
        self.looks.notify_waiters();
    }
}
