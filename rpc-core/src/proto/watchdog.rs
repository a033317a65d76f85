//! Whether the peer is still there, and takes what is written.

use std::time::{Duration, Instant};

use super::deadlines::earlier;

/// Even a busy runtime is late by less than this.
const PAUSE: Duration = Duration::from_millis(100);

/// Watches what comes in and what goes out.
#[derive(Debug)]
pub(crate) struct Watchdog {
    keepalive: Duration,
    write_stall: Duration,
    heard: Instant,
    /// When the unanswered ping was asked for.
    pinged: Option<Instant>,
    /// Since when the peer takes nothing of what waits.
    stalled: Option<Instant>,
    /// The transport took nothing when it was asked last.
    blocked: bool,
    /// A pong waits to be written.
    pong_waits: bool,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Alive,
    /// Nothing came for a while: send a ping.
    Ping,
    /// Nothing came after the ping either.
    Silent,
    /// The transport takes nothing.
    Stalled,
}

impl Watchdog {
    pub(crate) fn new(keepalive: Duration, write_stall: Duration, now: Instant) -> Self {
        Self {
            keepalive,
            write_stall,
            heard: now,
            pinged: None,
            stalled: None,
            blocked: false,
            pong_waits: false,
        }
    }

    /// The peer was heard at that time. This may be reported late: bytes that came before the ping are not an answer.
    pub(crate) fn handle_heard(&mut self, at: Instant) {
        if at > self.heard {
            self.heard = at;
            self.pinged = None;
        }
    }

    /// A ping came; returns whether a pong must be queued. One pong answers any number of pings.
    pub(crate) fn handle_ping(&mut self) -> bool {
        !std::mem::replace(&mut self.pong_waits, true)
    }

    /// All small frames were taken to be written.
    pub(crate) fn handle_taken(&mut self) {
        self.pong_waits = false;
    }

    /// Something was written, and something `waits` still.
    pub(crate) fn handle_written(&mut self, waits: bool, now: Instant) {
        self.stalled = waits.then_some(now);
        if std::mem::take(&mut self.blocked) {
            // Room in a transport that was full: the peer reads. The ping may still wait behind what it has not read.
            self.handle_heard(now);
        }
    }

    /// Nothing could be written although something waits.
    pub(crate) fn handle_blocked(&mut self, now: Instant) {
        self.stalled.get_or_insert(now);
        self.blocked = true;
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.pinged.unwrap_or(self.heard).checked_add(self.keepalive);
        earlier(
            silence,
            self.stalled.and_then(|since| since.checked_add(self.write_stall)),
        )
    }

    /// Whether this side stood still: it is so late that it may have missed what came.
    fn stood_still(&self, now: Instant) -> bool {
        let pause = (self.keepalive / 2).max(PAUSE);
        let late = |due: Instant| now.saturating_duration_since(due) >= pause;
        self.poll_timeout().is_some_and(late)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Verdict {
        if self.stood_still(now) {
            // The peer is not to blame for bytes that this side did not read: it gets a new ping.
            self.stalled = self.stalled.map(|_| now);
            self.pinged = Some(now);
            return Verdict::Ping;
        }
        let passed = |since: Instant, time: Duration| now.saturating_duration_since(since) >= time;
        if self.stalled.is_some_and(|since| passed(since, self.write_stall)) {
            return Verdict::Stalled;
        }
        match self.pinged {
            Some(since) if passed(since, self.keepalive) => Verdict::Silent,
            None if passed(self.heard, self.keepalive) => {
                self.pinged = Some(now);
                Verdict::Ping
            }
            _ => Verdict::Alive,
        }
    }
}
