//! Who a token speaks for: [`Principal`](crate::auth::Principal).

use std::{
    any::Any,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::clock::now;

/// Who a token speaks for and what for, as the server's [verifier](crate::Server::verify_tokens) has found out.
///
/// It is apart from the [`Identity`](crate::Identity), which the transport has verified: a caller may have both, one of
/// them, or none. A service that forwards calls connects with its own certificate, and brings the token of a user.
///
/// ```
/// use std::time::Duration;
///
/// use farcall::auth::Principal;
///
/// let ada = Principal::new("ada").scopes(["stock.read", "stock.write"]).valid_for(Duration::from_secs(300));
/// assert_eq!(ada.subject(), "ada");
/// assert!(ada.has_scope("stock.read"));
/// ```
#[derive(Clone)]
pub struct Principal(Arc<PrincipalInner>);

#[derive(Clone)]
struct PrincipalInner {
    subject: String,
    scopes: Vec<String>,
    claims: Option<Arc<dyn Any + Send + Sync>>,
    valid_until: Option<Instant>,
}

impl Principal {
    /// Somebody, with no scopes. Where several issuers are trusted, the subject must name the issuer as well.
    pub fn new(subject: impl Into<String>) -> Self {
        Self(Arc::new(PrincipalInner {
            subject: subject.into(),
            scopes: Vec::new(),
            claims: None,
            valid_until: None,
        }))
    }

    /// What the token is good for: the `scope` of an OAuth token, split at its spaces.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        Arc::make_mut(&mut self.0).scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long the token is still good, from now. After that the verifier is asked again, which should refuse it.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        Arc::make_mut(&mut self.0).valid_until = now().checked_add(time);
        self
    }

    /// Claims of the token in a type of your own, which handlers get with [`claims`](Self::claims).
    #[must_use]
    pub fn with_claims<T: Send + Sync + 'static>(mut self, claims: T) -> Self {
        Arc::make_mut(&mut self.0).claims = Some(Arc::new(claims));
        self
    }

    /// Whose token it is.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Whether the token is good for this, compared byte by byte.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.iter().any(|own| own == scope)
    }

    /// The claims, if the verifier has left some of this type.
    ///
    /// ```
    /// use farcall::auth::Principal;
    ///
    /// struct Tenant(String);
    ///
    /// let ada = Principal::new("ada").with_claims(Tenant("eu".into()));
    /// assert_eq!(ada.claims::<Tenant>().map(|tenant| &*tenant.0), Some("eu"));
    /// ```
    pub fn claims<T: 'static>(&self) -> Option<&T> {
        self.0.claims.as_ref()?.downcast_ref()
    }

    /// Until when the token is good; `None` if that is not known.
    pub(crate) fn valid_until(&self) -> Option<Instant> {
        self.0.valid_until
    }
}

/// Without the claims, which may hold anything.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.0.subject)
            .field("scopes", &self.0.scopes)
            .finish_non_exhaustive()
    }
}

/// The subject.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.subject)
    }
}
