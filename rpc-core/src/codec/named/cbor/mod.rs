//! CBOR (RFC 8949) behind [`Codec`]. No other file names the crate that reads and writes it.

mod reader;
mod writer;

use minicbor::Encoder;
use serde::{Deserialize, Serialize};

use self::{reader::CborReader, writer::CborWriter};
use super::Decoding;
use crate::codec::{Codec, CodecError, DecodeLimits, Kept};

/// CBOR: structs are maps by the names of their fields, as in JSON; it is binary, and has bytes, NaN and keys of any
/// type.
///
/// ```
/// use farcall::codec::{Cbor, Codec, DecodeLimits};
///
/// let mut bytes = Vec::new();
/// Cbor.encode(&("apple", f64::INFINITY), &mut bytes)?;
/// let (sku, weight): (&str, f64) = Cbor.decode(&bytes, DecodeLimits::default())?;
/// assert_eq!((sku, weight), ("apple", f64::INFINITY));
/// # Ok::<(), farcall::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cbor;

impl Codec for Cbor {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        super::encode(value, CborWriter(Encoder::new(buffer)), None)
    }

    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError> {
        Self::read(bytes, limits, None, None)
    }
}

impl Cbor {
    pub(in crate::codec) fn encode_arguments<T: Serialize>(
        names: &'static [&'static str],
        value: &T,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        super::encode(value, CborWriter(Encoder::new(buffer)), Some(names))
    }

    pub(in crate::codec) fn read<'de, T: Deserialize<'de>>(
        bytes: &'de [u8],
        limits: DecodeLimits,
        names: Option<&'static [&'static str]>,
        kept: Option<&'de Kept>,
    ) -> Result<T, CodecError> {
        let decoding = Decoding { limits, names, kept };
        super::decode(CborReader::new(bytes), bytes.len(), decoding)
    }
}
