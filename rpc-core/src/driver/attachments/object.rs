//! Objects of this process, as seen by the connections over which they are handed out.

use std::{any::Any, fmt};

use crate::{Code, Error};

/// An object of this process, as seen by the connections over which it is handed out.
pub(crate) trait Object: Any + fmt::Debug + Send + Sync {
    /// The id of its service on the wire.
    fn service_id(&self) -> u32;

    /// Lets `told` run when the object is revoked, instead of what `who` gave before. Returns `false` if the object is
    /// revoked already. It may be called under a lock that `told` takes.
    fn watch(&self, who: usize, told: Box<dyn FnOnce() + Send>) -> bool;

    /// Takes back what `who` gave last.
    fn unwatch(&self, who: usize);
}

/// The error for calls to an object that its owner has revoked.
pub(crate) fn revoked() -> Error {
    Error::refused_for_good(Code::NotFound, "the object was revoked by its owner")
}
