//! Where values are read from: tokens, handed to the type's visitor.

use std::borrow::Cow;

use serde::de::Visitor;

use super::{
    Place,
    access::{Elements, Entries},
    error::NamedError,
    reader::{Open, Reader, Token, integer, short},
};
use crate::codec::{Kept, kept::Keeper};

/// Where values are read from.
pub(super) struct Source<'de, R> {
    pub(super) reader: R,
    /// Where a type may borrow from what is not in the bytes as it is, such as text with escapes.
    keeper: Option<Keeper<'de>>,
}

impl<'de, R: Reader<'de>> Source<'de, R> {
    pub(super) fn new(reader: R, kept: Option<&'de Kept>, room: usize) -> Self {
        let keeper = kept.map(|kept| kept.keeper(room));
        Self { reader, keeper }
    }

    pub(super) fn token(&mut self) -> Result<Token<'de>, NamedError> {
        self.reader.token()
    }

    pub(super) fn visit_text<V: Visitor<'de>>(
        &mut self,
        text: Cow<'de, str>,
        visitor: V,
    ) -> Result<V::Value, NamedError> {
        match (text, &mut self.keeper) {
            (Cow::Borrowed(text), _) => visitor.visit_borrowed_str(text),
            (Cow::Owned(text), Some(keeper)) => visitor.visit_borrowed_str(keeper.text(text).ok_or_else(no_room)?),
            (Cow::Owned(text), None) => visitor.visit_string(text),
        }
    }

    pub(super) fn visit_bytes<V: Visitor<'de>>(
        &mut self,
        bytes: Cow<'de, [u8]>,
        visitor: V,
    ) -> Result<V::Value, NamedError> {
        match (bytes, &mut self.keeper) {
            (Cow::Borrowed(bytes), _) => visitor.visit_borrowed_bytes(bytes),
            (Cow::Owned(bytes), Some(keeper)) => visitor.visit_borrowed_bytes(keeper.bytes(bytes).ok_or_else(no_room)?),
            (Cow::Owned(bytes), None) => visitor.visit_byte_buf(bytes),
        }
    }

    /// Visits a value without parts as what it is.
    pub(super) fn visit_scalar<V: Visitor<'de>>(
        &mut self,
        token: Token<'de>,
        visitor: V,
    ) -> Result<V::Value, NamedError> {
        match token {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Unsigned(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_u128(value),
            },
            Token::Signed(value) => match i64::try_from(value) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_i128(value),
            },
            Token::Float(value) => visitor.visit_f64(value),
            Token::Number(number) if number.contains(['.', 'e', 'E']) => visitor.visit_f64(float(number)?),
            Token::Number(number) => match integer(number) {
                Some(token) => self.visit_scalar(token, visitor),
                None => Err(token.unlike(&visitor)),
            },
            Token::Text { text, bytes: false } => self.visit_text(text, visitor),
            Token::Text { text, bytes: true } => self.visit_bytes(R::bytes_of(&text)?.into(), visitor),
            Token::Bytes(bytes) => self.visit_bytes(bytes, visitor),
            Token::Array(_) | Token::Map(_) => Err(token.unlike(&visitor)),
        }
    }

    pub(super) fn visit_elements<V: Visitor<'de>>(&mut self, open: Open, visitor: V) -> Result<V::Value, NamedError> {
        let mut elements = Elements::new(self, open);
        let value = visitor.visit_seq(&mut elements)?;
        elements.end()?;
        Ok(value)
    }

    pub(super) fn visit_entries<V: Visitor<'de>>(
        &mut self,
        open: Open,
        keys: Place,
        visitor: V,
    ) -> Result<V::Value, NamedError> {
        let mut entries = Entries::new(self, open, keys);
        let value = visitor.visit_map(&mut entries)?;
        entries.end()?;
        Ok(value)
    }

    pub(super) fn elements<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NamedError> {
        match self.token()? {
            Token::Array(open) => self.visit_elements(open, visitor),
            token => Err(token.unlike(&visitor)),
        }
    }

    pub(super) fn entries<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NamedError> {
        match self.token()? {
            Token::Map(open) => self.visit_entries(open, Place::Key, visitor),
            token => Err(token.unlike(&visitor)),
        }
    }

    /// The entries of a map whose keys are names.
    pub(super) fn fields<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NamedError> {
        match self.token()? {
            Token::Map(open) => self.visit_entries(open, Place::Field, visitor),
            token => Err(token.unlike(&visitor)),
        }
    }

    pub(super) fn unit<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NamedError> {
        match self.token()? {
            Token::Null => visitor.visit_unit(),
            token => Err(token.unlike(&visitor)),
        }
    }

    pub(super) fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NamedError> {
        match self.token()? {
            Token::Text { text, bytes: false } => self.visit_text(text, visitor),
            token => Err(token.unlike(&visitor)),
        }
    }

    pub(super) fn bytes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NamedError> {
        match self.token()? {
            Token::Bytes(bytes) => self.visit_bytes(bytes, visitor),
            Token::Text { text, .. } if R::BYTES_ARE_TEXT => self.visit_bytes(R::bytes_of(&text)?.into(), visitor),
            token => Err(token.unlike(&visitor)),
        }
    }
}

#[cold]
fn no_room() -> NamedError {
    NamedError::new(
        "text with escapes and bytes in base64 need more memory than the arguments may take, the limit (`max_decoded`)",
    )
}

/// A finite float.
pub(super) fn float(number: &str) -> Result<f64, NamedError> {
    let value: f64 = number.parse().map_err(|_| out_of_range(number))?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(out_of_range(number))
    }
}

#[cold]
pub(super) fn out_of_range(number: &str) -> NamedError {
    NamedError::new(format!("the number {} is out of range", short(number)))
}
