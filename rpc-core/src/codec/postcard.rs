//! postcard behind [`Codec`]. No other file names the crate.

use ::postcard::{Deserializer, Error, ser_flavors::Flavor, serialize_with_flavor};
use serde::{Deserialize, Serialize, de::DeserializeSeed};

use super::{
    Codec, CodecError, DecodeLimits,
    error::{NOT_SELF_DESCRIBING, TOO_SHORT, UNKNOWN_LENGTH},
    guard::{Guard, room_for, whole},
    write,
};

/// postcard 1: a specified, stable format, as compact as bincode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

impl Codec for Postcard {
    #[inline]
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        serialize_with_flavor(value, PostcardWriter(buffer)).map_err(explain)
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError> {
        room_for::<T>()?;
        let guard = Guard::new(limits, bytes.len());
        let mut deserializer = Deserializer::from_bytes(bytes);
        let decoded = guard.seed::<T>().deserialize(&mut deserializer);
        match decoded.and_then(|value| Ok((value, deserializer.finalize()?))) {
            Ok((value, rest)) => whole(value, rest.len()),
            Err(error) => Err(guard.refusal().unwrap_or_else(|| explain(error))),
        }
    }
}

struct PostcardWriter<'a>(&'a mut Vec<u8>);

impl Flavor for PostcardWriter<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> Result<(), Error> {
        write(self.0, data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> Result<(), Error> {
        self.0.push(data);
        Ok(())
    }

    #[inline]
    fn finalize(self) -> Result<(), Error> {
        Ok(())
    }
}

#[cold]
fn explain(error: Error) -> CodecError {
    CodecError::new(match error {
        Error::WontImplement => NOT_SELF_DESCRIBING.to_owned(),
        Error::SerializeSeqLengthUnknown => UNKNOWN_LENGTH.to_owned(),
        Error::DeserializeUnexpectedEnd => TOO_SHORT.to_owned(),
        // postcard drops the text that the type gave.
        Error::SerdeSerCustom => "the type's Serialize refused the value".to_owned(),
        Error::SerdeDeCustom => "the type's Deserialize refused the value".to_owned(),
        other => other.to_string(),
    })
}
