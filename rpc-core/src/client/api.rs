//! What every generated client can do, as traits: [`Client`] and [`BlockingClient`].
//!
//! Generated clients have the same functions as inherent ones, except where a method of the service has the same name.

use super::{BlockingStub, Channel, Stub};

/// placeholder: will have provided functions new/connect/with_timeout/with_metadata/channel on top of these two.
pub trait Client: Clone + Send + Sync + Sized {
    /// From its parts.
    #[doc(hidden)]
    fn from_stub(stub: Stub) -> Self;
    /// Its parts.
    #[doc(hidden)]
    fn stub(&self) -> &Stub;
    /// A client over `channel`.
    fn new(channel: Channel) -> Self {
        Self::from_stub(Stub::new(channel))
    }
}

/// placeholder
pub trait BlockingClient: Clone + Send + Sync + Sized {
    /// From its parts.
    #[doc(hidden)]
    fn from_stub(stub: BlockingStub) -> Self;
    /// Its parts.
    #[doc(hidden)]
    fn stub(&self) -> &BlockingStub;
}
