//! Decoding bytes from a peer without spending more on them than [`DecodeLimits`] allow.
//!
//! A [`Guard`] stands between a type's `Deserialize` and any format's `Deserializer`.

mod adapter;

use std::{cell::Cell, marker::PhantomData};

use serde::de;

use self::adapter::Guarded;
use super::{CodecError, DecodeLimits};

/// What one decode may still spend.
#[derive(Debug)]
pub(super) struct Guard {
    limits: DecodeLimits,
    /// Bytes of elements that may still be built.
    memory: Cell<usize>,
    /// The longest length that a sequence may announce to the code that reserves memory for it.
    announced: usize,
    /// Kept here because a format's error type may drop the text.
    refused: Cell<Option<Refused>>,
}

impl Guard {
    /// For a decode of `length` bytes.
    #[inline]
    pub(super) fn new(limits: DecodeLimits, length: usize) -> Self {
        Self {
            limits,
            memory: Cell::new(limits.memory),
            announced: length.min(ANNOUNCED),
            refused: Cell::new(None),
        }
    }

    /// Decodes a `T` from whichever deserializer it is given.
    #[inline]
    pub(super) fn seed<T>(&self) -> Guarded<'_, PhantomData<T>> {
        Guarded::new(PhantomData, self)
    }

    /// Why this guard, and not the format, ended the decode.
    #[cold]
    pub(super) fn refusal(&self) -> Option<CodecError> {
        let DecodeLimits { depth, memory } = self.limits;
        self.refused.get().map(|refused| match refused {
            Refused::Depth => CodecError::new(format!("the value nests deeper than {depth}, the limit (`max_depth`)")),
            Refused::Memory => CodecError::new(format!(
                "the elements of the value need more than {memory} bytes of memory, the limit (`max_decoded`)"
            )),
        })
    }

    #[inline]
    fn spend<E: de::Error>(&self, bytes: usize) -> Result<(), E> {
        match self.memory.get().checked_sub(bytes) {
            Some(left) => {
                self.memory.set(left);
                Ok(())
            }
            None => Err(self.refuse(Refused::Memory)),
        }
    }

    #[cold]
    fn refuse<E: de::Error>(&self, refused: Refused) -> E {
        self.refused.set(Some(refused));
        E::custom("a decode limit is passed")
    }
}

#[derive(Clone, Copy, Debug)]
enum Refused {
    Depth,
    Memory,
}

/// Elements that are reserved ahead on a peer's word. Nested sequences can each lie about their length, so this bounds the
/// waste per level; a longer sequence grows as its elements arrive.
const ANNOUNCED: usize = 4096;

/// The decoded value, unless it did not need all bytes.
#[inline]
pub(super) fn whole<T>(value: T, left_over: usize) -> Result<T, CodecError> {
    if left_over == 0 {
        Ok(value)
    } else {
        Err(trailing(left_over))
    }
}

#[cold]
fn trailing(left_over: usize) -> CodecError {
    CodecError::new(format!(
        "{left_over} bytes are left over after the value, so they were written as another type"
    ))
}
