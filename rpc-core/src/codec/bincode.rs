//! bincode behind [`Codec`]. No other file names the crate, so replacing it touches this file only.

use ::bincode::{
    config::{Configuration, standard},
    enc::write::Writer,
    error::{DecodeError, EncodeError},
    serde::{DecodeError as SerdeDecodeError, EncodeError as SerdeEncodeError},
};
use serde::{Deserialize, Serialize};

use super::{
    Codec, CodecError, DecodeLimits,
    error::{NOT_SELF_DESCRIBING, TOO_SHORT, UNKNOWN_LENGTH},
    guard::{Guard, room_for, whole},
    write,
};

/// bincode 2 in its standard configuration: little endian, integers in as few bytes as they need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bincode;

/// Without bincode's own limit: it charges the width of a type and not the bytes read, so it refuses honest calls, and
/// it stops neither deep nesting nor elements without bytes. [`Guard`] does.
const CONFIGURATION: Configuration = standard();

impl Codec for Bincode {
    #[inline]
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        ::bincode::serde::encode_into_writer(value, BincodeWriter(buffer), CONFIGURATION).map_err(explain_encode)
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError> {
        room_for::<T>()?;
        let guard = Guard::new(limits, bytes.len());
        match ::bincode::serde::seed_decode_from_slice(guard.seed::<T>(), bytes, CONFIGURATION) {
            Ok((value, used)) => whole(value, bytes.len() - used),
            Err(error) => Err(guard.refusal().unwrap_or_else(|| explain_decode(error))),
        }
    }
}

struct BincodeWriter<'a>(&'a mut Vec<u8>);

impl Writer for BincodeWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        write(self.0, bytes);
        Ok(())
    }
}

#[cold]
fn explain_encode(error: EncodeError) -> CodecError {
    CodecError::new(match error {
        EncodeError::Serde(SerdeEncodeError::SequenceMustHaveLength) => UNKNOWN_LENGTH.to_owned(),
        EncodeError::OtherString(text) => text,
        other => other.to_string(),
    })
}

#[cold]
fn explain_decode(error: DecodeError) -> CodecError {
    CodecError::new(match error {
        DecodeError::UnexpectedEnd { .. } => TOO_SHORT.to_owned(),
        DecodeError::Serde(
            SerdeDecodeError::AnyNotSupported
            | SerdeDecodeError::IdentifierNotSupported
            | SerdeDecodeError::IgnoredAnyNotSupported,
        ) => NOT_SELF_DESCRIBING.to_owned(),
        DecodeError::Utf8 { inner } => format!("a string is not UTF-8: {inner}"),
        DecodeError::InvalidBooleanValue(found) => format!("a bool is 0 or 1, not {found}"),
        DecodeError::UnexpectedVariant { type_name, found, .. } => format!("{type_name} has no variant {found}"),
        DecodeError::OtherString(text) => text,
        other => other.to_string(),
    })
}
