//! What was found of callers with other versions of a method.

use std::collections::VecDeque;

use super::{Claim, Compatibility, Fingerprint, FormatKind, Shape, Verdict, check::judged};
use crate::sync::Mutex;

/// How many other versions are remembered. A fleet has two of them while it is being updated.
const MOST: usize = 4;

/// How well the latest callers with another version of a method understand this one. Judging takes as long as some
/// thousand calls, and all calls need it that come before the first answer.
#[derive(Debug, Default)]
pub(crate) struct Judgements(Mutex<VecDeque<Judgement>>);

#[derive(Debug)]
struct Judgement {
    kind: FormatKind,
    /// Of the types in bytes.
    types: Fingerprint,
    compatibility: Compatibility,
}

impl Judgements {
    /// How well a caller that makes this claim and a callee with these types understand each other. Where that was not
    /// known, `found` hears of it.
    pub(crate) fn of(
        &self,
        claim: &Claim,
        own: &Shape,
        kind: FormatKind,
        found: impl FnOnce(&Verdict),
    ) -> Compatibility {
        let Some(types) = &claim.types else {
            return Compatibility::Incompatible;
        };
        let types = Fingerprint::of(types);
        let is_it = |known: &&Judgement| known.kind == kind && known.types == types;
        if let Some(known) = self.0.lock().iter().find(is_it) {
            return known.compatibility;
        }
        let verdict = judged(claim, own, kind);
        found(&verdict);
        let mut known = self.0.lock();
        known.truncate(MOST - 1);
        known.push_front(Judgement {
            kind,
            types,
            compatibility: verdict.compatibility,
        });
        verdict.compatibility
    }
}
