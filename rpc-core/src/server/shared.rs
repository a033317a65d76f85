//! What every connection of a server shares.

use std::sync::Arc;

use super::{hooks::Hooks, registry::ConnectionTable};
use crate::{dispatch::Host, transport::ServerSecurity};

/// What every connection of a server shares.
pub(super) struct ServerShared {
    pub(super) host: Arc<Host>,
    pub(super) hooks: Hooks,
    pub(super) registry: Arc<ConnectionTable>,
    pub(super) security: ServerSecurity,
}

impl ServerShared {
    pub(super) fn new(host: Arc<Host>, hooks: Hooks, security: ServerSecurity) -> Arc<Self> {
        Arc::new(Self {
            host,
            hooks,
            registry: Arc::default(),
            security,
        })
    }
}
