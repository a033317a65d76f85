//! Encoded arguments and results, in buffers that are used again.

use std::cell::RefCell;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Codec, CodecError, Format};

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
pub struct Payload(Vec<u8>);

impl Payload {
    /// Encodes `value`.
    ///
    /// # Errors
    /// When the format cannot express the value.
    pub fn encode<T: Serialize + ?Sized>(format: Format, value: &T) -> Result<Self, CodecError> {
        // The buffer is taken out of the pool while user code serialises, so that code may itself make payloads.
        // While a thread ends there is no pool any more.
        let pooled = POOL.try_with(|pool| pool.borrow_mut().pop());
        let mut payload = Self(pooled.ok().flatten().unwrap_or_default());
        format.encode(value, &mut payload.0)?;
        Ok(payload)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes without a copy; the buffer leaves the pool for good.
    pub fn into_bytes(mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.0))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        if buffer.capacity() == 0 || buffer.capacity() > POOLED_CAPACITY {
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

/// A value that travels as one run of bytes and not element by element; the bytes on the wire are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsBytes<T>(pub T);

impl<T: serde_bytes::Serialize> Serialize for AsBytes<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_bytes::serialize(&self.0, serializer)
    }
}

impl<'de, T: serde_bytes::Deserialize<'de>> Deserialize<'de> for AsBytes<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_bytes::deserialize(deserializer).map(AsBytes)
    }
}
