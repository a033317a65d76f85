//! A user may choose any names, and generated code keeps its own meaning: every name of an expansion is tried in every
//! place.
#![allow(
    nonstandard_style,
    dead_code,
    clippy::all,
    clippy::pedantic,
    reason = "the names are chosen to collide, and it is enough that they compile"
)]

macro_rules! collide {
    ($($kind:ident $name:ident)*) => {
        mod traits {
            $(declared!($kind $name);)*
        }

        #[::farcall::service]
        trait Associated {
            $(type $name: ::core::marker::Send;)*
            async fn call(&self, text: &::core::primitive::str, blob: &[::core::primitive::u8]);
            fn flow(&self) -> impl ::farcall::stream::Stream<Item = ::farcall::Result<()>>;
        }

        #[::farcall::service]
        trait Parameters<$($name),*> {
            async fn call(&self, text: &::core::primitive::str, blob: &[::core::primitive::u8]);
            fn flow(&self) -> impl ::farcall::stream::Stream<Item = ::farcall::Result<()>>;
        }

        #[::farcall::service]
        trait Constants<$(const $name: ::core::primitive::usize),*> {
            async fn call(&self, text: &::core::primitive::str, blob: &[::core::primitive::u8]);
            fn flow(&self) -> impl ::farcall::stream::Stream<Item = ::farcall::Result<()>>;
        }

        /// Types and values around the trait.
        mod around {
            $(around!($kind $name);)*

            mod inner {
                use super::*;

                #[::farcall::service]
                trait Callable {
                    #[cfg(all())]
                    #[rpc(blocking, timeout = "1s")]
                    fn wait(
                        &self,
                        first: &::core::primitive::str,
                        second: ::std::vec::Vec<::core::primitive::u8>,
                    ) -> ::farcall::Result<::core::primitive::u32>;
                    async fn answer(&self, first: T, second: &[Row]) -> ::farcall::Result<Output> {
                        let _ = (first, second);
                        ::core::result::Result::Ok(Output)
                    }
                }

                #[::farcall::service]
                trait Flowing {
                    #[cfg(all())]
                    async fn both(
                        &self,
                        first: impl ::farcall::stream::Stream<Item = Row>,
                    ) -> ::farcall::Result<impl ::farcall::stream::Stream<Item = Row>>;
                    fn open(
                        &self,
                        first: impl ::farcall::stream::Stream<Item = Row>,
                    ) -> ::farcall::Streaming<::farcall::Result<Output>>;
                }
            }
        }
    };
}

macro_rules! declared {
    // No argument of anybody's has the name of a variant that the prelude brings.
    (prelude $name:ident) => {
        mod $name {
            #[::farcall::service]
            trait $name {
                async fn $name(&self);
            }
        }
    };
    ($kind:ident $name:ident) => {
        mod $name {
            #[::farcall::service]
            trait $name {
                async fn $name(&self, $name: ::core::primitive::u8);
            }
        }
    };
}

macro_rules! around {
    // The arguments of the clients' own functions are read in documentation, so they have plain names.
    (shown $name:ident) => {};
    ($kind:ident $name:ident) => {
        #[derive(::serde::Serialize, ::serde::Deserialize)]
        pub struct $name;
    };
}

include!("identifiers.rs");
