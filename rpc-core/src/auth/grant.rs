//! What a rule allows.

use super::Access;

/// What a rule allows its callers.
///
/// A method that [requires](macro@crate::service) something is not part of its service for this purpose: only
/// [`requirement`](Self::requirement), [`scopes`](Self::scopes), [`method`](Self::method) and
/// [`everything`](Self::everything) allow it. So who may call a service does not get the sensitive methods that are
/// added to it later.
///
/// ```
/// use farcall::auth::{Grant, Rules};
///
/// let rules = Rules::new()
///     .allow("dns:orders.internal", Grant::service("Stock"))
///     .allow("dns:orders.internal", Grant::requirement("stock.write"))
///     .allow("uid:0", Grant::everything())
///     .allow("uid:1000", Grant::method("Stock.count").at_instance("eu"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a grant does nothing until a rule has it"]
pub struct Grant {
    what: What,
    instance: Option<String>,
}

#[derive(Clone, Debug)]
enum What {
    Everything,
    Service(String),
    Method(String),
    Requirement(String),
    Scopes,
}

impl Grant {
    /// All methods of all services. Who has it may also know what the server does not have: a call of something unknown
    /// fails with the usual help.
    pub fn everything() -> Self {
        Self::new(What::Everything)
    }

    /// The methods of the service with this name on the wire that require nothing.
    pub fn service(name: impl Into<String>) -> Self {
        Self::new(What::Service(name.into()))
    }

    /// One method, as `Service.method`, whatever it requires.
    pub fn method(path: impl Into<String>) -> Self {
        Self::new(What::Method(path.into()))
    }

    /// The methods of all services that require this.
    pub fn requirement(name: impl Into<String>) -> Self {
        Self::new(What::Requirement(name.into()))
    }

    /// The methods of all services that require a scope of the caller's token.
    pub fn scopes() -> Self {
        Self::new(What::Scopes)
    }

    /// Only at this named instance; otherwise it does not matter which one is called.
    pub fn at_instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    fn new(what: What) -> Self {
        Self { what, instance: None }
    }

    pub(super) fn covers(&self, access: &Access<'_>) -> bool {
        let method = access.method;
        let covers_method = match &self.what {
            What::Everything => true,
            What::Service(name) => method.requires.is_none() && method.service() == name,
            What::Method(path) => method.path == path,
            What::Requirement(name) => method.requires == Some(name),
            What::Scopes => {
                let has = |scope| access.principal.is_some_and(|principal| principal.has_scope(scope));
                method.requires.is_some_and(has)
            }
        };
        covers_method
            && self
                .instance
                .as_deref()
                .is_none_or(|name| access.instance == Some(name))
    }

    /// Whether it covers also what does not exist.
    pub(super) fn is_unlimited(&self) -> bool {
        matches!(self.what, What::Everything) && self.instance.is_none()
    }
}
