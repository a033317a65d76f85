//! Frames in lanes.

use std::sync::{Arc, atomic::AtomicUsize};

/// How much memory incomplete messages may take in all sessions of one socket together.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }
}
