//! Whether a caller means the same by a method.

use crate::{
    Error, Peer,
    contract::{self, Claim, Compatibility, FormatKind, Verdict},
    events,
    service::{MethodDescriptor, TypedMethod},
};

/// What the caller of a method means by it, and what this side does.
pub(super) struct Claimed {
    pub(super) claim: Box<Claim>,
    pub(super) method: &'static MethodDescriptor,
    pub(super) types: &'static TypedMethod,
    pub(super) kind: FormatKind,
    /// Whether the caller is told how the types differ.
    pub(super) tells_types: bool,
}

impl Claimed {
    /// Why the call of this peer cannot be decoded.
    pub(super) fn refusal(&self, peer: &Peer) -> Option<Error> {
        if self.claim.fingerprint == self.types.claim(self.kind).fingerprint {
            return None;
        }
        let own = self.types.types(self.kind);
        if self.kind.is_named() {
            let tell = |verdict: &Verdict| events::other_version(self.method.path, peer, verdict);
            let compatibility = self.types.judgements().of(&self.claim, own, self.kind, tell);
            if compatibility != Compatibility::Incompatible {
                return None;
            }
        }
        Some(contract::refusal(self.tells_types.then_some(own)))
    }
}
