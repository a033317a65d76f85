//! Passing a value that nobody wants.

use super::{
    error::NamedError,
    reader::{Open, Reader, Token},
};

/// How deep such a value may nest. It takes no stack; this bounds the list of what is open.
const DEPTH: usize = 512;

/// Passes one value.
pub(super) fn skip<'de, R: Reader<'de>>(reader: &mut R) -> Result<(), NamedError> {
    let mut open = Vec::new();
    loop {
        if let Token::Array(entered) | Token::Map(entered) = reader.token()? {
            if open.len() == DEPTH {
                return Err(NamedError::new(format!(
                    "a value that nobody wants nests deeper than {DEPTH}"
                )));
            }
            open.push(Skipped {
                open: entered,
                key: false,
            });
        }
        if !follows(reader, &mut open)? {
            return Ok(());
        }
    }
}

struct Skipped {
    open: Open,
    /// A key was read, and its value comes next.
    key: bool,
}

/// Goes to the next value inside of what is open.
fn follows<'de, R: Reader<'de>>(reader: &mut R, open: &mut Vec<Skipped>) -> Result<bool, NamedError> {
    while let Some(inner) = open.last_mut() {
        if inner.key {
            inner.key = false;
            reader.assign()?;
            return Ok(true);
        }
        if reader.more(&mut inner.open)? {
            inner.key = inner.open.map;
            return Ok(true);
        }
        open.pop();
    }
    Ok(false)
}
