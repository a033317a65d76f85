//! The static description of a service that the attribute generates.

use std::time::Duration;

use super::Priority;
use crate::proto::method_id;

/// A service: its name on the wire and its methods.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServiceDescriptor {
    /// The name on the wire: the trait's, unless the attribute says otherwise.
    pub name: &'static str,
    /// What a client of the service is called in the contracts of methods that take or return one.
    pub(crate) client: &'static str,
    /// The methods, in the order of the trait.
    pub methods: &'static [MethodDescriptor],
    /// The doc comment of the trait.
    #[cfg(feature = "reflection")]
    pub docs: &'static str,
}

impl ServiceDescriptor {
    /// A service with these methods.
    pub const fn new(name: &'static str, methods: &'static [MethodDescriptor]) -> Self {
        Self {
            name,
            client: "farcall::Client of a service",
            methods,
            #[cfg(feature = "reflection")]
            docs: "",
        }
    }

    /// What a client of the service is called in the contracts of methods: "farcall::Client of " and the name.
    #[doc(hidden)]
    #[must_use]
    pub const fn client(mut self, name: &'static str) -> Self {
        self.client = name;
        self
    }

    /// The doc comment of the trait.
    #[cfg(feature = "reflection")]
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }
}

/// A method: its identity on the wire and its policy.
///
/// ```
/// use std::time::Duration;
///
/// use farcall::service::MethodDescriptor;
///
/// static STOCK: MethodDescriptor = MethodDescriptor::new("Inventory.stock")
///     .arguments(&["sku"])
///     .idempotent()
///     .timeout(Duration::from_secs(2));
/// assert_eq!((STOCK.service(), STOCK.method()), ("Inventory", "stock"));
/// assert!(STOCK.idempotent);
/// ```
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing, and generated code sets them by name"
)]
#[non_exhaustive]
pub struct MethodDescriptor {
    /// `Service.method`, as errors and spans show it.
    pub path: &'static str,
    /// The identity on the wire, from [`method_id`](super::method_id).
    pub id: u64,
    /// The names of the arguments, in their order.
    pub arguments: &'static [&'static str],
    /// `#[rpc(idempotent)]`: running it twice does no harm.
    pub idempotent: bool,
    /// `#[rpc(oneway)]`: the caller does not wait for the handler.
    pub oneway: bool,
    /// `#[rpc(detached)]`: the handler finishes even when the caller goes away.
    pub detached: bool,
    /// Whether an argument or the result is a stream: such a call has no deadline unless one is set.
    pub streaming: bool,
    /// `#[rpc(timeout = "…")]`: the deadline of a call that sets none of its own.
    pub timeout: Option<Duration>,
    /// `#[rpc(requires = "…")]`: what a caller needs for it, for [rules](crate::auth::Rules) and for layers.
    pub requires: Option<&'static str>,
    /// `#[rpc(priority = "…")]`: whether it is refused first or last when the server is overloaded.
    pub priority: Priority,
    /// The doc comment of the method.
    #[cfg(feature = "reflection")]
    pub docs: &'static str,
}

impl MethodDescriptor {
    /// The method of a call that the server does not know, as its layers see it.
    pub const UNKNOWN: &'static Self = &Self {
        id: 0,
        ..Self::new("(unknown)")
    };

    /// The method `Service.method`, with no policy of its own. What stands behind the last dot is the method.
    pub const fn new(path: &'static str) -> Self {
        let (service, method) = split(path);
        Self {
            path,
            id: method_id(service, method),
            arguments: &[],
            idempotent: false,
            oneway: false,
            detached: false,
            streaming: false,
            timeout: None,
            requires: None,
            priority: Priority::Normal,
            #[cfg(feature = "reflection")]
            docs: "",
        }
    }

    /// The names of its arguments, in their order.
    #[must_use]
    pub const fn arguments(mut self, names: &'static [&'static str]) -> Self {
        self.arguments = names;
        self
    }

    /// Running it twice does no harm.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The caller does not wait for the handler.
    #[must_use]
    pub const fn oneway(mut self) -> Self {
        self.oneway = true;
        self
    }

    /// The handler finishes even when the caller goes away.
    #[must_use]
    pub const fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// An argument or the result is a stream.
    #[must_use]
    pub const fn streaming(mut self) -> Self {
        self.streaming = true;
        self
    }

    /// The deadline of a call that sets none of its own.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What a caller needs for it, such as `stock.write`. Alone it refuses nobody: the [rules](crate::auth::Rules) of
    /// the server do, or a layer.
    #[must_use]
    pub const fn requires(mut self, requirement: &'static str) -> Self {
        self.requires = Some(requirement);
        self
    }

    /// Whether it is refused first or last when the server is overloaded.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The doc comment of the method.
    #[cfg(feature = "reflection")]
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// The service's part of the path.
    pub const fn service(&self) -> &'static str {
        split(self.path).0
    }

    /// The method's part of the path.
    pub const fn method(&self) -> &'static str {
        split(self.path).1
    }
}

/// What stands before and behind the last dot; both are all of it where there is no dot.
const fn split(path: &'static str) -> (&'static str, &'static str) {
    let bytes = path.as_bytes();
    let mut dot = bytes.len();
    while dot > 0 {
        dot -= 1;
        if bytes[dot] == b'.' {
            let (service, method) = path.split_at(dot);
            return (service, method.split_at(1).1);
        }
    }
    (path, path)
}
