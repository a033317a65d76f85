//! A bearer token.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Metadata, clock::now};

/// The key of the metadata that has the token, as in HTTP.
pub(super) const KEY: &str = "authorization";
const SCHEME: &str = "Bearer ";

/// A bearer token: whoever has it may do what it is good for. `Debug` does not show it.
///
/// ```
/// use std::time::Duration;
///
/// use farcall::auth::BearerToken;
///
/// let token = BearerToken::new("mF_9.B5f-4.1JqM").valid_for(Duration::from_secs(3600));
/// assert_eq!(format!("{token:?}"), "BearerToken(redacted)");
/// ```
#[derive(Clone)]
pub struct BearerToken {
    secret: Arc<str>,
    valid_until: Option<Instant>,
}

impl BearerToken {
    /// A token that is good until a server refuses it.
    pub fn new(secret: impl Into<Arc<str>>) -> Self {
        Self {
            secret: secret.into(),
            valid_until: None,
        }
    }

    /// How long it is still good, from now: the `expires_in` of an OAuth server.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_until = now().checked_add(time);
        self
    }

    /// The token itself. Do not compare it with a secret by `==`, whose time depends on how much of the two is equal:
    /// [`StaticTokens`](https://docs.rs/farcall/latest/farcall/auth/struct.StaticTokens.html) do that.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn valid_until(&self) -> Option<Instant> {
        self.valid_until
    }

    /// What travels.
    pub(super) fn header(&self) -> String {
        format!("{SCHEME}{}", self.secret)
    }
}

/// The token that came with a call.
///
/// # Errors
/// There are several values, and it is not certain which one others look at.
pub(super) fn token_in(metadata: &Metadata) -> Result<Option<&str>, ()> {
    let mut values = metadata.values(KEY);
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    Ok(first.and_then(|value| {
        let (scheme, token) = value.split_at_checked(SCHEME.len())?;
        scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_matches(' '))
    }))
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

impl From<String> for BearerToken {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl From<&str> for BearerToken {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEY, token_in};
    use crate::Metadata;

    fn metadata(values: &[&str]) -> Metadata {
        let mut metadata = Metadata::new();
        for &value in values {
            metadata.append(KEY, value).expect("a pair");
        }
        metadata
    }

    #[test]
    fn a_token_has_its_scheme_in_front() {
        assert_eq!(token_in(&metadata(&[])), Ok(None));
        assert_eq!(token_in(&metadata(&["Bearer abc"])), Ok(Some("abc")));
        assert_eq!(token_in(&metadata(&["bearer  abc "])), Ok(Some("abc")));
        assert_eq!(token_in(&metadata(&["Basic abc"])), Ok(None));
        assert_eq!(token_in(&metadata(&["Bearer"])), Ok(None));
        assert_eq!(token_in(&metadata(&["Bearer "])), Ok(Some("")));
    }

    #[test]
    fn two_values_are_refused() {
        assert_eq!(token_in(&metadata(&["Bearer a", "Bearer a"])), Err(()));
        assert_eq!(token_in(&metadata(&["Bearer a", "Basic b"])), Err(()));
    }
}
