//! The lock of a connection, held.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, MutexGuard},
};

use thin_vec::ThinVec;

use super::{Due, Link, LinkState};
use crate::driver::attachments::OutgoingAttachment;

/// The lock of a connection, held. What becomes due meanwhile runs when the lock is released, also on a panic.
///
/// A value whose destructor is foreign code, such as a waker that was replaced, is kept by the code that holds the
/// lock, and dropped after it.
pub(in crate::driver) struct LinkGuard<'a> {
    pub(super) link: &'a Arc<Link>,
    // Fields are dropped in this order: the lock is free when the rest runs.
    state: MutexGuard<'a, LinkState>,
    pub(super) due: Due,
}

impl<'a> LinkGuard<'a> {
    pub(super) fn new(link: &'a Arc<Link>, state: MutexGuard<'a, LinkState>) -> Self {
        Self {
            link,
            state,
            due: Due::default(),
        }
    }

    /// What was offered is dropped.
    pub(in crate::driver) fn forsake(&mut self, offered: ThinVec<OutgoingAttachment>) {
        self.due.forsake(offered);
    }

    /// The driver is woken when the lock is free, if there is something for it to do.
    pub(in crate::driver) fn wake_for_output(&mut self) {
        if self.connection.wants_write() || self.connection.has_events() {
            self.wake_driver();
        }
    }

    /// The driver is woken when the lock is free, if it sleeps.
    pub(super) fn wake_driver(&mut self) {
        if let Some(driver) = self.state.driver.take() {
            self.due.wake_driver(driver);
        }
    }
}

impl Deref for LinkGuard<'_> {
    type Target = LinkState;

    #[inline]
    fn deref(&self) -> &LinkState {
        &self.state
    }
}

impl DerefMut for LinkGuard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut LinkState {
        &mut self.state
    }
}
