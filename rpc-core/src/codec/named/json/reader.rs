//! Reading JSON, token by token.
//!
//! `serde_json` reads the strings; what is around them is read here, because it tells neither how a string or a
//! number was written, nor where a value begins.

use std::{borrow::Cow, str};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::super::{
    error::NamedError,
    reader::{Open, Reader, Token, short},
};
use crate::codec::error::TOO_SHORT;

/// Other writers may leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Clone, Debug)]
pub(super) struct JsonReader<'de> {
    bytes: &'de [u8],
    at: usize,
}

impl<'de> JsonReader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn peek(&mut self) -> Result<u8, NamedError> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        let next = self.bytes.get(self.at).copied();
        next.ok_or_else(|| NamedError::new(TOO_SHORT))
    }

    #[cold]
    fn wrong(&self, expected: &str) -> NamedError {
        if self.at >= self.bytes.len() {
            return NamedError::new(TOO_SHORT);
        }
        let here = &self.bytes[self.at..self.bytes.len().min(self.at + 16)];
        let here = String::from_utf8_lossy(here);
        NamedError::new(format!(
            "this is not JSON: {expected} was expected at byte {}, and there is `{}`",
            self.at,
            here.escape_debug()
        ))
    }

    fn word(&mut self, word: &str, token: Token<'de>) -> Result<Token<'de>, NamedError> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(token)
        } else {
            Err(self.wrong("a value"))
        }
    }

    fn digits(&mut self) -> Result<usize, NamedError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        match self.at - start {
            0 => Err(self.wrong("a digit")),
            digits => Ok(digits),
        }
    }

    fn passes(&mut self, bytes: &[u8]) -> bool {
        let passes = self.bytes.get(self.at).is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(passes);
        passes
    }

    fn number(&mut self) -> Result<Token<'de>, NamedError> {
        let start = self.at;
        self.passes(b"-");
        let zero = self.bytes.get(self.at) == Some(&b'0');
        if self.digits()? > 1 && zero {
            return Err(NamedError::new("this is not JSON: a number begins with 0"));
        }
        if self.passes(b".") {
            self.digits()?;
        }
        if self.passes(b"eE") {
            self.passes(b"+-");
            self.digits()?;
        }
        let number = str::from_utf8(&self.bytes[start..self.at]);
        number.map(Token::Number).map_err(|_| self.wrong("a number"))
    }

    fn string(&mut self) -> Result<Token<'de>, NamedError> {
        let start = self.at;
        let mut plain = true;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    self.at += 2;
                }
                Some(0..0x20) => return Err(self.wrong("an escape for a control character")),
                Some(_) => self.at += 1,
                None => return Err(NamedError::new(TOO_SHORT)),
            }
        }
        self.at += 1;
        let literal = &self.bytes[start..self.at];
        let text = if plain {
            let text = str::from_utf8(&literal[1..literal.len() - 1]);
            Cow::Borrowed(text.map_err(|error| NamedError::new(format!("a string is not UTF-8: {error}")))?)
        } else {
            Cow::Owned(serde_json::from_slice(literal).map_err(|error| NamedError::new(error.to_string()))?)
        };
        Ok(Token::Text {
            text,
            bytes: marks_bytes(literal),
        })
    }
}

/// Whether the first character is one of base64 that needs no escape, and is written as farcall does: other writers
/// may escape `+` and `/`, as `\u002B`.
fn marks_bytes(literal: &[u8]) -> bool {
    let digits = literal.strip_prefix(b"\"\\u00").and_then(|rest| rest.get(..2));
    let digits = digits.filter(|digits| !digits.iter().any(u8::is_ascii_uppercase));
    let code = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
    code.is_some_and(|code| code.is_ascii_alphanumeric() || code == b'+' || code == b'/')
}

impl<'de> Reader<'de> for JsonReader<'de> {
    const READABLE: bool = true;
    const TEXT_KEYS: bool = true;
    const BYTES_ARE_TEXT: bool = true;

    fn token(&mut self) -> Result<Token<'de>, NamedError> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => {
                self.at += 1;
                Ok(Token::Map(Open::new(true, None)))
            }
            b'[' => {
                self.at += 1;
                Ok(Token::Array(Open::new(false, None)))
            }
            b'n' => self.word("null", Token::Null),
            b't' => self.word("true", Token::Bool(true)),
            b'f' => self.word("false", Token::Bool(false)),
            _ => Err(self.wrong("a value")),
        }
    }

    fn is_null(&mut self) -> bool {
        matches!(self.peek(), Ok(b'n'))
    }

    fn more(&mut self, open: &mut Open) -> Result<bool, NamedError> {
        let end = if open.map { b'}' } else { b']' };
        let next = self.peek()?;
        if next == end {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(&mut open.first) {
            if next != b',' {
                return Err(self.wrong("a comma or the end of an array or an object"));
            }
            self.at += 1;
        }
        if open.map && self.peek()? != b'"' {
            return Err(self.wrong("a key in quotes"));
        }
        Ok(true)
    }

    fn assign(&mut self) -> Result<(), NamedError> {
        if self.peek()? != b':' {
            return Err(self.wrong("a colon"));
        }
        self.at += 1;
        Ok(())
    }

    fn left_over(&mut self) -> usize {
        // Spaces are nothing.
        let _ = self.peek();
        self.remaining()
    }

    fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn bytes_of(text: &str) -> Result<Vec<u8>, NamedError> {
        BASE64
            .decode(text)
            .map_err(|error| NamedError::new(format!("bytes are base64, and `{}` is not: {error}", short(text))))
    }
}
