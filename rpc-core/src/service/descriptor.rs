//! The static description of a service that the attribute generates.

use std::time::Duration;

/// A service: its name on the wire and its methods.
#[derive(Debug)]
pub struct ServiceDescriptor {
    /// The name on the wire: the trait's, unless the attribute says otherwise.
    pub name: &'static str,
    /// The methods, in the order of the trait.
    pub methods: &'static [MethodDescriptor],
}

/// A method: its identity on the wire and its policy.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing, and generated code writes them"
)]
pub struct MethodDescriptor {
    /// `Service.method`, as errors and spans show it.
    pub path: &'static str,
    /// The identity on the wire, from [`method_id`](super::method_id).
    pub id: u64,
    /// `#[rpc(idempotent)]`: running it twice does no harm.
    pub idempotent: bool,
    /// `#[rpc(oneway)]`: the caller does not wait for the handler.
    pub oneway: bool,
    /// `#[rpc(detached)]`: the handler finishes even when the caller goes away.
    pub detached: bool,
    /// Whether an argument or the result is a stream: such a call has no deadline unless somebody sets one.
    pub streaming: bool,
    /// `#[rpc(timeout = "…")]`: the deadline of a call that sets none of its own.
    pub timeout: Option<Duration>,
}

impl MethodDescriptor {
    /// What a layer of a server sees of a call whose method the server does not have.
    pub const UNKNOWN: &'static Self = &Self {
        path: "(unknown)",
        id: 0,
        idempotent: false,
        oneway: false,
        detached: false,
        streaming: false,
        timeout: None,
    };

    /// The service's part of the path.
    pub fn service(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(service, _)| service)
    }

    /// The method's part of the path.
    pub fn method(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, method)| method)
    }
}
