//! What is known of the peer's methods: whether it means by them what this side means.

use std::collections::HashMap;

use super::{RequestHead, Target};
use crate::{Code, Error, Outcome, contract};

/// The methods of which one answer came, and so need not be checked again on a connection.
///
/// It grows with the methods that this side calls, and with the objects whose methods it calls, while it has them.
#[derive(Debug, Default)]
pub(super) struct Agreements {
    /// The methods of services without an instance name: a bit for each.
    services: Vec<u64>,
    others: HashMap<Target, Vec<u32>>,
    /// Few: what a program has wrong.
    refused: HashMap<(Target, u32), Error>,
}

/// A method of which an answer is to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unchecked {
    target: Target,
    method: u32,
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
        (!known).then_some(Unchecked { target, method })
    }

    /// Why the peer has refused an earlier call of the same method: it would refuse this one, too.
    pub(super) fn refusal(&self, unchecked: Unchecked) -> Option<&Error> {
        self.refused.get(&(unchecked.target, unchecked.method))
    }

    /// A call has ended well, or with this failure.
    pub(super) fn answered(&mut self, Unchecked { target, method }: Unchecked, failure: Option<&Error>) {
        match failure {
            Some(error) if is_refusal(error) => {
                self.refused.insert((target, method), error.clone());
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
        let methods = self.others.entry(target).or_default();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }

    /// A reference to an object of the peer's is gone: another object may get its number.
    pub(super) fn forget(&mut self, object: u32) {
        let target = Target::Object(object);
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
