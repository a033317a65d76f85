//! How the items of a stream travel, judged by the attribute from the written form of their type.

use serde::{Serialize, de::DeserializeOwned};

use super::AsBytes;
use crate::Error;

/// How items of the type `Item` travel, and what becomes of them when their stream breaks.
#[diagnostic::on_unimplemented(
    message = "`{Item}` cannot cross the network as an item of a stream",
    label = "cannot be sent as an item"
)]
pub trait Form<Item>: 'static {
    /// What is written in an item's place.
    type Wire: Serialize + DeserializeOwned + Send + 'static;
    /// What a client gives out in an item's place.
    type Seen: Send + 'static;

    /// An item to be sent.
    fn pack(item: Item) -> Self::Wire;

    /// What a client gives out for what came.
    fn seen(received: Result<Self::Wire, Error>) -> Self::Seen;

    /// What a handler is given for what came; an error where an item cannot hold it.
    fn given(received: Result<Self::Wire, Error>) -> Result<Item, Error>;
}

/// Plain items, which cannot say that the stream broke.
#[derive(Debug)]
pub struct Values;

/// Plain items that travel as one run of bytes.
#[derive(Debug)]
pub struct ByteValues;

/// Items that are `Result`s and so can be what broke the stream.
#[derive(Debug)]
pub struct Results;

/// The same where what is good travels as one run of bytes.
#[derive(Debug)]
pub struct ByteResults;

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Form<T> for Values {
    type Wire = T;
    type Seen = Result<T, Error>;

    fn pack(item: T) -> T {
        item
    }

    fn seen(received: Result<T, Error>) -> Result<T, Error> {
        received
    }

    fn given(received: Result<T, Error>) -> Result<T, Error> {
        received
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Form<T> for ByteValues
where
    AsBytes<T>: Serialize + DeserializeOwned,
{
    type Wire = AsBytes<T>;
    type Seen = Result<T, Error>;

    fn pack(item: T) -> AsBytes<T> {
        AsBytes(item)
    }

    fn seen(received: Result<AsBytes<T>, Error>) -> Result<T, Error> {
        received.map(|item| item.0)
    }

    fn given(received: Result<AsBytes<T>, Error>) -> Result<T, Error> {
        Self::seen(received)
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> Form<Result<T, E>> for Results
where
    T: Serialize + DeserializeOwned + Send + 'static,
    E: Serialize + DeserializeOwned + From<Error> + Send + 'static,
{
    type Wire = Result<T, E>;
    type Seen = Result<T, E>;

    fn pack(item: Result<T, E>) -> Result<T, E> {
        item
    }

    fn seen(received: Result<Result<T, E>, Error>) -> Result<T, E> {
        received?
    }

    fn given(received: Result<Result<T, E>, Error>) -> Result<Result<T, E>, Error> {
        Ok(Self::seen(received))
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> Form<Result<T, E>> for ByteResults
where
    T: Send + 'static,
    AsBytes<T>: Serialize + DeserializeOwned,
    E: Serialize + DeserializeOwned + From<Error> + Send + 'static,
{
    type Wire = Result<AsBytes<T>, E>;
    type Seen = Result<T, E>;

    fn pack(item: Result<T, E>) -> Result<AsBytes<T>, E> {
        item.map(AsBytes)
    }

    fn seen(received: Result<Result<AsBytes<T>, E>, Error>) -> Result<T, E> {
        received?.map(|item| item.0)
    }

    fn given(received: Result<Result<AsBytes<T>, E>, Error>) -> Result<Result<T, E>, Error> {
        Ok(Self::seen(received))
    }
}
