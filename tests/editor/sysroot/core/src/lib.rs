//! As much of the standard library as the checks need.
//!
//! The sources of the real one are not installed everywhere; rust-analyzer would have rustup install them, and take
//! four times as long.
#![feature(lang_items, no_core, unsize)]
#![no_core]

#[prelude_import]
use prelude::v1::*;

pub mod future {
    #[lang = "future_trait"]
    pub trait Future {
        #[lang = "future_output"]
        type Output;
    }

    #[lang = "into_future"]
    pub trait IntoFuture {
        type Output;
        type IntoFuture: Future<Output = Self::Output>;
        fn into_future(self) -> Self::IntoFuture;
    }

    impl<F: Future> IntoFuture for F {
        type Output = F::Output;
        type IntoFuture = F;
        fn into_future(self) -> F {}
    }
}

#[macro_use]
mod macros {
    #[rustc_builtin_macro]
    #[macro_export]
    macro_rules! compile_error {
        ($message:expr) => {};
    }

    #[rustc_builtin_macro]
    pub macro derive($item:item) {}
}

pub mod marker {
    #[lang = "pointee_sized"]
    pub trait PointeeSized {}
    #[lang = "meta_sized"]
    pub trait MetaSized: PointeeSized {}
    #[lang = "sized"]
    pub trait Sized: MetaSized {}
    #[lang = "unsize"]
    pub trait Unsize<T: PointeeSized>: PointeeSized {}
    #[lang = "copy"]
    pub trait Copy {}
    pub unsafe auto trait Send {}
    #[lang = "sync"]
    pub unsafe auto trait Sync {}
    #[lang = "phantom_data"]
    pub struct PhantomData<T: PointeeSized>;

    impl Copy for u32 {}
    impl<T: PointeeSized> Copy for &T {}
}

pub mod ops {
    use crate::marker::{PointeeSized, Unsize};

    #[lang = "coerce_unsized"]
    pub trait CoerceUnsized<T> {}

    impl<'a, 'b: 'a, T: PointeeSized + Unsize<U>, U: PointeeSized> CoerceUnsized<&'a U> for &'b T {}

    #[lang = "deref"]
    pub trait Deref: PointeeSized {
        #[lang = "deref_target"]
        type Target: ?Sized;
        fn deref(&self) -> &Self::Target;
    }
}

pub mod option {
    pub enum Option<T> {
        None,
        Some(T),
    }
}

pub mod result {
    pub enum Result<T, E> {
        Ok(T),
        Err(E),
    }
}

pub mod prelude {
    pub mod v1 {
        pub use crate::{
            compile_error,
            future::{Future, IntoFuture},
            macros::derive,
            marker::{Copy, Send, Sized, Sync},
            option::Option::{self, None, Some},
            result::Result::{self, Err, Ok},
        };
    }
    pub use v1 as rust_2018;
    pub use v1 as rust_2021;
    pub use v1 as rust_2024;
}
