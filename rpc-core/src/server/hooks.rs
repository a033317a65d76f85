//! What a server's owner is told about its connections.

use std::sync::Arc;

use crate::{Address, Error, Peer, unwind::guarded};

/// The functions that are told about connections. The panic hook reports a panic in one of them, which ends nothing.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    /// For connections that never opened.
    pub(super) failed: Option<Arc<FailedHook>>,
    pub(super) opened: Option<Arc<OpenedHook>>,
    pub(super) ended: Option<Arc<Ended>>,
}

type FailedHook = dyn Fn(&Address, &str) + Send + Sync;
type OpenedHook = dyn Fn(&Peer) + Send + Sync;
type Ended = dyn Fn(&Peer, &Error) + Send + Sync;

impl Hooks {
    /// A connection never opened.
    pub(super) fn failed(&self, peer: &Address, why: &str) {
        if let Some(told) = &self.failed {
            guarded(|| told(peer, why));
        }
    }

    /// A connection is open.
    pub(super) fn opened<'a>(&'a self, peer: &'a Peer) -> Visit<'a> {
        if let Some(told) = &self.opened {
            guarded(|| told(peer));
        }
        Visit {
            hooks: self,
            peer,
            why: None,
        }
    }
}

/// An open connection. When this is dropped, also because its task was stopped, the owner is told that it has ended.
pub(super) struct Visit<'a> {
    hooks: &'a Hooks,
    peer: &'a Peer,
    why: Option<Error>,
}

impl Visit<'_> {
    /// It ended, and why.
    pub(super) fn ends(&mut self, why: Error) {
        self.why = Some(why);
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if let Some(told) = &self.hooks.ended {
            let why = self.why.take();
            let why = why.unwrap_or_else(|| Error::unavailable("the server was stopped"));
            guarded(|| told(self.peer, &why));
        }
    }
}
