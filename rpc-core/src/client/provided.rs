//! The functions that a generated client has besides the methods of its service.

/// Inherent functions of a generated client, each by its name: what [`Client`](crate::Client) or
/// [`BlockingClient`](crate::BlockingClient) has, without the need to import that.
#[doc(hidden)]
#[macro_export]
macro_rules! __farcall_provided {
    ($vis:vis $role:ident: $($name:ident)*) => {
        $($crate::__farcall_provided! { @$name $vis $role })*
    };
    (@connect $vis:vis Client) => {
        /// Connects to the server at an address.
        ///
        /// # Errors
        /// If the address is malformed or no server answers there.
        $vis fn connect(
            address: impl $crate::transport::IntoAddress,
        ) -> impl ::core::future::Future<Output = $crate::Result<Self>> + ::core::marker::Send {
            <Self as $crate::Client>::connect(address)
        }
    };
    (@connect $vis:vis BlockingClient) => {
        /// Connects to the server at an address.
        ///
        /// # Errors
        /// If the address is malformed or no server answers there.
        $vis fn connect(address: impl $crate::transport::IntoAddress) -> $crate::Result<Self> {
            <Self as $crate::BlockingClient>::connect(address)
        }
    };
    (@new $vis:vis $role:ident) => {
        /// A client over a channel, which other clients may share.
        $vis fn new(channel: $crate::Channel) -> Self {
            <Self as $crate::$role>::new(channel)
        }
    };
    (@channel $vis:vis $role:ident) => {
        /// The channel that the calls go over.
        $vis fn channel(&self) -> &$crate::Channel {
            <Self as $crate::$role>::channel(self)
        }
    };
    (@with_timeout $vis:vis $role:ident) => {
        /// The same client with a time limit for each call, which overrides the method's and the channel's.
        #[must_use]
        $vis fn with_timeout(&self, timeout: ::core::time::Duration) -> Self {
            <Self as $crate::$role>::with_timeout(self, timeout)
        }
    };
    (@with_item_timeout $vis:vis $role:ident) => {
        /// The same client with a time limit for each wait for an item of a stream that a method returns, and for the
        /// answer that opens it.
        #[must_use]
        $vis fn with_item_timeout(&self, timeout: ::core::time::Duration) -> Self {
            <Self as $crate::$role>::with_item_timeout(self, timeout)
        }
    };
    (@with_metadata $vis:vis $role:ident) => {
        /// The same client with one more pair of metadata. With an invalid key each call fails as `InvalidArgument`.
        #[must_use]
        $vis fn with_metadata(&self, key: &::core::primitive::str, value: &::core::primitive::str) -> Self {
            <Self as $crate::$role>::with_metadata(self, key, value)
        }
    };
    (@with_metadata_bin $vis:vis $role:ident) => {
        /// The same client with one more pair of metadata, whose value is bytes and whose key must end in `-bin`.
        #[must_use]
        $vis fn with_metadata_bin(
            &self,
            key: &::core::primitive::str,
            value: impl ::core::convert::Into<$crate::macro_support::Bytes>,
        ) -> Self {
            <Self as $crate::$role>::with_metadata_bin(self, key, value)
        }
    };
    (@with_reply_metadata $vis:vis $role:ident) => {
        /// The same client, with the metadata of its answers going to `seen`.
        #[must_use]
        $vis fn with_reply_metadata(&self, seen: &$crate::client::ReplyMetadata) -> Self {
            <Self as $crate::$role>::with_reply_metadata(self, seen)
        }
    };
    (@closed $vis:vis $role:ident) => {
        /// Waits for the end of the object, or of the current connection to the server, and gives the reason.
        $vis fn closed(
            &self,
        ) -> impl ::core::future::Future<Output = $crate::Error> + ::core::marker::Send + '_ {
            <Self as $crate::$role>::closed(self)
        }
    };
}
