//! An object that lives in this process and may be called from others.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Service, ServiceDescriptor, tasks::Tasks};
use crate::{nesting, unwind::guarded};

/// An object that lives here. It lives as long as somebody has a reference, here or elsewhere, unless it is revoked.
pub(crate) struct LocalObject {
    descriptor: &'static ServiceDescriptor,
    service: Mutex<Option<Arc<dyn Service>>>,
    /// Handlers that outlive the calls made to it here. They end with the object.
    detached: Tasks,
}

impl LocalObject {
    pub(crate) fn new(service: Arc<dyn Service>) -> Arc<Self> {
        Arc::new(Self {
            descriptor: service.descriptor(),
            service: Mutex::new(Some(service)),
            detached: Tasks::default(),
        })
    }

    pub(crate) fn descriptor(&self) -> &'static ServiceDescriptor {
        self.descriptor
    }

    /// What answers calls, unless the object is revoked.
    pub(crate) fn service(&self) -> Option<Arc<dyn Service>> {
        self.lock().clone()
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.lock().is_none()
    }

    /// Answers no more calls; says whether it did before.
    pub(crate) fn revoke(&self) -> bool {
        // The implementation is dropped outside the lock.
        let service = self.lock().take();
        service.is_some()
    }

    /// For handlers that outlive the calls made to the object here.
    pub(crate) fn detached(&self) -> &Tasks {
        &self.detached
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Service>>> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LocalObject {
    /// Whoever drops it last is chance, and may be a connection: that does not end with a destructor that panics.
    fn drop(&mut self) {
        let service = self.lock().take();
        // It may keep another object, and that another.
        guarded(|| service.into_iter().for_each(nesting::dispose));
    }
}

impl fmt::Debug for LocalObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalObject")
            .field("service", &self.descriptor.name)
            .finish_non_exhaustive()
    }
}
