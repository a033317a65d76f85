//! What a peer did that the protocol does not allow.

use std::fmt;

use bytes::TryGetError;

/// What a peer did that the protocol does not allow; it ends the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation(String);

impl Violation {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer broke the protocol: it sent {}", self.0)
    }
}

impl From<TryGetError> for Violation {
    fn from(_: TryGetError) -> Self {
        Self::new("a payload that ends early")
    }
}
