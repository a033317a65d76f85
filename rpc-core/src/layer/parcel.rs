//! What exists once and passes through layers.

use std::{fmt, sync::Arc};

use thin_vec::ThinVec;

use crate::sync::Mutex;

/// What exists once and passes through layers with a request or a response. Those may be cloned; the first clone that
/// asks gets it.
pub(crate) struct Parcel<T>(Option<Arc<Mutex<Option<T>>>>);

impl<T> Parcel<T> {
    pub(crate) fn new(content: Option<T>) -> Self {
        Self(content.map(|content| Arc::new(Mutex::new(Some(content)))))
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.as_ref()?.lock().take()
    }

    /// Whether there never was anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there was something, and it has been taken.
    pub(crate) fn is_taken(&self) -> bool {
        let is_empty = |content: &Arc<Mutex<Option<T>>>| content.lock().is_none();
        self.0.as_ref().is_some_and(is_empty)
    }
}

impl<T> Parcel<ThinVec<T>> {
    /// A list; an empty one is not kept.
    pub(crate) fn list(content: ThinVec<T>) -> Self {
        Self::new(Some(content).filter(|content| !content.is_empty()))
    }
}

impl<T> Clone for Parcel<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Parcel<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> fmt::Debug for Parcel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some" } else { "None" })
    }
}
