//! The events of a build without the feature `tracing`.

use std::{fmt::Display, time::Duration};

pub(crate) fn panicked(_: &str, _: &str, _: &str) -> bool {
    false
}

pub(crate) fn accepting_failed(_: &dyn Display, _: &str) {}

pub(crate) fn connection_refused(_: &dyn Display, _: &str) {}

pub(crate) fn handshake_failed(_: &dyn Display, _: &str) {}

pub(crate) fn connection_ended(_: &dyn Display, _: &dyn Display) {}

pub(crate) fn handler_stopped(_: &str, _: &str, _: &dyn Display, _: &str) {}

pub(crate) fn other_version(_: &str, _: &dyn Display, _: &dyn Display) {}

pub(crate) fn call_refused(_: &str, _: &dyn Display, _: &str) {}

pub(crate) fn token_refused(_: &dyn Display, _: &str) {}

pub(crate) fn limit_passed(_: &dyn Display, _: &str) {}

#[cfg(feature = "tls")]
pub(crate) fn certificate_reloaded(_: &dyn Display) {}

#[cfg(feature = "tls")]
pub(crate) fn certificate_trouble(_: &dyn Display) {}

pub(crate) fn shutdown_began(_: Duration) {}

pub(crate) fn shutdown_cuts(_: usize) {}

pub(crate) fn shutdown_ended() {}

pub(crate) fn thread_blocked(_: &str) {}
