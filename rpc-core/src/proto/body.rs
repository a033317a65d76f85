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
    Large(Bytes),
}

impl Body<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Small(bytes) => bytes.len(),
            Self::Large(bytes) => bytes.len(),
        }
    }
}
