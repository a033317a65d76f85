//! Whom a rule is about.

use crate::{Code, Error, Identity, principal::Principal};

/// Whom a rule is about. A text is a name of the caller's [`Identity`], so `rules.allow("dns:orders.internal", …)`
/// works; see [`named`](Self::named).
///
/// The names of identities and the subjects of tokens never count as each other: a token for `dns:orders.internal` is
/// not a certificate for it.
#[derive(Clone, Debug)]
pub struct Callers(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Named(String),
    /// What stands before the star.
    Below(String),
    Subject(String),
    Scope(String),
    Known,
    Anyone,
    Invalid(String),
}

impl Callers {
    /// The callers whose identity has this name, byte by byte, such as `uid:1000` or `dns:orders.internal`.
    ///
    /// `uri:spiffe://example.org/stock/*` means every name that goes on behind the last slash. The star stands only
    /// there, behind a whole authority, in names that begin with `uri:`: `uri:spiffe://example.org*` would also mean
    /// `uri:spiffe://example.org.evil`, so it is a mistake, which the server reports when it starts. A name with `%`,
    /// `?`, `#`, `\`, or an empty, `.` or `..` segment behind the slash is not meant.
    ///
    /// ```
    /// use farcall::{Server, auth::{Grant, Rules}};
    ///
    /// # #[farcall::service] trait Stock { async fn count(&self) -> farcall::Result<u32>; }
    /// # struct Shelf;
    /// # impl Stock for Shelf { async fn count(&self) -> farcall::Result<u32> { Ok(7) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let rules = Rules::new().allow("uri:spiffe://example.org*", Grant::service("Stock"));
    /// let error = Server::new().service(StockServer::new(Shelf)).authorize(rules).start().unwrap_err();
    /// assert!(error.message().contains("`uri:spiffe://example.org*`"));
    /// # }
    /// ```
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        let kind = match name.strip_suffix('*') {
            None if !has_kind(&name) => Kind::Invalid(format!(
                "the rule for `{name}` means nobody: a name begins with its kind, such as `dns:`, `uri:` or `uid:`"
            )),
            None if name.contains('*') => Kind::Invalid(star(&name)),
            None => Kind::Named(name),
            Some(prefix) if is_safe(prefix) => Kind::Below(prefix.to_owned()),
            Some(_) => Kind::Invalid(star(&name)),
        };
        Self(kind)
    }

    /// The callers with a verified token of this subject.
    pub fn subject(subject: impl Into<String>) -> Self {
        Self(Kind::Subject(subject.into()))
    }

    /// The callers with a verified token that has this scope.
    pub fn scope(scope: impl Into<String>) -> Self {
        Self(Kind::Scope(scope.into()))
    }

    /// All callers that have a verified identity, a verified token, or both.
    pub fn known() -> Self {
        Self(Kind::Known)
    }

    /// All callers, also those of whom nothing is known.
    pub fn anyone() -> Self {
        Self(Kind::Anyone)
    }

    pub(super) fn include(&self, identity: Option<&Identity>, principal: Option<&Principal>) -> bool {
        match &self.0 {
            Kind::Named(name) => identity.is_some_and(|identity| identity.has_name(name)),
            Kind::Below(prefix) => identity.is_some_and(|identity| identity.names().any(|name| is_below(name, prefix))),
            Kind::Subject(subject) => principal.is_some_and(|principal| principal.subject() == subject),
            Kind::Scope(scope) => principal.is_some_and(|principal| principal.has_scope(scope)),
            Kind::Known => identity.is_some() || principal.is_some(),
            Kind::Anyone => true,
            Kind::Invalid(_) => false,
        }
    }

    /// What is wrong with it.
    pub(super) fn mistake(&self) -> Option<Error> {
        match &self.0 {
            Kind::Invalid(text) => Some(Error::refused(Code::InvalidArgument, text.as_str())),
            _ => None,
        }
    }
}

impl<N: Into<String>> From<N> for Callers {
    fn from(name: N) -> Self {
        Self::named(name)
    }
}

fn star(name: &str) -> String {
    format!(
        "the rule for `{name}` would mean more than it seems to: a star stands only at the end of a `uri:` name, \
         behind a slash that ends the authority or a segment, as in `uri:spiffe://example.org/*`"
    )
}

fn has_kind(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
}

/// Whether the names that begin with this all belong to one authority.
fn is_safe(prefix: &str) -> bool {
    let Some((scheme, behind)) = prefix.strip_prefix("uri:").and_then(|uri| uri.split_once("://")) else {
        return false;
    };
    let whole = |(authority, path): (&str, &str)| {
        !authority.is_empty() && (path.is_empty() || path.strip_suffix('/').is_some_and(are_plain))
    };
    !scheme.is_empty() && !prefix.contains('*') && behind.split_once('/').is_some_and(whole)
}

/// Whether a name goes on behind `prefix`, and cannot be read as another one.
fn is_below(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(are_plain)
}

/// Whether these are segments of a path that mean themselves.
fn are_plain(path: &str) -> bool {
    path.split('/')
        .all(|segment| !matches!(segment, "" | "." | "..") && !segment.contains(['%', '?', '#', '\\']))
}

#[cfg(test)]
mod tests {
    use super::Callers;
    use crate::Identity;

    fn includes(rule: &str, name: &str) -> bool {
        Callers::named(rule).include(Some(&Identity::new([name])), None)
    }

    #[test]
    fn a_name_is_compared_byte_by_byte() {
        assert!(includes("dns:orders.internal", "dns:orders.internal"));
        for other in [
            "dns:Orders.internal",
            "dns:orders.internal.",
            "uri:orders.internal",
            "orders.internal",
            "",
        ] {
            assert!(!includes("dns:orders.internal", other), "{other}");
        }
    }

    #[test]
    fn a_star_means_what_is_below_a_slash() {
        let rule = "uri:spiffe://example.org/stock/*";
        for name in ["uri:spiffe://example.org/stock/a", "uri:spiffe://example.org/stock/a/b"] {
            assert!(includes(rule, name), "{name}");
        }
        for name in [
            "uri:spiffe://example.org/stock",
            "uri:spiffe://example.org/stock/",
            "uri:spiffe://example.org/stock/../admin",
            "uri:spiffe://example.org/stock/./a",
            "uri:spiffe://example.org/stock/%2e%2e/admin",
            "uri:spiffe://example.org/stock//a",
            "uri:spiffe://example.org/stock/a\\b",
            "uri:spiffe://example.org/stock/a?b",
            "uri:spiffe://example.org/stock2/a",
            "uri:spiffe://example.org.evil/stock/a",
            "URI:spiffe://example.org/stock/a",
            "dns:spiffe://example.org/stock/a",
        ] {
            assert!(!includes(rule, name), "{name}");
        }
    }

    #[test]
    fn a_star_that_means_too_much_is_a_mistake() {
        for rule in [
            "*",
            "uri:*",
            "uri:spiffe://*",
            "uri:spiffe:///*",
            "uri:spiffe://example.org*",
            "uri:spiffe://*/stock",
            "uri:spiffe://*/stock/*",
            "uri:spiffe://example.org/a*",
            "uri:spiffe://example.org/a/../*",
            "uri:spiffe://example.org//*",
            "dns:*.internal",
            "dns:orders/*",
            "uid:*",
            "orders",
            "",
            "dns:",
        ] {
            assert!(Callers::named(rule).mistake().is_some(), "{rule}");
            assert!(!includes(rule, "uri:spiffe://example.org/a/b"), "{rule}");
        }
    }
}
