//! Encoded arguments, an encoded result or item, on their way out.

use bytes::Bytes;

/// Bodies up to this long are copied behind their header; longer ones are handed over without a copy.
pub(crate) const COPIED: usize = 8 << 10;

/// Encoded arguments, an encoded result or item, on their way out.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// Copied behind its header: at most [`COPIED`] bytes.
    Small(&'a [u8]),
    /// Written from where it is.
    Large {
        /// What is copied in front of that: a few bytes at the most.
        before: &'a [u8],
        bytes: Bytes,
    },
}

impl From<Bytes> for Body<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::Large { before: &[], bytes }
    }
}

impl Body<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Small(bytes) => bytes.len(),
            Self::Large { before, bytes } => before.len() + bytes.len(),
        }
    }
}
