//! A reference to an object of the peer's.

use std::{fmt, sync::Arc};

use super::{Link, link::wake};

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

    pub(crate) fn service(&self) -> u32 {
        self.service
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        let driver = self.link.lock().release(self.object);
        wake(driver);
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Import").field(&self.object).finish()
    }
}
