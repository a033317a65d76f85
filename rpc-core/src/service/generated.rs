//! What every generated server has, besides its methods.

/// The constructors of one generated server and what goes with them: its visibility, its parameters, its name with
/// them as arguments, and the parameter that stands for the implementation.
#[doc(hidden)]
#[macro_export]
macro_rules! __farcall_server {
    ($vis:vis [$($parameters:tt)*] [$server:ident $($arguments:tt)*] $implementation:ident) => {
        impl<$($parameters)*> $server $($arguments)* {
            /// Answers with `implementation`.
            $vis fn new(implementation: $implementation) -> Self {
                Self::from_arc($crate::macro_support::std::sync::Arc::new(implementation))
            }

            /// Answers with an implementation that other code uses, too.
            $vis fn from_arc(implementation: $crate::macro_support::std::sync::Arc<$implementation>) -> Self {
                Self { implementation, types: ::core::marker::PhantomData }
            }
        }

        #[automatically_derived]
        impl<$($parameters)*> ::core::clone::Clone for $server $($arguments)* {
            fn clone(&self) -> Self {
                Self::from_arc(::core::clone::Clone::clone(&self.implementation))
            }
        }

        #[automatically_derived]
        impl<$($parameters)*> ::core::fmt::Debug for $server $($arguments)* {
            fn fmt(&self, __farcall_formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __farcall_formatter.debug_struct(::core::stringify!($server)).finish_non_exhaustive()
            }
        }
    };
}
