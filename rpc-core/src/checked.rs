//! One message for one mistake: calls that compile for all types, because generated code
//! [checks](crate::service::bounds) the types in another place.
//!
//! Each type here has a method for types that can cross the network, and one of the same name for all others. The
//! compiler takes the second only when the first does not fit. It has reported the type by then, and need not repeat
//! that at every use. If the check is missing by mistake, the second method does not compile either, once it is used.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Error,
    client::{Answer, fallible_bytes, fallible_known, plain_bytes, plain_known},
    contract::OutputTypes,
    service::{HandlerOutput, Invocation, Tracer, TypeOf},
};

/// The body of the second methods: no program has a `T` for which it compiles. It depends on the type, because
/// otherwise the compiler would refuse it right here.
fn unreported<T, R>() -> R {
    const {
        assert!(
            size_of::<T>() == usize::MAX,
            "a type of this service cannot cross the network: it needs serde's `Serialize` and `Deserialize`"
        );
    }
    unreachable!("it does not compile")
}

/// An argument on its way out.
#[derive(Debug)]
pub struct Sent<T>(pub T);

impl<T: Serialize> Sent<T> {
    /// The argument.
    #[inline]
    pub fn value(self) -> T {
        self.0
    }
}

/// Stands for an argument that cannot be sent.
#[derive(Debug, Serialize)]
pub struct Unsent;

/// An argument that cannot be sent.
pub trait Unsendable: Sized {
    /// Does not compile.
    fn value(self) -> Unsent {
        unreported::<Self, _>()
    }
}

impl<T> Unsendable for Sent<T> {}

/// The arguments as they are decoded.
#[derive(Debug)]
pub struct Arrived<T>(PhantomData<fn() -> T>);

impl<T> Arrived<T> {
    /// Nothing is decoded yet.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'a, T: Deserialize<'a>> Arrived<T> {
    /// The arguments, as [`Invocation::arguments`] gives them.
    #[inline]
    pub fn arguments(self, invocation: &'a Invocation) -> Result<T, Error> {
        invocation.arguments()
    }
}

/// Arguments that cannot be decoded.
pub trait Undecodable<T>: Sized {
    /// Does not compile.
    fn arguments(self, _: &Invocation) -> Result<T, Error> {
        unreported::<Self, _>()
    }
}

impl<T> Undecodable<T> for Arrived<T> {}

/// What a handler returned.
#[derive(Debug)]
pub struct Answered<'a, R>(pub &'a R);

impl<T: Serialize + 'static, E: Serialize + 'static> Answered<'_, Result<T, E>> {
    /// The answer, as [`Invocation::fallible`] makes it.
    #[inline]
    pub fn fallible(self, invocation: &Invocation) -> Result<HandlerOutput, Error> {
        invocation.fallible_known(self.0)
    }
}

impl<T: Serialize + 'static> Answered<'_, T> {
    /// The answer, as [`Invocation::plain`] makes it.
    #[inline]
    pub fn plain(self, invocation: &Invocation) -> Result<HandlerOutput, Error> {
        invocation.plain_known(self.0)
    }
}

/// A result that cannot be encoded.
pub trait Unanswerable: Sized {
    /// Does not compile.
    fn fallible(self, _: &Invocation) -> Result<HandlerOutput, Error> {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn plain(self, _: &Invocation) -> Result<HandlerOutput, Error> {
        unreported::<Self, _>()
    }
}

impl<R> Unanswerable for Answered<'_, R> {}

/// How a result is made of an answer.
type DecodeAnswer<R> = fn(Result<Answer, Error>) -> R;

/// A result as it is decoded.
#[derive(Debug)]
pub struct Received<R>(PhantomData<fn() -> R>);

impl<R> Received<R> {
    /// Nothing is decoded yet.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: DeserializeOwned + 'static, E: DeserializeOwned + From<Error>> Received<Result<T, E>> {
    /// How a result is decoded.
    #[inline]
    pub fn fallible(self) -> DecodeAnswer<Result<T, E>> {
        fallible_known
    }
}

impl<T: for<'de> serde_bytes::Deserialize<'de>, E: DeserializeOwned + From<Error>> Received<Result<T, E>> {
    /// How a result with bytes is decoded.
    #[inline]
    pub fn fallible_bytes(self) -> DecodeAnswer<Result<T, E>> {
        fallible_bytes
    }
}

impl<T: DeserializeOwned + 'static> Received<T> {
    /// How a plain value is decoded.
    #[inline]
    pub fn plain(self) -> DecodeAnswer<Result<T, Error>> {
        plain_known
    }
}

impl<T: for<'de> serde_bytes::Deserialize<'de>> Received<T> {
    /// How plain bytes are decoded.
    #[inline]
    pub fn plain_bytes(self) -> DecodeAnswer<Result<T, Error>> {
        plain_bytes
    }
}

/// A result that cannot be decoded.
pub trait Unreceivable<R>: Sized {
    /// Does not compile.
    fn fallible(self) -> DecodeAnswer<R> {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn fallible_bytes(self) -> DecodeAnswer<R> {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn plain(self) -> DecodeAnswer<Result<R, Error>> {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn plain_bytes(self) -> DecodeAnswer<Result<R, Error>> {
        unreported::<Self, _>()
    }
}

impl<R> Unreceivable<R> for Received<R> {}

/// A type that cannot be traced, because it cannot be decoded.
pub trait Untraceable: Sized {
    /// Does not compile.
    fn value(self) -> Tracer {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn plain(self) -> OutputTypes {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn fallible(self) -> OutputTypes {
        unreported::<Self, _>()
    }

    /// Does not compile.
    fn fallible_bytes(self) -> OutputTypes {
        unreported::<Self, _>()
    }
}

impl<T: ?Sized> Untraceable for TypeOf<T> {}
