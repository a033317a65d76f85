//! From an encoded answer to what a method returns.

use std::{
    any::{Any, TypeId},
    cell::Cell,
    fmt,
};

use bytes::Bytes;
use serde::{
    Deserialize,
    de::{self, DeserializeOwned},
};
use thin_vec::ThinVec;

use super::upkeep::Upkeep;
use crate::{
    Code, Error,
    codec::{Codec, CodecError, SharedBytes, assert_inline, decoding_from, room_for},
    driver::attachments::{self, IncomingAttachment, Wire},
    service::{AsBytes, MethodDescriptor},
};

/// An encoded answer.
pub struct Answer {
    pub(crate) method: &'static MethodDescriptor,
    pub(crate) body: Bytes,
    pub(crate) wire: Wire,
    /// What came with it; taken when it is decoded.
    pub(crate) carried: Cell<ThinVec<IncomingAttachment>>,
    /// Of methods with streams.
    pub(crate) upkeep: Option<Box<Upkeep>>,
}

impl Answer {
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        assert_inline::<T>();
        room_for::<T>().and_then(|()| self.read()).map_err(|error| {
            Error::new(
                Code::Internal,
                format!("the result cannot be decoded: {error}; do both sides have the same version of the type?"),
            )
            .with_method(self.method.path)
        })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, CodecError> {
        // A oneway call has no answer to decode; its value is `()`.
        let body = if self.method.oneway {
            self.wire.format.nothing()
        } else {
            &self.body
        };
        let decode = || self.wire.format.decode(body, self.wire.limits);
        let decode = || decoding_from(&self.body, decode);
        attachments::decoding(self.carried.take(), self.wire, decode)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("method", &self.method.path)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// The result of a method that returns `Result<T, E>`.
///
/// # Errors
/// The handler's own error, or a remote failure as `E::from(error)`.
pub fn fallible<T: DeserializeOwned, E: DeserializeOwned + From<Error>>(answer: Result<Answer, Error>) -> Result<T, E> {
    answer?.decode::<Result<T, E>>()?
}

/// The same where `T` travels as bytes.
///
/// # Errors
/// As [`fallible`].
pub fn fallible_bytes<T, E>(answer: Result<Answer, Error>) -> Result<T, E>
where
    T: for<'de> serde_bytes::Deserialize<'de>,
    E: DeserializeOwned + From<Error>,
{
    fallible::<Owned<T>, E>(answer).map(|value| value.0)
}

/// The same where `T` is known, so that [`Bytes`] can be a part of the message and need no copy.
///
/// # Errors
/// As [`fallible`].
pub(crate) fn fallible_known<T, E>(answer: Result<Answer, Error>) -> Result<T, E>
where
    T: DeserializeOwned + 'static,
    E: DeserializeOwned + From<Error>,
{
    if TypeId::of::<T>() == TypeId::of::<Bytes>() {
        fallible::<Shared<T>, E>(answer).map(|shared| shared.0)
    } else {
        fallible(answer)
    }
}

/// The result of a method that returns a plain value.
///
/// # Errors
/// A remote failure.
pub fn plain<T: DeserializeOwned>(answer: Result<Answer, Error>) -> Result<T, Error> {
    answer?.decode()
}

/// The same where `T` travels as bytes.
///
/// # Errors
/// As [`plain`].
pub fn plain_bytes<T: for<'de> serde_bytes::Deserialize<'de>>(answer: Result<Answer, Error>) -> Result<T, Error> {
    plain::<Owned<T>>(answer).map(|value| value.0)
}

/// The same where `T` is known, so that [`Bytes`] can be a part of the message and need no copy.
///
/// # Errors
/// As [`plain`].
pub(crate) fn plain_known<T: DeserializeOwned + 'static>(answer: Result<Answer, Error>) -> Result<T, Error> {
    if TypeId::of::<T>() == TypeId::of::<Bytes>() {
        plain::<Shared<T>>(answer).map(|shared| shared.0)
    } else {
        plain(answer)
    }
}

/// A `T` that is [`Bytes`], as a part of its message.
struct Shared<T>(T);

impl<'de, T: 'static> Deserialize<'de> for Shared<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SharedBytes(bytes) = SharedBytes::deserialize(deserializer)?;
        let mut bytes = Some(bytes);
        let value = (&mut bytes as &mut dyn Any).downcast_mut().and_then(Option::take);
        value.map(Self).ok_or_else(|| de::Error::custom("not a value of bytes"))
    }
}

/// [`AsBytes`] for every lifetime at once, which is what owning means.
struct Owned<T>(T);

impl<'de, T: serde_bytes::Deserialize<'de>> Deserialize<'de> for Owned<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AsBytes::<T>::deserialize(deserializer).map(|value| Self(value.0))
    }
}
