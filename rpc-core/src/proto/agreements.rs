//! What is known of the peer's methods: whether it means by them what this side means.

use std::collections::HashMap;

use super::RequestHead;
use crate::{Code, Error, Outcome, contract};

/// The methods of which one answer came, and so need not be checked again on a connection.
///
/// It grows with the methods that this side calls, and with the objects whose methods it calls, while it has them.
#[derive(Debug, Default)]
pub(super) struct Agreements {
    /// The methods of services without an instance name: a bit for each.
    services: Vec<u64>,
    others: HashMap<Callee, Vec<u32>>,
    /// Few: what a program has wrong.
    refused: HashMap<(Callee, u32), Error>,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Callee {
    Service,
    Instance(u64),
    Object(u32),
}

/// A method of which an answer is to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unchecked {
    callee: Callee,
    method: u32,
}

impl Agreements {
    /// What has to be checked with a call; `None` if that was done, or the caller does not check.
    #[inline]
    pub(super) fn unchecked(&self, head: &RequestHead) -> Option<Unchecked> {
        let method = head.check?.method;
        let callee = Callee::of(head);
        let known = match callee {
            Callee::Service => {
                let bits = self.services.get(method as usize / 64);
                bits.is_some_and(|bits| bits & 1 << (method % 64) != 0)
            }
            _ => self
                .others
                .get(&callee)
                .is_some_and(|methods| methods.contains(&method)),
        };
        (!known).then_some(Unchecked { callee, method })
    }

    /// Why the peer has refused an earlier call of the same method: it would refuse this one, too.
    pub(super) fn refusal(&self, unchecked: Unchecked) -> Option<&Error> {
        self.refused.get(&(unchecked.callee, unchecked.method))
    }

    /// A call has ended well, or with this failure.
    pub(super) fn answered(&mut self, Unchecked { callee, method }: Unchecked, failure: Option<&Error>) {
        match failure {
            Some(error) if is_refusal(error) => {
                self.refused.insert((callee, method), error.clone());
            }
            // It may have failed before the check.
            Some(error) if error.outcome() != Outcome::Executed => {}
            _ => self.agree(callee, method),
        }
    }

    fn agree(&mut self, callee: Callee, method: u32) {
        if callee == Callee::Service {
            let place = method as usize / 64;
            if place >= self.services.len() {
                self.services.resize(place + 1, 0);
            }
            self.services[place] |= 1 << (method % 64);
            return;
        }
        let methods = self.others.entry(callee).or_default();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }

    /// A reference to an object of the peer's is gone: another object may get its number.
    pub(super) fn forget(&mut self, object: u32) {
        let callee = Callee::Object(object);
        self.others.remove(&callee);
        if !self.refused.is_empty() {
            self.refused.retain(|(other, _), _| *other != callee);
        }
    }
}

impl Callee {
    fn of(head: &RequestHead) -> Self {
        match (head.object, head.instance) {
            (Some(object), _) => Self::Object(object),
            (None, Some(instance)) => Self::Instance(instance),
            (None, None) => Self::Service,
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    error.code() == Code::FailedPrecondition
        && error.outcome() == Outcome::NotExecuted
        && error.metadata().bin(contract::KEY).is_some()
}
