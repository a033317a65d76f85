//! Decoding bytes from a peer without spending more on them than [`DecodeLimits`] allow.
//!
//! A [`Guard`] stands between a type's `Deserialize` and any format's `Deserializer`.

mod adapter;
mod place;

use std::{cell::Cell, marker::PhantomData};

use serde::de;

use self::{adapter::Guarded, place::Outermost};
use super::{CodecError, DecodeLimits};
use crate::nesting::StackShare;

/// What one decode may still spend.
#[derive(Debug)]
pub(super) struct Guard {
    limits: DecodeLimits,
    /// Levels that may still be opened.
    depth: Cell<u16>,
    /// Bytes of elements that may still be built.
    memory: Cell<usize>,
    /// The longest length that a sequence may announce to the code that reserves memory for it.
    announced: usize,
    stack: StackShare,
    unknown: Cell<Unknown>,
    /// Kept here because a format's error type may drop the text.
    refused: Cell<Option<GuardRefusal>>,
}

impl Guard {
    /// For a decode of `length` bytes.
    #[inline]
    pub(super) fn new(limits: DecodeLimits, length: usize) -> Self {
        Self {
            limits,
            depth: Cell::new(limits.depth),
            memory: Cell::new(limits.memory),
            announced: length.min(ANNOUNCED),
            stack: StackShare::of(STACK),
            unknown: Cell::default(),
            refused: Cell::new(None),
        }
    }

    /// Decodes a `T` from the deserializer that it is given.
    #[inline]
    pub(super) fn seed<T>(&self) -> Guarded<'_, PhantomData<T>, Outermost> {
        self.over(PhantomData)
    }

    /// Why this guard, and not the format, ended the decode.
    #[cold]
    pub(super) fn refusal(&self) -> Option<CodecError> {
        let DecodeLimits { depth, memory } = self.limits;
        self.refused.get().map(|refused| match refused {
            GuardRefusal::Depth => {
                CodecError::new(format!("the value nests deeper than {depth}, the limit (`max_depth`)"))
            }
            GuardRefusal::Memory => CodecError::new(format!(
                "the elements of the value need more than {memory} bytes of memory, the limit (`max_decoded`)"
            )),
            GuardRefusal::Stack => no_room(),
        })
    }

    /// Makes sure that the stack has room for decoding a `T`.
    #[inline]
    fn stand<T, E: de::Error>(&self) -> Result<(), E> {
        if self.stack.fits(size_of::<T>().saturating_mul(COPIES)) {
            Ok(())
        } else {
            Err(self.refuse(GuardRefusal::Stack))
        }
    }

    #[inline]
    fn spend<E: de::Error>(&self, bytes: usize) -> Result<(), E> {
        match self.memory.get().checked_sub(bytes) {
            Some(left) => {
                self.memory.set(left);
                Ok(())
            }
            None => Err(self.refuse(GuardRefusal::Memory)),
        }
    }

    #[cold]
    fn refuse<E: de::Error>(&self, refused: GuardRefusal) -> E {
        self.refused.set(Some(refused));
        E::custom("a decode limit is exceeded")
    }
}

/// Values inside each other of which the types are not known yet.
#[derive(Clone, Copy, Debug, Default)]
struct Unknown {
    levels: usize,
    /// How much stack each level may take when it is decoded.
    level: usize,
}

#[derive(Clone, Copy, Debug)]
enum GuardRefusal {
    Depth,
    Memory,
    Stack,
}

/// The stack that decoding may use, of the 2 MiB that threads have: the rest is for what calls it, and for the
/// functions of the last level.
const STACK: usize = 1280 << 10;

/// Values that take no stack to speak of.
const SMALL: usize = 4 << 10;

/// How many times a value lies on the stack while it is decoded, on its way from one function to the next.
const COPIES: usize = if cfg!(debug_assertions) { 24 } else { 8 };

/// The stack that serde's own functions take for one level of a value of which the type was not known.
const UNKNOWN: usize = if cfg!(debug_assertions) { 6 << 10 } else { 2 << 10 };

/// Elements that are reserved ahead on a peer's word. Nested sequences can each lie about their length, so this bounds
/// the waste per level; a longer sequence grows as its elements arrive.
const ANNOUNCED: usize = 4096;

/// Makes sure that the stack has room for decoding a `T`, before there are functions on it that have room for one
/// themselves.
///
/// # Errors
/// When it has not.
#[inline]
pub(crate) fn room_for<T>() -> Result<(), CodecError> {
    // The guard looks at small ones in any case.
    if size_of::<T>() <= SMALL || StackShare::of(STACK).fits(size_of::<T>().saturating_mul(COPIES)) {
        Ok(())
    } else {
        Err(no_room())
    }
}

/// The most that arguments, a result or an item may hold in themselves.
const INLINE: usize = 128 << 10;

/// Makes sure, before a program runs, that a handler with such arguments or such a result has a place on the stack of
/// a thread: a debug build has many copies of them in one function.
///
/// ```compile_fail,E0080
/// #[farcall::service]
/// trait Blobs {
///     async fn put(&self, blob: [u8; 262_144]) -> farcall::Result<()>;
/// }
///
/// struct Store;
///
/// impl Blobs for Store {
///     async fn put(&self, _: [u8; 262_144]) -> farcall::Result<()> {
///         Ok(())
///     }
/// }
///
/// fn main() {
///     let _ = farcall::Server::new().service(BlobsServer::new(Store));
/// }
/// ```
#[inline]
pub(crate) const fn assert_inline<T>() {
    const {
        assert!(
            size_of::<T>() <= INLINE,
            "the arguments, the result or the items of a method hold more than 128 KiB inline, which the stack of a \
             thread may not have: put large arrays into a `Vec`"
        );
    }
}

#[cold]
fn no_room() -> CodecError {
    let build = if cfg!(debug_assertions) {
        " (in a release build it needs less)"
    } else {
        ""
    };
    CodecError::new(format!(
        "decoding the value would take more than {} KiB of stack{build}: its type holds too much inline, level by \
         level; put large arrays into a `Vec`",
        STACK >> 10
    ))
}

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
