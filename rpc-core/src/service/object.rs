//! An object that lives in this process and may be called from others.

use std::{any::Any, fmt, sync::Arc};

use super::{Service, ServiceDescriptor, ServiceTypes, tasks::Tasks};
use crate::{
    Code, Error,
    driver::attachments::{Object, revoked},
    nesting,
    proto::service_id,
    sync::Mutex,
    told::Ending,
    unwind::guarded,
};

/// An object that lives here. It lives as long as there is a reference to it, here or elsewhere, unless it is revoked.
pub(crate) struct LocalObject {
    descriptor: &'static ServiceDescriptor,
    types: Option<&'static ServiceTypes>,
    state: Mutex<ObjectState>,
    ending: Arc<Ending>,
    /// Handlers that outlive the calls made to it here. They end with the object.
    detached: Tasks,
}

struct ObjectState {
    /// What answers calls, unless the object is revoked.
    service: Option<Arc<dyn Service>>,
    /// The tasks that wait for it to be revoked, in the order in which they came: the same seed of a simulated network
    /// must give the same run.
    watchers: Vec<(usize, Watcher)>,
}

/// Told that the object is revoked, under no lock of the object's.
type Watcher = Box<dyn FnOnce() + Send>;

impl LocalObject {
    pub(crate) fn new(service: Arc<dyn Service>) -> Arc<Self> {
        Arc::new(Self {
            descriptor: service.descriptor(),
            types: service.types(),
            state: Mutex::new(ObjectState {
                service: Some(service),
                watchers: Vec::new(),
            }),
            ending: Arc::default(),
            detached: Tasks::default(),
        })
    }

    /// The object that a connection has handed on.
    pub(crate) fn of(object: Arc<dyn Object>) -> Option<Arc<Self>> {
        let object: Arc<dyn Any + Send + Sync> = object;
        object.downcast().ok()
    }

    pub(crate) fn descriptor(&self) -> &'static ServiceDescriptor {
        self.descriptor
    }

    /// The types of its methods, if they are known.
    pub(crate) fn types(&self) -> Option<&'static ServiceTypes> {
        self.types
    }

    /// What answers calls, unless the object is revoked.
    pub(crate) fn service(&self) -> Option<Arc<dyn Service>> {
        self.state.lock().service.clone()
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.state.lock().service.is_none()
    }

    /// Answers no more calls; says whether it did before.
    pub(crate) fn revoke(&self) -> bool {
        let mut state = self.state.lock();
        // The implementation is dropped outside the lock.
        let (service, watchers) = (state.service.take(), std::mem::take(&mut state.watchers));
        drop(state);
        if service.is_some() {
            self.ending.tell(revoked());
            for (_, told) in watchers {
                told();
            }
        }
        service.is_some()
    }

    /// When it is revoked.
    pub(crate) fn ending(&self) -> &Arc<Ending> {
        &self.ending
    }

    /// For handlers that outlive the calls made to the object here.
    pub(crate) fn detached(&self) -> &Tasks {
        &self.detached
    }
}

impl Object for LocalObject {
    fn service_id(&self) -> u32 {
        service_id(self.descriptor.name)
    }

    fn watch(&self, who: usize, told: Watcher) -> bool {
        let mut state = self.state.lock();
        let lives = state.service.is_some();
        if lives {
            state.watchers.retain(|(other, _)| *other != who);
            state.watchers.push((who, told));
        }
        lives
    }

    fn unwatch(&self, who: usize) {
        let mut state = self.state.lock();
        state.watchers.retain(|(other, _)| *other != who);
        if state.watchers.is_empty() {
            state.watchers = Vec::new();
        }
    }
}

impl Drop for LocalObject {
    /// Any owner may be the last to drop it, also a connection, which must not end because a destructor panics.
    fn drop(&mut self) {
        let service = self.state.lock().service.take();
        // It may keep another object, and that another.
        guarded(|| service.into_iter().for_each(nesting::dispose));
        self.ending.tell(Error::new(
            Code::NotFound,
            "there is no reference to the object any more",
        ));
    }
}

impl fmt::Debug for LocalObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalObject")
            .field("service", &self.descriptor.name)
            .finish_non_exhaustive()
    }
}
