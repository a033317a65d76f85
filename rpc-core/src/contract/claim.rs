//! What a side says that it means by a method.

use bytes::Bytes;

use super::Fingerprint;

/// The longest types that go with a call or a refusal. Longer ones are not told.
pub(crate) const MAX_CLAIM: usize = 8 << 10;

/// What a side means by a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The number of the method on its own side, which stays there.
    pub(crate) number: u32,
    pub(crate) fingerprint: Fingerprint,
    /// The types themselves, where ones that differ may be compatible.
    pub(crate) types: Option<Bytes>,
}
