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
    /// Connects.
    fn connect(
        _address: impl crate::transport::IntoAddress,
    ) -> impl Future<Output = Result<Self, crate::Error>> + Send {
        std::future::ready(Err(crate::Error::unavailable("placeholder")))
    }
    /// placeholder
    #[must_use]
    fn with_timeout(&self, _: std::time::Duration) -> Self {
        self.clone()
    }
    /// placeholder
    #[must_use]
    fn with_metadata(&self, _: &str, _: &str) -> Self {
        self.clone()
    }
    /// placeholder
    fn channel(&self) -> &Channel {
        self.stub().channel()
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
    /// A client over `channel`.
    fn new(channel: Channel) -> Self {
        Self::from_stub(BlockingStub::new(channel))
    }
    /// Connects.
    fn connect(_: impl crate::transport::IntoAddress) -> Result<Self, crate::Error> {
        Err(crate::Error::unavailable("placeholder"))
    }
    /// placeholder
    #[must_use]
    fn with_timeout(&self, _: std::time::Duration) -> Self {
        self.clone()
    }
    /// placeholder
    #[must_use]
    fn with_metadata(&self, _: &str, _: &str) -> Self {
        self.clone()
    }
    /// placeholder
    fn channel(&self) -> &Channel {
        self.stub().channel()
    }
}
