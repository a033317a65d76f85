//! Why a value could not be encoded or decoded.

use std::fmt;

/// What a format without names says when a type asks it which type comes next; the peer is not at fault, the type is.
#[cfg(any(feature = "bincode", feature = "postcard"))]
pub(super) const NOT_SELF_DESCRIBING: &str = "the type asks the format which type comes next, as #[serde(untagged)], \
     #[serde(tag = \"...\")] and #[serde(flatten)] do, and this format does not record that";

/// What a format says when a sequence or map does not tell its length first.
#[cfg(any(feature = "bincode", feature = "postcard"))]
pub(super) const UNKNOWN_LENGTH: &str = "a sequence or map must tell its length before its first element, \
     which #[serde(flatten)] cannot do";

/// What a format says when it wants more bytes than there are.
pub(super) const TOO_SHORT: &str = "the bytes end before the value does";

/// Why a value could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError(String);

impl CodecError {
    /// An error with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CodecError {}
