//! Reading CBOR, token by token.

use std::borrow::Cow;

use minicbor::{
    Decoder,
    data::{IanaTag, Type},
    decode,
};

use super::super::{
    error::NamedError,
    reader::{Open, Reader, Token},
};
use crate::codec::error::TOO_SHORT;

#[derive(Clone, Debug)]
pub(super) struct CborReader<'de>(Decoder<'de>);

impl<'de> CborReader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// Tags say more about a value than a type asks for. Only large integers mean something else without theirs.
    fn tagged(&mut self) -> Result<Option<Token<'de>>, decode::Error> {
        let tag = self.0.clone().tag()?;
        if tag == IanaTag::PosBignum {
            return self.0.u128().map(Token::Unsigned).map(Some);
        }
        if tag == IanaTag::NegBignum {
            return self.0.i128().map(Token::Signed).map(Some);
        }
        self.0.tag().map(|_| None)
    }

    /// Bytes that were written piece by piece.
    fn pieces(&mut self) -> Result<Vec<u8>, decode::Error> {
        let mut whole = Vec::new();
        for piece in self.0.bytes_iter()? {
            whole.extend_from_slice(piece?);
        }
        Ok(whole)
    }

    fn read(&mut self) -> Result<Token<'de>, decode::Error> {
        loop {
            return Ok(match self.0.datatype()? {
                Type::Null => {
                    self.0.null()?;
                    Token::Null
                }
                Type::Undefined => {
                    self.0.undefined()?;
                    Token::Null
                }
                Type::Bool => Token::Bool(self.0.bool()?),
                Type::U8 | Type::U16 | Type::U32 | Type::U64 => Token::Unsigned(self.0.u64()?.into()),
                Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => Token::Signed(self.0.int()?.into()),
                Type::F16 | Type::F32 => Token::Float(self.0.f32()?.into()),
                Type::F64 => Token::Float(self.0.f64()?),
                Type::Bytes => Token::Bytes(Cow::Borrowed(self.0.bytes()?)),
                Type::BytesIndef => Token::Bytes(Cow::Owned(self.pieces()?)),
                Type::String => text(Cow::Borrowed(self.0.str()?)),
                Type::StringIndef => text(Cow::Owned(self.0.str_iter()?.collect::<Result<_, _>>()?)),
                Type::Array | Type::ArrayIndef => Token::Array(Open::new(false, self.0.array()?)),
                Type::Map | Type::MapIndef => Token::Map(Open::new(true, self.0.map()?)),
                Type::Tag => match self.tagged()? {
                    Some(token) => token,
                    None => continue,
                },
                other @ (Type::Simple | Type::Break | Type::Unknown(_)) => {
                    return Err(decode::Error::type_mismatch(other).at(self.0.position()));
                }
            });
        }
    }
}

fn text(text: Cow<'_, str>) -> Token<'_> {
    Token::Text { text, bytes: false }
}

#[cold]
fn explain(error: &decode::Error) -> NamedError {
    NamedError::new(if error.is_end_of_input() {
        TOO_SHORT.to_owned()
    } else {
        format!("this is not CBOR of farcall: {error}")
    })
}

impl<'de> Reader<'de> for CborReader<'de> {
    const READABLE: bool = false;
    const TEXT_KEYS: bool = false;
    const BYTES_ARE_TEXT: bool = false;

    fn token(&mut self) -> Result<Token<'de>, NamedError> {
        self.read().map_err(|error| explain(&error))
    }

    fn is_null(&mut self) -> bool {
        matches!(self.0.datatype(), Ok(Type::Null | Type::Undefined))
    }

    fn more(&mut self, open: &mut Open) -> Result<bool, NamedError> {
        let Some(left) = &mut open.left else {
            let ends = self.0.datatype().map_err(|error| explain(&error))? == Type::Break;
            if ends {
                self.0.set_position(self.0.position() + 1);
            }
            return Ok(!ends);
        };
        let more = *left > 0;
        *left = left.saturating_sub(1);
        Ok(more)
    }

    fn assign(&mut self) -> Result<(), NamedError> {
        Ok(())
    }

    fn left_over(&mut self) -> usize {
        self.remaining()
    }

    fn remaining(&self) -> usize {
        self.0.input().len().saturating_sub(self.0.position())
    }

    fn bytes_of(_: &str) -> Result<Vec<u8>, NamedError> {
        Err(NamedError::new("text was found where bytes were expected"))
    }
}
