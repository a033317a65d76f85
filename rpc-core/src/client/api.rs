//! What every generated client can do.
//!
//! Generated clients have the same functions as inherent ones, except where a method of the service has the same name;
//! then these traits are the way to reach them.

use std::time::Duration;

use bytes::Bytes;

use super::{BlockingStub, Channel, ReplyMetadata, Stub};
use crate::{Error, service::ServiceDescriptor, transport::IntoAddress};

/// Declares the functions that both kinds of client share.
macro_rules! options {
    ($stub:ty) => {
        /// From its parts.
        #[doc(hidden)]
        fn from_stub(stub: $stub) -> Self;

        /// Its parts.
        #[doc(hidden)]
        fn stub(&self) -> &$stub;

        /// A client over `channel`, which may serve other clients as well.
        fn new(channel: Channel) -> Self {
            Self::from_stub(<$stub>::new(channel))
        }

        /// The channel.
        fn channel(&self) -> &Channel {
            self.stub().channel()
        }

        /// The same client with a time limit for each call, which overrides the method's and the channel's.
        #[must_use]
        fn with_timeout(&self, timeout: Duration) -> Self {
            Self::from_stub(self.stub().clone().with_timeout(timeout))
        }

        /// The same client with a time limit for each wait for an item of a stream that a method returns, counted from
        /// when the item is first asked for. If no item comes in that time, the stream fails as `DeadlineExceeded` and
        /// the call is cancelled.
        ///
        /// An `async` method that returns a stream has an answer before the first item. The wait for this answer is
        /// limited as well, from when the call is first polled: the call fails as `DeadlineExceeded` and is cancelled.
        /// Without `async` there is only the wait for the first item. The limit has no effect on other methods.
        #[must_use]
        fn with_item_timeout(&self, timeout: Duration) -> Self {
            Self::from_stub(self.stub().clone().with_item_timeout(timeout))
        }

        /// The same client with one more pair of metadata. With an invalid key each call fails as
        /// `InvalidArgument`.
        #[must_use]
        fn with_metadata(&self, key: &str, value: &str) -> Self {
            Self::from_stub(
                self.stub()
                    .clone()
                    .with_metadata(|metadata| metadata.append(key, value)),
            )
        }

        /// The same with bytes; the key must end in `-bin`.
        #[must_use]
        fn with_metadata_bin(&self, key: &str, value: impl Into<Bytes>) -> Self {
            Self::from_stub(
                self.stub()
                    .clone()
                    .with_metadata(|metadata| metadata.append_bin(key, value)),
            )
        }

        /// The same client, with the metadata of its answers going to `seen`.
        #[must_use]
        fn with_reply_metadata(&self, seen: &ReplyMetadata) -> Self {
            Self::from_stub(self.stub().clone().with_reply_metadata(seen))
        }
    };
}

/// What every generated asynchronous client can do.
pub trait Client: Clone + Send + Sync + Sized {
    options!(Stub);

    /// The service that is called.
    #[doc(hidden)]
    fn descriptor() -> &'static ServiceDescriptor;

    /// Waits for the end of the object, or of the current connection to the server, and gives the reason; see
    /// [`Channel::closed`].
    fn closed(&self) -> impl Future<Output = Error> + Send {
        self.channel().closed()
    }

    /// Connects a client to the service at `address`; see [`Channel::connect`].
    fn connect(address: impl IntoAddress) -> impl Future<Output = Result<Self, Error>> + Send {
        let address = address.into_address();
        async { Ok(Self::new(Channel::connect(address?).await?)) }
    }
}

/// What every generated blocking client can do.
///
/// Its calls block the thread that makes them, and one thread of farcall's own carries the connections. Calls may be
/// made outside any runtime or inside `spawn_blocking`; inside an asynchronous task they fail as `FailedPrecondition`.
pub trait BlockingClient: Clone + Send + Sync + Sized {
    options!(BlockingStub);

    /// Connects a client to the service at `address` and waits until it is done.
    ///
    /// # Errors
    /// As [`Channel::connect`], and `FailedPrecondition` inside an asynchronous task.
    fn connect(address: impl IntoAddress) -> Result<Self, Error> {
        Ok(Self::new(BlockingStub::connect(address)?))
    }
}
