//! What a server's callers may do.

use std::{fmt, sync::Arc};

use super::{Access, Callers, Grant};
use crate::{Code, Error, Identity, principal::Principal, unwind::caught};

/// Who may call what on a server; give them to [`Server::authorize`](crate::Server::authorize).
///
/// Nobody may do what no rule allows, and no rule takes back what another one allows, so their order does not matter.
/// Without any rule all calls are refused.
///
/// | the caller | a call that no rule allows fails as |
/// | --- | --- |
/// | has a verified identity or a verified token | [`PermissionDenied`](Code::PermissionDenied) |
/// | has neither | [`Unauthenticated`](Code::Unauthenticated) |
///
/// It has [not been executed](crate::Outcome::NotExecuted). What a refused caller learns, and why calls to objects are
/// not held to the rules: see [`auth`](super).
///
/// ```
/// use farcall::auth::{Callers, Grant, Rules};
///
/// let rules = Rules::new()
///     .allow("uri:spiffe://example.org/orders/*", Grant::service("Inventory"))
///     .allow(Callers::subject("ada"), Grant::requirement("stock.write"))
///     .allow(Callers::anyone(), Grant::method("Health.check"))
///     .allow_if(|access| access.metadata().value("tenant") == access.instance() && access.identity().is_some());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "rules do nothing until a server has them"]
pub struct Rules(Vec<Rule>);

#[derive(Clone)]
enum Rule {
    Grant(Callers, Grant),
    If(Arc<dyn Fn(&Access<'_>) -> bool + Send + Sync>),
}

impl Rules {
    /// No rule: nobody may call anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows these callers this. A mistake in a name is reported when the server starts.
    pub fn allow(mut self, callers: impl Into<Callers>, grant: Grant) -> Self {
        self.0.push(Rule::Grant(callers.into(), grant));
        self
    }

    /// Allows the calls of which `allows` says `true`.
    ///
    /// It is asked for methods that exist, for each call, in the task of the caller's connection: it must be quick. If
    /// it panics, it allows nothing.
    pub fn allow_if(mut self, allows: impl Fn(&Access<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.0.push(Rule::If(Arc::new(allows)));
        self
    }

    /// The first mistake in them.
    pub(crate) fn mistake(&self) -> Option<Error> {
        self.0.iter().find_map(|rule| match rule {
            Rule::Grant(callers, _) => callers.mistake(),
            Rule::If(_) => None,
        })
    }

    /// Whether they allow this.
    pub(crate) fn allow_access(&self, access: &Access<'_>) -> bool {
        self.0.iter().any(|rule| match rule {
            // The method first: most rules are about other ones, and that is found out sooner.
            Rule::Grant(callers, grant) => grant.covers(access) && callers.include(access.identity, access.principal),
            Rule::If(allows) => caught(|| allows(access)).unwrap_or(false),
        })
    }

    /// Whether the caller may know what does not exist.
    pub(crate) fn allow_unknown(&self, identity: Option<&Identity>, principal: Option<&Principal>) -> bool {
        self.0.iter().any(|rule| match rule {
            Rule::Grant(callers, grant) => grant.is_unlimited() && callers.include(identity, principal),
            Rule::If(_) => false,
        })
    }
}

/// The refusal of a call that no rule allows. It says nothing about what is called.
pub(super) fn refusal(is_known: bool) -> Error {
    if is_known {
        let text = "the caller may not call this; what the server does not have is refused with the same words";
        return Error::refused(Code::PermissionDenied, text);
    }
    let text = "the server does not know the caller, which has no verified identity and no token; what the server does \
         not have is refused with the same words";
    Error::refused(Code::Unauthenticated, text)
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(callers, grant) => f.debug_tuple("Grant").field(callers).field(grant).finish(),
            Self::If(_) => f.write_str("If"),
        }
    }
}
