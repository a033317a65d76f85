//! A handler, and what it ends with.

use std::{fmt, pin::Pin};

use super::Payload;
use crate::Error;

/// A running handler: ends with the encoded result, or with the error that the caller gets in its place.
pub type Handler = Pin<Box<dyn Future<Output = Result<HandlerOutput, Error>> + Send>>;

/// What is left of a handler that has answered: it feeds the streams of its answer.
pub(crate) type Continuation = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a handler ends with: its encoded result. A handler whose result is a stream goes on behind it.
pub struct HandlerOutput {
    pub(crate) payload: Payload,
    pub(crate) continuation: Option<Continuation>,
}

impl From<Payload> for HandlerOutput {
    fn from(payload: Payload) -> Self {
        Self {
            payload,
            continuation: None,
        }
    }
}

impl fmt::Debug for HandlerOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerOutput")
            .field("payload", &self.payload)
            .field("goes_on", &self.continuation.is_some())
            .finish()
    }
}
