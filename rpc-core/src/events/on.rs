//! The events of a build with the feature `tracing`. A subscriber is foreign code, which may panic.

use std::{fmt::Display, time::Duration};

use tracing::{Level, debug, enabled, error, info, warn};

use crate::unwind::guarded;

/// Foreign code panicked. Whether anybody records it.
pub(crate) fn panicked(method: &str, id: &str, cause: &str) -> bool {
    error!(target: "farcall", method, panic = id, cause, "panicked");
    enabled!(target: "farcall", Level::ERROR)
}

/// The system has no connection for a listener.
pub(crate) fn accepting_failed(local: &dyn Display, cause: &str) {
    guarded(|| warn!(target: "farcall", local = %local, cause, "accepting failed"));
}

/// A peer is not let in, or has to leave: there is no room, or a shutdown.
pub(crate) fn connection_refused(peer: &dyn Display, cause: &str) {
    guarded(|| warn!(target: "farcall", peer = %peer, cause, "connection refused"));
}

/// A peer did not say hello as it should.
pub(crate) fn handshake_failed(peer: &dyn Display, cause: &str) {
    guarded(|| debug!(target: "farcall", peer = %peer, cause, "handshake failed"));
}

/// An open connection has ended, for any reason.
pub(crate) fn connection_ended(peer: &dyn Display, cause: &dyn Display) {
    guarded(|| debug!(target: "farcall", peer = %peer, cause = %cause, "connection ended"));
}

/// A running handler is asked to stop, because its caller does not wait any more.
pub(crate) fn handler_stopped(service: &str, method: &str, peer: &dyn Display, cause: &str) {
    guarded(|| {
        debug!(target: "farcall", method = %format_args!("{service}.{method}"), peer = %peer, cause, "handler stopped");
    });
}

/// A caller has another version of a method, which is compatible.
pub(crate) fn other_version(method: &str, peer: &dyn Display, cause: &dyn Display) {
    guarded(|| debug!(target: "farcall", method, peer = %peer, cause = %cause, "other version"));
}

/// A call that its caller may not make.
pub(crate) fn call_refused(method: &str, peer: &dyn Display, cause: &str) {
    guarded(|| debug!(target: "farcall", method, peer = %peer, cause, "call refused"));
}

/// A token that is not good. `cause` must not contain it.
pub(crate) fn token_refused(peer: &dyn Display, cause: &str) {
    guarded(|| debug!(target: "farcall", peer = %peer, cause, "token refused"));
}

/// A peer came to a limit: a call is refused, or an answer dropped.
pub(crate) fn limit_passed(peer: &dyn Display, cause: &str) {
    guarded(|| warn!(target: "farcall", peer = %peer, cause, "limit passed"));
}

/// New connections get another certificate.
#[cfg(feature = "tls")]
pub(crate) fn certificate_reloaded(what: &dyn Display) {
    guarded(|| info!(target: "farcall", cause = %what, "certificate reloaded"));
}

/// Somebody has to do something about a certificate.
#[cfg(feature = "tls")]
pub(crate) fn certificate_trouble(what: &dyn Display) {
    guarded(|| warn!(target: "farcall", cause = %what, "certificate trouble"));
}

pub(crate) fn shutdown_began(grace: Duration) {
    guarded(|| info!(target: "farcall", grace = ?grace, "shutdown began"));
}

/// The grace is over, and something still runs.
pub(crate) fn shutdown_cuts(calls: usize) {
    guarded(|| warn!(target: "farcall", calls, "shutdown cuts what is left"));
}

pub(crate) fn shutdown_ended() {
    guarded(|| info!(target: "farcall", "shutdown ended"));
}

/// The server is over, and the thread of a shard is still blocked by what runs there.
pub(crate) fn thread_blocked(thread: &str) {
    guarded(|| warn!(target: "farcall", thread, "shard blocked"));
}
