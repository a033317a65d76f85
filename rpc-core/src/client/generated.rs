//! What every generated client implements, besides its methods.

/// The implementations of `Client` and of what goes with it for one generated client: its parameters, its name with
/// them as arguments, and its service's descriptor.
#[doc(hidden)]
#[macro_export]
macro_rules! __farcall_client {
    ([$($parameters:tt)*] [$client:ident $($arguments:tt)*] $descriptor:ident) => {
        $crate::__farcall_proxy! {
            [$($parameters)*] [$client $($arguments)*] Client Stub
            fn descriptor() -> &'static $crate::service::ServiceDescriptor {
                &$descriptor
            }
        }

        // A client is a value that travels: the other side gets one of the same object or server.
        #[automatically_derived]
        impl<$($parameters)*> $crate::macro_support::serde::Serialize for $client $($arguments)* {
            fn serialize<__FarcallS: $crate::macro_support::serde::Serializer>(
                &self,
                __farcall_serializer: __FarcallS,
            ) -> ::core::result::Result<__FarcallS::Ok, __FarcallS::Error> {
                let channel = $crate::Client::channel(self);
                $crate::macro_support::serialize_client(channel, &$descriptor, __farcall_serializer)
            }
        }

        #[automatically_derived]
        impl<'__farcall, $($parameters)*> $crate::macro_support::serde::Deserialize<'__farcall>
            for $client $($arguments)*
        {
            fn deserialize<__FarcallD: $crate::macro_support::serde::Deserializer<'__farcall>>(
                __farcall_deserializer: __FarcallD,
            ) -> ::core::result::Result<Self, __FarcallD::Error> {
                ::core::result::Result::map(
                    $crate::macro_support::deserialize_client(&$descriptor, __farcall_deserializer),
                    <Self as $crate::Client>::new,
                )
            }
        }
    };
}

/// The same for a generated blocking client.
#[doc(hidden)]
#[macro_export]
macro_rules! __farcall_blocking_client {
    ([$($parameters:tt)*] [$($client:tt)*]) => {
        $crate::__farcall_proxy! { [$($parameters)*] [$($client)*] BlockingClient BlockingStub }
    };
}

/// What both have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! __farcall_proxy {
    ([$($parameters:tt)*] [$client:ident $($arguments:tt)*] $role:ident $stub:ident $($descriptor:tt)*) => {
        #[automatically_derived]
        impl<$($parameters)*> $crate::$role for $client $($arguments)* {
            fn from_stub(__farcall_stub: $crate::macro_support::$stub) -> Self {
                Self { stub: __farcall_stub, types: ::core::marker::PhantomData }
            }

            fn stub(&self) -> &$crate::macro_support::$stub {
                &self.stub
            }

            $($descriptor)*
        }

        #[automatically_derived]
        impl<$($parameters)*> ::core::clone::Clone for $client $($arguments)* {
            fn clone(&self) -> Self {
                Self { stub: ::core::clone::Clone::clone(&self.stub), types: ::core::marker::PhantomData }
            }
        }

        #[automatically_derived]
        impl<$($parameters)*> ::core::fmt::Debug for $client $($arguments)* {
            fn fmt(&self, __farcall_formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __farcall_formatter
                    .debug_struct(::core::stringify!($client))
                    .field("stub", &self.stub)
                    .finish()
            }
        }
    };
}
