//! The memory of what has come and cannot be handed on yet.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// How much memory incomplete messages may take in all sessions of one socket together, besides a little of each.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// A budget of `bytes`.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }

    fn give(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// One session's part of the budget, for one purpose.
#[derive(Debug)]
pub(crate) struct Account {
    shared: Budget,
    /// What it may hold in any case, so that it goes on even if other sessions hold all the rest.
    own: usize,
    limit: usize,
    held: usize,
}

impl Account {
    /// An account that holds `own` bytes in any case, and `more` if there is room.
    pub(crate) fn new(shared: Budget, own: usize, more: usize) -> Self {
        Self {
            shared,
            own,
            limit: own + more,
            held: 0,
        }
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Counts `bytes` more, unless that is too much.
    pub(crate) fn charge(&mut self, bytes: usize) -> bool {
        let after = self.held + bytes;
        let fits = after <= self.limit && self.shared.take(self.above(after) - self.above(self.held));
        if fits {
            self.held = after;
        }
        fits
    }

    pub(crate) fn release(&mut self, bytes: usize) {
        let after = self.held.saturating_sub(bytes);
        self.shared.give(self.above(self.held) - self.above(after));
        self.held = after;
    }

    /// The part of `held` that comes from the shared budget.
    fn above(&self, held: usize) -> usize {
        held.saturating_sub(self.own)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.release(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: usize = 96 << 10;

    #[test]
    fn a_session_has_its_own_part_even_when_others_took_all() {
        let shared = Budget::new(100);
        let (mut greedy, mut modest) = (
            Account::new(shared.clone(), OWN, 1 << 20),
            Account::new(shared, OWN, 1 << 20),
        );
        assert!(greedy.charge(OWN + 100));
        assert!(!greedy.charge(1));
        assert!(modest.charge(OWN));
        assert!(!modest.charge(1));
        greedy.release(1);
        assert!(modest.charge(1));
        drop(greedy);
        assert!(modest.charge(99));
        assert!(!modest.charge(1));
    }

    #[test]
    fn no_session_holds_more_than_its_window_allows() {
        let mut account = Account::new(Budget::new(usize::MAX), OWN, 1000);
        assert!(account.charge(OWN + 1000));
        assert!(!account.charge(1));
        assert_eq!(account.held(), OWN + 1000);
    }
}
