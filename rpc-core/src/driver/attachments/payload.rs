//! Encoded arguments and results, in buffers that are used again.

use std::cell::RefCell;

use bytes::Bytes;
use serde::Serialize;
use thin_vec::ThinVec;

use super::{OutgoingAttachment, collecting};
use crate::{
    buffers::{Buffer, append},
    codec::{Codec, CodecError, Format, LONG_RUN, encode_before},
    proto::{Body, COPIED},
};

/// Buffers that a thread keeps for its next payloads; more than calls commonly overlap on one thread.
const POOLED: usize = 64;
/// The largest buffer worth keeping: above it the payload is moved and not copied, so there is nothing to reuse.
const POOLED_CAPACITY: usize = 8 << 10;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Encoded arguments or an encoded result.
///
/// The buffer of a small payload goes back to a pool of the thread that drops it.
#[derive(Debug, Default)]
pub struct Payload {
    bytes: Vec<u8>,
    /// What follows them without having been copied.
    run: Option<Box<Bytes>>,
    /// What goes with the bytes.
    offered: ThinVec<OutgoingAttachment>,
}

impl Payload {
    /// Encodes `value`.
    ///
    /// # Errors
    /// When the format cannot express the value.
    pub fn encode<T: Serialize + ?Sized>(format: Format, value: &T) -> Result<Self, CodecError> {
        Self::encode_with(|buffer| format.encode(value, buffer)).map(|(payload, ())| payload)
    }

    /// Encodes the arguments of a method, a tuple; a format with names writes them by these.
    ///
    /// # Errors
    /// When the format cannot express the value.
    pub fn arguments<T: Serialize>(
        format: Format,
        names: &'static [&'static str],
        value: &T,
    ) -> Result<Self, CodecError> {
        Self::encode_with(|buffer| format.encode_arguments(names, value, buffer)).map(|(payload, ())| payload)
    }

    /// Encodes `value`, which ends with the bytes `run`: they are not copied if they are long.
    pub(crate) fn encode_before<T: Serialize>(format: Format, value: &T, run: &Bytes) -> Result<Self, CodecError> {
        if run.len() < LONG_RUN {
            return Self::encode(format, value);
        }
        let (mut payload, left_out) = Self::encode_with(|buffer| encode_before(format, value, run, buffer))?;
        if left_out {
            payload.run = Some(Box::new(run.clone()));
        }
        Ok(payload)
    }

    fn encode_with<R>(encode: impl FnOnce(&mut Vec<u8>) -> Result<R, CodecError>) -> Result<(Self, R), CodecError> {
        // The buffer is taken out of the pool while user code serialises, so that code may itself make payloads.
        // While a thread ends there is no pool any more.
        let pooled = POOL.try_with(|pool| pool.borrow_mut().pop());
        let mut payload = Self::from(pooled.ok().flatten().unwrap_or_default());
        let (encoded, offered) = collecting(|| encode(&mut payload.bytes));
        let encoded = encoded?;
        payload.offered = offered;
        Ok((payload, encoded))
    }

    /// What goes with the bytes.
    pub(crate) fn take_offered(&mut self) -> ThinVec<OutgoingAttachment> {
        std::mem::take(&mut self.offered)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        debug_assert!(self.run.is_none(), "only the results of handlers are in two parts");
        &self.bytes
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.run.as_ref().map_or(0, |run| run.len())
    }

    /// Bytes and what goes with them, each for itself.
    pub(crate) fn into_parts(mut self) -> (Bytes, ThinVec<OutgoingAttachment>) {
        let offered = self.take_offered();
        (self.into_bytes(), offered)
    }

    pub(crate) fn from_parts(bytes: Vec<u8>, offered: ThinVec<OutgoingAttachment>) -> Self {
        Self {
            bytes,
            run: None,
            offered,
        }
    }

    /// The bytes, if possible without a copy; the buffer leaves the pool for good.
    pub fn into_bytes(mut self) -> Bytes {
        self.take_bytes()
    }

    fn take_bytes(&mut self) -> Bytes {
        if let Some(run) = self.run.take() {
            append(&mut self.bytes, &run);
        }
        Buffer::from(std::mem::take(&mut self.bytes)).freeze()
    }

    /// The bytes on their way out: copied where they are short, moved where they are long. To be called once.
    pub(crate) fn take_body(&mut self) -> Body<'_> {
        if let Some(run) = self.run.take() {
            Body::Large {
                before: &self.bytes,
                bytes: *run,
            }
        } else if self.bytes.len() <= COPIED {
            Body::Small(&self.bytes)
        } else {
            Body::from(self.take_bytes())
        }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_parts(bytes, ThinVec::new())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.bytes);
        if buffer.capacity() == 0 || buffer.capacity() > POOLED_CAPACITY {
            drop(Buffer::from(buffer));
            return;
        }
        buffer.clear();
        // The pool is gone when a thread ends; then the buffer simply goes, too.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut()
                && pool.len() < POOLED
            {
                pool.push(buffer);
            }
        });
    }
}
