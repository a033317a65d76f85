//! A reference to an object of the peer's.

use std::{fmt, sync::Arc};

use super::Link;
use crate::told::Ending;

/// A reference to an object of the peer's. The peer is told when it is dropped.
///
/// Calls to it are made with [`Link::start`], which counts how often the object is named.
pub(crate) struct Import {
    link: Arc<Link>,
    object: u32,
    /// The hash of its service's name.
    service: u32,
}

impl Import {
    /// To be made under the lock that counts it.
    pub(super) fn new(link: Arc<Link>, object: u32, service: u32) -> Self {
        Self { link, object, service }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn object(&self) -> u32 {
        self.object
    }

    /// When the object is revoked, or its connection is over.
    pub(crate) fn ending(&self) -> Arc<Ending> {
        self.link.watch(self.object)
    }

    /// Whether a call has a chance, as far as this side knows.
    pub(crate) fn is_callable(&self) -> bool {
        self.link.is_callable(self.object)
    }

    pub(crate) fn service(&self) -> u32 {
        self.service
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        self.link.release(self.object);
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Import").field(&self.object).finish()
    }
}
