//! One call on its way into a handler.

use std::any::Any;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use super::{HandlerOutput, MethodDescriptor, Payload};
use crate::{
    Code, Error,
    codec::{CodecError, DecodeLimits, Format, Kept, assert_inline, room_for},
    driver::attachments::{self, IncomingAttachment, Wire},
    sync::Mutex,
};

/// One call on its way into a handler: encoded arguments, and how to encode the answer.
///
/// Arguments are decoded borrowed from it, so it lives as long as the handler's future.
#[derive(Debug)]
pub struct Invocation {
    method: &'static MethodDescriptor,
    body: Bytes,
    wire: Wire,
    /// What came with the arguments; taken when they are decoded.
    carried: Mutex<ThinVec<IncomingAttachment>>,
    /// What arguments borrow that the body does not have as it is.
    kept: Kept,
}

impl Invocation {
    /// A call of `method` with encoded arguments.
    pub fn new(method: &'static MethodDescriptor, body: Bytes, format: Format, limits: DecodeLimits) -> Self {
        Self {
            method,
            body,
            wire: Wire {
                format,
                limits,
                checks: false,
                near: false,
                tells_panics: false,
            },
            carried: Mutex::default(),
            kept: Kept::new(),
        }
    }

    /// A call as it came.
    pub(crate) fn arrived(
        method: &'static MethodDescriptor,
        body: Bytes,
        wire: Wire,
        carried: ThinVec<IncomingAttachment>,
    ) -> Self {
        Self {
            method,
            body,
            wire,
            carried: Mutex::new(carried),
            kept: Kept::new(),
        }
    }

    /// The arguments, as one tuple.
    ///
    /// # Errors
    /// `InvalidArgument` and not executed, when the bytes are not such a tuple or exceed a limit.
    pub fn arguments<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        assert_inline::<T>();
        room_for::<T>().and_then(|()| self.decode()).map_err(|error| {
            Error::refused(
                Code::InvalidArgument,
                format!(
                    "the arguments cannot be decoded: {error}; do both sides have the same version of their types?"
                ),
            )
            .with_method(self.method.path)
        })
    }

    fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, CodecError> {
        let carried = std::mem::take(&mut *self.carried.lock());
        let Wire { format, limits, .. } = self.wire;
        let decode = || format.decode_arguments(self.method.arguments, &self.body, limits, &self.kept);
        attachments::decoding(carried, self.wire, decode)
    }

    /// The answer of a method with a plain value.
    ///
    /// # Errors
    /// `Internal` when the value cannot be encoded.
    pub fn plain<T: Serialize>(&self, value: &T) -> Result<HandlerOutput, Error> {
        assert_inline::<T>();
        self.encoded(Payload::encode(self.wire.format, value))
    }

    /// The answer of a method that returns a `Result`. A [`farcall::Error`](Error) travels as the call's own failure;
    /// any other error travels typed, inside the answer.
    ///
    /// # Errors
    /// The handler's own `farcall::Error`, or `Internal` when the value cannot be encoded.
    pub fn fallible<T: Serialize, E: Serialize + 'static>(&self, value: &Result<T, E>) -> Result<HandlerOutput, Error> {
        assert_inline::<Result<T, E>>();
        if let Err(error) = value
            && let Some(error) = (error as &dyn Any).downcast_ref::<Error>()
        {
            return Err(error.clone().passed_on_by(self.method.path));
        }
        self.encoded(Payload::encode(self.wire.format, value))
    }

    /// The same as [`plain`](Self::plain) where `T` is known, so that long [`Bytes`] need no copy.
    pub(crate) fn plain_known<T: Serialize + 'static>(&self, value: &T) -> Result<HandlerOutput, Error> {
        match (value as &dyn Any).downcast_ref::<Bytes>() {
            Some(bytes) => self.encoded(Payload::encode_before(self.wire.format, value, bytes)),
            None => self.plain(value),
        }
    }

    /// The same as [`fallible`](Self::fallible) where `T` is known, so that long [`Bytes`] need no copy.
    pub(crate) fn fallible_known<T: Serialize + 'static, E: Serialize + 'static>(
        &self,
        value: &Result<T, E>,
    ) -> Result<HandlerOutput, Error> {
        let good = value.as_ref().ok().map(|good| good as &dyn Any);
        match good.and_then(<dyn Any>::downcast_ref::<Bytes>) {
            Some(bytes) => self.encoded(Payload::encode_before(self.wire.format, value, bytes)),
            None => self.fallible(value),
        }
    }

    fn encoded(&self, payload: Result<Payload, CodecError>) -> Result<HandlerOutput, Error> {
        payload.map(HandlerOutput::from).map_err(|error| {
            Error::internal(format!("the result cannot be encoded: {error}")).with_method(self.method.path)
        })
    }
}
