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
    /// The identity on the wire, from [`method_id`].
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

/// The identity of a method on the wire, from names alone: reordering or adding methods changes no other method's.
///
/// The upper half is a hash of the service's name and the lower half one of the method's, so a server can tell an unknown
/// service from an unknown method.
///
/// ```
/// use farcall::service::method_id;
///
/// assert_ne!(method_id("Inventory", "stock"), method_id("Inventory", "reserve"));
/// assert_eq!(method_id("Inventory", "stock") >> 32, method_id("Inventory", "reserve") >> 32);
/// ```
pub const fn method_id(service: &str, method: &str) -> u64 {
    ((fold(fnv1a(service)) as u64) << 32) | fold(fnv1a(method)) as u64
}

/// FNV-1a, 64 bits: tiny, const, and only accidents matter here, since names come from source code.
pub(crate) const fn fnv1a(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

const fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}
