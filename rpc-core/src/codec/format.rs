//! The formats that a connection can agree on.

use serde::{Deserialize, Serialize};

use super::{Codec, CodecError, DecodeLimits};

/// The format of arguments and results on a connection; the client chooses, the server must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// bincode 2 in its standard configuration (feature `bincode`, on by default).
    #[cfg(feature = "bincode")]
    Bincode,
    /// postcard 1 (feature `postcard`).
    #[cfg(feature = "postcard")]
    Postcard,
}

impl Codec for Format {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        let _ = buffer;
        let bytes = bincode::serde::encode_to_vec(value, bincode::config::standard())
            .map_err(|error| CodecError::new(error.to_string()))?;
        buffer.extend_from_slice(&bytes);
        Ok(())
    }

    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], _limits: DecodeLimits) -> Result<T, CodecError> {
        bincode::serde::borrow_decode_from_slice(bytes, bincode::config::standard())
            .map(|(value, _)| value)
            .map_err(|error| CodecError::new(error.to_string()))
    }
}
