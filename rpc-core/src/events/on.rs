//! The events of a build with the feature `tracing`.

use std::{fmt::Display, time::Duration};

use tracing::{Level, debug, enabled, error, info, warn};

/// Foreign code panicked. Whether anybody records it.
pub(crate) fn panicked(method: &str, id: &str, cause: &str) -> bool {
    error!(target: "farcall", method, panic = id, cause, "panicked");
    enabled!(target: "farcall", Level::ERROR)
}

/// The system has no connection for a listener.
pub(crate) fn accepting_failed(local: &dyn Display, cause: &str) {
    warn!(target: "farcall", local = %local, cause, "accepting failed");
}

/// A peer is not let in, or has to leave: there is no room, or a shutdown.
pub(crate) fn connection_refused(peer: &dyn Display, cause: &str) {
    warn!(target: "farcall", peer = %peer, cause, "connection refused");
}

/// A peer did not say hello as it should.
pub(crate) fn handshake_failed(peer: &dyn Display, cause: &str) {
    debug!(target: "farcall", peer = %peer, cause, "handshake failed");
}

/// A connection that was open has ended, for whichever reason.
pub(crate) fn connection_ended(peer: &dyn Display, cause: &dyn Display) {
    debug!(target: "farcall", peer = %peer, cause = %cause, "connection ended");
}

pub(crate) fn shutdown_began(grace: Duration) {
    info!(target: "farcall", grace = ?grace, "shutdown began");
}

/// The grace is over, and something still runs.
pub(crate) fn shutdown_cuts(calls: usize) {
    warn!(target: "farcall", calls, "shutdown cuts what is left");
}

pub(crate) fn shutdown_ended() {
    info!(target: "farcall", "shutdown ended");
}
