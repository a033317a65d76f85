//! The tokens of JSON.

use std::io::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::super::{Compound, Writer, error::NamedError};
use crate::codec::write;

/// Writes JSON without spaces.
pub(super) struct JsonWriter<'a>(pub(super) &'a mut Vec<u8>);

impl JsonWriter<'_> {
    fn display(&mut self, value: impl std::fmt::Display) -> Result<(), NamedError> {
        write!(self.0, "{value}").map_err(|error| NamedError::new(error.to_string()))
    }

    fn float(&mut self, value: f64, text: impl std::fmt::Debug) -> Result<(), NamedError> {
        if !value.is_finite() {
            return Err(NamedError::new(format!(
                "JSON has no {value}; the formats cbor, bincode and postcard can carry it"
            )));
        }
        // The shortest digits that are read as the same number, with a point or an exponent.
        write!(self.0, "{text:?}").map_err(|error| NamedError::new(error.to_string()))
    }
}

impl Writer for JsonWriter<'_> {
    const READABLE: bool = true;
    const TEXT_KEYS: bool = true;
    const LENGTHS: bool = false;

    fn null(&mut self) {
        self.0.extend_from_slice(b"null");
    }

    fn bool(&mut self, value: bool) {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn unsigned(&mut self, value: u128) -> Result<(), NamedError> {
        self.display(value)
    }

    fn signed(&mut self, value: i128) -> Result<(), NamedError> {
        self.display(value)
    }

    fn f32(&mut self, value: f32) -> Result<(), NamedError> {
        self.float(value.into(), value)
    }

    fn f64(&mut self, value: f64) -> Result<(), NamedError> {
        self.float(value, value)
    }

    fn text(&mut self, value: &str) -> Result<(), NamedError> {
        if value.bytes().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')) {
            return serde_json::to_writer(&mut *self.0, value).map_err(|error| NamedError::new(error.to_string()));
        }
        self.0.push(b'"');
        write(self.0, value.as_bytes());
        self.0.push(b'"');
        Ok(())
    }

    /// Base64, whose first character is written as an escape. To whoever knows the type that makes no difference. Who
    /// must judge by the bytes, as `flatten` and `tag` do, can tell it from text, which never begins so.
    fn bytes(&mut self, value: &[u8]) -> Result<(), NamedError> {
        const ESCAPE: &[u8] = b"\"\\u00";
        if value.is_empty() {
            return self.text("");
        }
        let start = self.0.len() + ESCAPE.len() + 1;
        self.0.extend_from_slice(ESCAPE);
        let length = base64::encoded_len(value.len(), true).ok_or_else(|| NamedError::new("too many bytes"))?;
        self.0.resize(start + length, 0);
        let encoded = STANDARD.encode_slice(value, &mut self.0[start..]);
        encoded.map_err(|error| NamedError::new(error.to_string()))?;
        let first = self.0[start];
        let hex = |digit: u8| char::from_digit(digit.into(), 16).map_or(b'0', |digit| digit as u8);
        self.0[start - 1] = hex(first >> 4);
        self.0[start] = hex(first & 15);
        self.0.push(b'"');
        Ok(())
    }

    fn begin(&mut self, compound: Compound, _: Option<usize>) {
        self.0.push(match compound {
            Compound::Array => b'[',
            Compound::Map => b'{',
        });
    }

    fn separate(&mut self) {
        self.0.push(b',');
    }

    fn assign(&mut self) {
        self.0.push(b':');
    }

    fn end(&mut self, compound: Compound, _: bool) {
        self.0.push(match compound {
            Compound::Array => b']',
            Compound::Map => b'}',
        });
    }
}
