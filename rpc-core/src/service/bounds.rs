//! What types must be able to do to cross the network, asked by generated code so that the compiler's answer names the
//! method and the argument and points at the type.
//!
//! `Method` and `Name` are types that generated code makes for their names alone.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Handler, ServiceDescriptor};
use crate::Error;

/// An argument, serialised by the client and deserialised by the server.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the network as the argument `{Name}` of `{Method}`",
    label = "needs serde's `Serialize` and `Deserialize`",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it",
    note = "a stream is written `impl Stream<Item = X>` or `Streaming<X>` in the signature itself: the attribute \
        cannot see through an alias"
)]
pub trait Argument<'de, Method, Name> {}

#[diagnostic::do_not_recommend]
impl<'de, Method, Name, T: Serialize + Deserialize<'de>> Argument<'de, Method, Name> for T {}

/// What looks like an end of a channel of another library, as an argument or a result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` in `{Method}` belongs to one process and cannot cross the network",
    label = "an end of another library's channel",
    note = "take one of `farcall::channel` (`Sender<X>`, `Receiver<X>`, `watch`), or a stream: `impl Stream<Item = X>`"
)]
pub trait ChannelEnd<Method> {}

#[diagnostic::do_not_recommend]
impl<Method, T: Serialize + DeserializeOwned> ChannelEnd<Method> for T {}

/// A result, serialised by the server and deserialised by the client.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the network as a result of `{Method}`",
    label = "needs serde's `Serialize` and `Deserialize`, and to borrow nothing",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it",
    note = "a stream is written `impl Stream<Item = X>` or `Streaming<X>` in the signature itself: the attribute \
        cannot see through an alias"
)]
pub trait Output<Method, Name> {}

#[diagnostic::do_not_recommend]
impl<Method, Name, T: Serialize + DeserializeOwned> Output<Method, Name> for T {}

/// The error of a result, serialised by the server and deserialised by the client.
#[diagnostic::on_unimplemented(
    message = "`{Self}`, the error of `{Method}`, cannot cross the network",
    label = "needs serde's `Serialize` and `Deserialize`, and to borrow nothing",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it",
    note = "the errors of std, anyhow and other libraries cannot be sent: return `farcall::Result<X>`, which any \
        error turns into with `.or_internal()?` (`farcall::OrFail`), or an error type of your own"
)]
pub trait ErrorOutput<Method> {}

#[diagnostic::do_not_recommend]
impl<Method, T: Serialize + DeserializeOwned> ErrorOutput<Method> for T {}

/// An error type, which must also hold what goes wrong between client and server.
#[diagnostic::on_unimplemented(
    message = "`{Self}`, the error of `{Method}`, cannot hold a failure of the call itself",
    label = "needs `From<farcall::Error>`",
    note = "implement `From<farcall::Error>` for it, or mark the method `#[rpc(plain)]` to have such failures apart"
)]
pub trait Failure<Method, Name> {}

#[diagnostic::do_not_recommend]
impl<Method, Name, E: From<Error>> Failure<Method, Name> for E {}

/// An item of a stream among the arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the network as an item of the stream `{Name}` of `{Method}`",
    label = "needs serde's `Serialize` and `Deserialize`, and to be `Send` and to borrow nothing",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it"
)]
pub trait Item<Method, Name> {}

#[diagnostic::do_not_recommend]
impl<Method, Name, T: Serialize + DeserializeOwned + Send + 'static> Item<Method, Name> for T {}

/// An item of a stream that is a result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the network as an item of the stream that `{Method}` returns",
    label = "needs serde's `Serialize` and `Deserialize`, and to be `Send` and to borrow nothing",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it"
)]
pub trait ReturnedItem<Method> {}

#[diagnostic::do_not_recommend]
impl<Method, T: Serialize + DeserializeOwned + Send + 'static> ReturnedItem<Method> for T {}

/// The error of an item, which must also hold what breaks the stream.
#[diagnostic::on_unimplemented(
    message = "`{Self}`, the error of items of a stream of `{Method}`, cannot hold what breaks the stream",
    label = "needs `From<farcall::Error>`",
    note = "implement `From<farcall::Error>` for it, or make the items of a type whose name does not end in `Result`"
)]
pub trait ItemFailure<Method> {}

