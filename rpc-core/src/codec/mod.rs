//! How values become bytes: the [`Codec`] trait and the formats that ship with the crate.

mod format;

pub use format::Format;

use std::fmt;

use serde::{Deserialize, Serialize};

/// How values become bytes and back.
pub trait Codec {
    /// Appends `value` to `buffer`.
    ///
    /// # Errors
    /// When the value cannot be written in this format; what was appended by then is to be thrown away.
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Reads one value from all of `bytes`.
    ///
    /// # Errors
    /// When the bytes are not such a value, bytes are left over, or a limit is passed.
    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError>;
}

/// What a decoder may spend on bytes from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// How deep values may nest (default 128), so that no input overflows the stack.
    pub depth: u16,
    /// How many bytes of elements may be built (default 64 MiB), counted by their size in memory and not on the wire.
    pub memory: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            depth: 128,
            memory: 64 << 20,
        }
    }
}

/// Why a value could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError(String);

impl CodecError {
    /// An error with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CodecError {}
