//! The tokens of CBOR.

use std::convert::Infallible;

use minicbor::{Encoder, encode};

use super::super::{Compound, Writer, error::NamedError};
use crate::codec::write;

/// Writes CBOR, everything as short as it can be, except that floats keep their width.
pub(super) struct CborWriter<'a>(pub(super) Encoder<&'a mut Vec<u8>>);

/// A vector takes everything.
fn written<T>(result: Result<T, encode::Error<Infallible>>) -> Result<(), NamedError> {
    result.map(|_| ()).map_err(|error| NamedError::new(error.to_string()))
}

impl Writer for CborWriter<'_> {
    const READABLE: bool = false;
    const TEXT_KEYS: bool = false;
    const LENGTHS: bool = true;

    fn null(&mut self) {
        let _ = self.0.null();
    }

    fn bool(&mut self, value: bool) {
        let _ = self.0.bool(value);
    }

    fn unsigned(&mut self, value: u128) -> Result<(), NamedError> {
        written(self.0.u128(value))
    }

    fn signed(&mut self, value: i128) -> Result<(), NamedError> {
        written(self.0.i128(value))
    }

    fn f32(&mut self, value: f32) -> Result<(), NamedError> {
        written(self.0.f32(value))
    }

    fn f64(&mut self, value: f64) -> Result<(), NamedError> {
        written(self.0.f64(value))
    }

    fn text(&mut self, value: &str) -> Result<(), NamedError> {
        written(self.0.str(value))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<(), NamedError> {
        written(self.0.bytes_len(value.len() as u64))?;
        write(self.0.writer_mut(), value);
        Ok(())
    }

    fn begin(&mut self, compound: Compound, length: Option<usize>) {
        let _ = match (compound, length) {
            (Compound::Array, Some(length)) => self.0.array(length as u64),
            (Compound::Map, Some(length)) => self.0.map(length as u64),
            (Compound::Array, None) => self.0.begin_array(),
            (Compound::Map, None) => self.0.begin_map(),
        };
    }

    fn separate(&mut self) {}

    fn assign(&mut self) {}

    fn end(&mut self, _: Compound, announced: bool) {
        if !announced {
            let _ = self.0.end();
        }
    }
}
