//! Whether a connection is used.

use std::time::{Duration, Instant};

/// Watches how long nothing was open.
#[derive(Debug)]
pub(super) struct Idleness {
    /// After how long the connection ends; `None` for never.
    limit: Option<Duration>,
    last_use: Instant,
    /// A call was made or answered since then; the instant is known when it is written.
    used: bool,
    /// When the peer was asked to end the connection, if nothing was open since.
    asked: Option<Instant>,
}

impl Idleness {
    pub(super) fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self {
            limit,
            last_use: now,
            used: false,
            asked: None,
        }
    }

    /// When something was open last, as far as it is known.
    pub(super) fn last_use(&self) -> Instant {
        self.last_use
    }

    /// Something is open, or was until now.
    pub(super) fn touch(&mut self, now: Instant) {
        self.last_use = now;
        self.asked = None;
    }

    /// Something was opened or ended at a time that is not known here.
    pub(super) fn touch_later(&mut self) {
        self.used = true;
    }

    /// Something was written.
    pub(super) fn handle_written(&mut self, now: Instant) {
        if std::mem::take(&mut self.used) {
            self.touch(now);
        }
    }

    /// When the peer must be asked to end the connection, or when its time to do so, `patience`, is over.
    #[inline]
    pub(super) fn poll_timeout(&self, patience: Duration) -> Option<Instant> {
        let limit = self.limit?;
        match self.asked {
            None => self.last_use.checked_add(limit),
            Some(asked) => asked.checked_add(patience),
        }
    }

    /// The time has come: returns `true` if the peer must be asked, and `false` if the connection must be left.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        let first = self.asked.is_none();
        self.asked.get_or_insert(now);
        first
    }
}
