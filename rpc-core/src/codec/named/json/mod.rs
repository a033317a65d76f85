//! JSON behind [`Codec`]: text that people and other languages read.

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

use self::{reader::JsonReader, writer::JsonWriter};
use super::Decoding;
use crate::codec::{Codec, CodecError, DecodeLimits, Kept};

/// JSON: structs are objects by the names of their fields, bytes are base64.
///
/// ```
/// use farcall::codec::{Codec, Json};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Row {
///     sku: &'static str,
///     count: u32,
/// }
///
/// let mut bytes = Vec::new();
/// Json.encode(&Row { sku: "apple", count: 3 }, &mut bytes)?;
/// assert_eq!(bytes, br#"{"sku":"apple","count":3}"#);
/// # Ok::<(), farcall::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl Codec for Json {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        super::encode(value, JsonWriter(buffer), None)
    }

    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError> {
        Self::read(bytes, limits, None, None)
    }
}

impl Json {
    pub(in crate::codec) fn encode_arguments<T: Serialize>(
        names: &'static [&'static str],
        value: &T,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        super::encode(value, JsonWriter(buffer), Some(names))
    }

    pub(in crate::codec) fn read<'de, T: Deserialize<'de>>(
        bytes: &'de [u8],
        limits: DecodeLimits,
        names: Option<&'static [&'static str]>,
        kept: Option<&'de Kept>,
    ) -> Result<T, CodecError> {
        let decoding = Decoding { limits, names, kept };
        super::decode(JsonReader::new(bytes), bytes.len(), decoding)
    }
}
