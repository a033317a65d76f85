//! Objects of this process, as the connections see them that they are handed out over.

use std::{any::Any, fmt};

use crate::{Code, Error};

/// An object of this process, as the connections see it that it is handed out over.
pub(crate) trait Object: Any + fmt::Debug + Send + Sync {
    /// How its service is called on the wire.
    fn service_id(&self) -> u32;

    /// Lets `told` run when the object is revoked, in the place of what `who` said before. Says whether the object is
    /// not revoked yet. It may be asked under a lock that `told` takes.
    fn watch(&self, who: usize, told: Box<dyn FnOnce() + Send>) -> bool;

    /// Takes back what `who` said last.
    fn unwatch(&self, who: usize);
}

/// Why an object that its owner has revoked answers no calls.
pub(crate) fn revoked() -> Error {
    Error::refused_for_good(Code::NotFound, "the object was revoked by the side that it lives on")
}
