//! What types must be able to do to cross the network, asked by generated code so that the compiler's answer names the
//! method and the argument and points at the type.
//!
//! `Place` is a type that generated code makes for its name alone: the compiler shows it as `method::argument`.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Handler, ServiceDescriptor};
use crate::Error;

/// An argument, serialised by the client and deserialised by the server.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the network as the argument `{Place}`",
    label = "needs serde's `Serialize` and `Deserialize`",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it"
)]
pub trait Argument<'de, Place> {}

#[diagnostic::do_not_recommend]
impl<'de, Place, T: Serialize + Deserialize<'de>> Argument<'de, Place> for T {}

/// A result, serialised by the server and deserialised by the client.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the network as the result `{Place}`",
    label = "needs serde's `Serialize` and `Deserialize`, and to borrow nothing",
    note = "if the type is yours, add `#[derive(serde::Serialize, serde::Deserialize)]` to it"
)]
pub trait Output<Place> {}

#[diagnostic::do_not_recommend]
impl<Place, T: Serialize + DeserializeOwned> Output<Place> for T {}

/// An error type, which must also hold what goes wrong between client and server.
#[diagnostic::on_unimplemented(
    message = "`{Self}` as the error `{Place}` cannot hold a failure of the call itself",
    label = "needs `From<farcall::Error>`",
    note = "implement `From<farcall::Error>` for it, or mark the method `#[rpc(plain)]` to have such failures apart"
)]
pub trait Failure<Place> {}

#[diagnostic::do_not_recommend]
impl<Place, E: From<Error>> Failure<Place> for E {}

/// Compiles where `T` can be an argument.
pub const fn argument<'de, T: Argument<'de, Place>, Place>(_: PhantomData<Place>) {}

/// Compiles where `T` can be a result.
pub const fn output<T: Output<Place>, Place>(_: PhantomData<Place>) {}

/// Compiles where `E` can be an error.
pub const fn failure<E: Output<Place> + Failure<Place>, Place>(_: PhantomData<Place>) {}

/// Fails to compile when two methods of a service have the same identity, which for different names is bad luck.
///
/// # Panics
/// When two methods have the same id.
pub const fn assert_distinct(service: &ServiceDescriptor) {
    let methods = service.methods;
    let mut index = 0;
    while index < methods.len() {
        let mut earlier = 0;
        while earlier < index {
            assert!(
                methods[earlier].id != methods[index].id,
                "two methods of this service have the same id on the wire: rename one with #[rpc(name = \"…\")]"
            );
            earlier += 1;
        }
        index += 1;
    }
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
