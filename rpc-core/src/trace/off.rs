//! The hooks of a build without the feature `tracing`.

use crate::{Address, Error, Metadata, Peer, service::MethodDescriptor};

/// Nothing.
pub(crate) struct Trace;

#[expect(clippy::unused_self, reason = "the same signatures as with the feature")]
impl Trace {
    pub(crate) fn call<'a>(_: &'static MethodDescriptor, _: &Metadata, _: impl FnOnce() -> &'a Address) -> Self {
        Self
    }

    pub(crate) fn serve(_: &'static MethodDescriptor, _: &Peer, _: &mut Metadata) -> Self {
        Self
    }

    pub(crate) fn metadata(&self, _: &Metadata) -> Option<Metadata> {
        None
    }

    pub(crate) fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    pub(crate) fn finished(&mut self, _: Option<&Error>) {}
}
