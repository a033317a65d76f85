//! What is known of the peer's methods: whether it means by them what this side means.

use std::collections::HashMap;

use super::{RequestHead, Target};
use crate::{Code, Error, Outcome, contract};

/// The methods of which one answer came, and so need not be checked again on a connection.
///
/// It grows with the methods, instances and objects that this side calls, up to a limit. Beyond it calls are checked
/// again.
#[derive(Debug, Default)]
pub(super) struct Agreements {
    /// The methods of services without an instance name: a bit for each.
    services: Vec<u64>,
    others: HashMap<Target, Vec<u32>>,
    /// Few: what a program has wrong.
    refused: HashMap<(Target, u32), Error>,
    /// How many objects were forgotten: the answer to an earlier call may be about another object with the same number.
    forgotten: u32,
}

/// How many instances and objects are known, and how many refusals.
const MOST: usize = 1 << 14;
const MOST_REFUSED: usize = 1 << 10;

/// A method of which an answer is to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unchecked {
    target: Target,
    method: u32,
    /// How many objects had been forgotten before.
    forgotten: u32,
}

impl Agreements {
    /// What has to be checked with a call; `None` if that was done, or the caller does not check.
    #[inline]
    pub(super) fn unchecked(&self, head: &RequestHead) -> Option<Unchecked> {
        let method = head.claim?.number;
        let target = head.target;
        let known = match target {
            Target::Service => {
                let bits = self.services.get(method as usize / 64);
                bits.is_some_and(|bits| bits & 1 << (method % 64) != 0)
            }
            _ => self
                .others
                .get(&target)
                .is_some_and(|methods| methods.contains(&method)),
        };
        (!known).then_some(Unchecked {
            target,
            method,
            forgotten: self.forgotten,
        })
    }

    /// Why the peer has refused an earlier call of the same method: it would refuse this one, too.
    pub(super) fn refusal(&self, unchecked: Unchecked) -> Option<&Error> {
        self.refused.get(&(unchecked.target, unchecked.method))
    }

    /// A call has ended well, or with this failure.
    pub(super) fn answered(&mut self, unchecked: Unchecked, failure: Option<&Error>) {
        let Unchecked { target, method, .. } = unchecked;
        if target.object().is_some() && unchecked.forgotten != self.forgotten {
            return;
        }
        match failure {
            Some(error) if is_refusal(error) => {
                if self.refused.len() < MOST_REFUSED {
                    self.refused.insert((target, method), error.clone());
                }
            }
            // It may have failed before the check.
            Some(error) if error.outcome() != Outcome::Executed => {}
            _ => self.agree(target, method),
        }
    }

    fn agree(&mut self, target: Target, method: u32) {
        if target == Target::Service {
            let place = method as usize / 64;
            if place >= self.services.len() {
                self.services.resize(place + 1, 0);
            }
            self.services[place] |= 1 << (method % 64);
            return;
        }
        if self.others.len() >= MOST && !self.others.contains_key(&target) {
            return;
        }
        let methods = self.others.entry(target).or_default();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }

    /// A reference to an object of the peer's is gone: another object may get its number.
    pub(super) fn forget(&mut self, object: u32) {
        let target = Target::Object(object);
        self.forgotten = self.forgotten.wrapping_add(1);
        self.others.remove(&target);
        if !self.refused.is_empty() {
            self.refused.retain(|(other, _), _| *other != target);
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    error.code() == Code::FailedPrecondition
        && error.outcome() == Outcome::NotExecuted
        && error.metadata().bin(contract::KEY).is_some()
}