#[diagnostic::do_not_recommend]
impl<Method, E: From<Error>> ItemFailure<Method> for E {}

/// The items of a stream whose type is named like a `Result`.
#[diagnostic::on_unimplemented(
    message = "the type of the items of a stream of `{Method}` is named like a `Result` but is not one",
    label = "not a `Result`",
    note = "make the items of a type whose name does not end in `Result`"
)]
pub trait FallibleItem<Method> {}

#[diagnostic::do_not_recommend]
impl<Method, T, E> FallibleItem<Method> for Result<T, E> {}

/// The return type of a method whose failures and results are told apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named like a `Result` but is not one",
    label = "not a `Result`",
    note = "mark the method `#[rpc(plain)]`"
)]
pub trait Fallible {
    /// Its error.
    type Error;
}

#[diagnostic::do_not_recommend]
impl<T, E> Fallible for Result<T, E> {
    type Error = E;
}

/// The error of a result, which may be an alias.
pub type ErrorOf<R> = <R as Fallible>::Error;

/// Whether a return type is a `Result` under a name that does not say so: the compiler takes this answer for all types
/// except those that have one of their [own](Demand::IS_RESULT).
pub trait NoResult {
    /// It is not.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> NoResult for Demand<T> {}

impl<T, E> Demand<Result<T, E>> {
    /// It is.
    pub const IS_RESULT: bool = true;
}

/// What a method must be for a client to be an implementation of its trait.
#[diagnostic::on_unimplemented(
    message = "`{Client}` is not an implementation of its trait, because of the method `{Self}`",
    label = "its methods are not all `async` with a `Result`, or with a stream of `Result`s",
    note = "make `{Self}` an `async fn` that returns a `Result`, which has room for a failure of the call, or ask for \
        `{Client}` itself here"
)]
pub trait CallsAsDeclared<'a, Client> {}

/// The body of a method that cannot be called.
///
/// # Panics
/// Always: a client with this method does not implement the trait.
pub fn unimplemented<T>() -> T {
    unreachable!("a method of an implementation that no type has")
}

/// Asks something of a type: each method compiles only if the type meets its bounds.
#[derive(Debug)]
pub struct Demand<T: ?Sized>(PhantomData<fn() -> PhantomData<T>>);

impl<T: ?Sized> Demand<T> {
    /// Demands nothing yet.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// To be an argument.
    pub const fn argument<'de, Method, Name>(&self)
    where
        T: Argument<'de, Method, Name>,
    {
    }

    /// To be what looks like an end of a channel, and is another type.
    pub const fn channel_end<Method, Name>(&self)
    where
        T: ChannelEnd<Method>,
    {
    }

    /// To be a result, or a part of one.
    pub const fn output<Method, Name>(&self)
    where
        T: Output<Method, Name>,
    {
    }

    /// To be the error of a result.
    pub const fn error_output<Method, Name>(&self)
    where
        T: ErrorOutput<Method>,
    {
    }

    /// To be an error.
    pub const fn error<Method, Name>(&self)
    where
        T: Failure<Method, Name>,
    {
    }

    /// To be an item of an argument.
    pub const fn item<Method, Name>(&self)
    where
        T: Item<Method, Name>,
    {
    }

    /// To be an item of a result.
    pub const fn returned_item<Method, Name>(&self)
    where
        T: ReturnedItem<Method>,
    {
    }

    /// To be the error of an item.
    pub const fn item_error<Method, Name>(&self)
    where
        T: ItemFailure<Method>,
    {
    }

    /// To be an item that is a `Result`.
    pub const fn fallible_item<Method, Name>(&self)
    where
        T: FallibleItem<Method>,
    {
    }
}

/// Whether no two methods of a service have the same id on the wire.
pub const fn are_distinct(service: &ServiceDescriptor) -> bool {
    let methods = service.methods;
    let mut index = 0;
    while index < methods.len() {
        let mut earlier = 0;
        while earlier < index {
            if methods[earlier].id == methods[index].id {
                return false;
            }
            earlier += 1;
        }
        index += 1;
    }
    true
}

/// The handler of a call to a method that the service does not have.
pub fn no_such_method(service: &'static ServiceDescriptor) -> Handler {
    Box::pin(async move {
        Err(Error::unimplemented(format!(
            "service {} has no such method",
            service.name
        )))
    })
}
