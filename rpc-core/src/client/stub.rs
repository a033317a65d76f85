//! placeholder: the final names, no work yet
use super::Channel;
use crate::{Error, service::MethodDescriptor};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

/// What a generated client holds.
#[derive(Clone, Debug)]
pub struct Stub(Channel);
/// What a generated blocking client holds.
#[derive(Clone, Debug)]
pub struct BlockingStub(Channel);
/// Encoded answer.
#[derive(Debug)]
pub struct Answer(());
/// A call.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct Call<R>(PhantomData<fn() -> R>);

impl Stub {
    /// Makes one.
    pub fn new(channel: Channel) -> Self {
        Self(channel)
    }
    /// placeholder
    pub fn channel(&self) -> &Channel {
        &self.0
    }
    /// Prepares a call: encodes the arguments now, sends them when first polled.
    pub fn call<A: Serialize, R>(
        &self,
        _method: &'static MethodDescriptor,
        _arguments: &A,
        _decode: fn(Result<Answer, Error>) -> R,
    ) -> Call<R> {
        Call(PhantomData)
    }
}
impl BlockingStub {
    /// Makes one.
    pub fn new(channel: Channel) -> Self {
        Self(channel)
    }
    /// placeholder
    pub fn channel(&self) -> &Channel {
        &self.0
    }
    /// Calls and waits.
    pub fn call<A: Serialize, R>(
        &self,
        _method: &'static MethodDescriptor,
        _arguments: &A,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> R {
        decode(Err(Error::unavailable("placeholder")))
    }
}
impl<R> Future for Call<R> {
    type Output = R;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        Poll::Pending
    }
}

/// Decodes the answer of a method that returns `Result<T, E>`.
pub fn fallible<T: DeserializeOwned, E: DeserializeOwned + From<Error>>(answer: Result<Answer, Error>) -> Result<T, E> {
    Err(E::from(answer.err().unwrap_or_else(|| Error::internal("placeholder"))))
}
/// The same where `T` travels as bytes.
pub fn fallible_bytes<T: for<'de> serde_bytes::Deserialize<'de>, E: DeserializeOwned + From<Error>>(
    answer: Result<Answer, Error>,
) -> Result<T, E> {
    Err(E::from(answer.err().unwrap_or_else(|| Error::internal("placeholder"))))
}
/// Decodes the answer of a method that returns a plain value.
pub fn plain<T: DeserializeOwned>(answer: Result<Answer, Error>) -> Result<T, Error> {
    Err(answer.err().unwrap_or_else(|| Error::internal("placeholder")))
}
/// The same where `T` travels as bytes.
pub fn plain_bytes<T: for<'de> serde_bytes::Deserialize<'de>>(answer: Result<Answer, Error>) -> Result<T, Error> {
    Err(answer.err().unwrap_or_else(|| Error::internal("placeholder")))
}
