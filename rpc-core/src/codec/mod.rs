//! How values become bytes: the [`Codec`] trait and the formats that ship with the crate.
//!
//! Any serde type can be an argument or a result. Bytes from a peer are decoded under [`DecodeLimits`], so that no
//! input overflows the stack, loops without end or allocates more than a small multiple of the limit; their
//! documentation says what they do not count.
//!
//! A client chooses the format, with [`ChannelBuilder::format`](crate::client::ChannelBuilder::format), and a server
//! answers in each that it was built with. Take bincode or postcard where both sides are built together, CBOR where
//! they are not, and JSON for what people or other languages read.
//!
//! # What each format carries
//! bincode and postcard write the fields of a value one after another, without names or types: they are small and fast,
//! and both sides must have the same types. JSON and CBOR write structs as maps by the names of their fields, and the
//! arguments of a method as a map by theirs ([`Format::is_named`]): fields and arguments may be added, taken out and
//! reordered. A field that may be missing is an `Option` or has `#[serde(default)]`, an argument an `Option`.
//!
//! | | bincode, postcard | CBOR | JSON |
//! | --- | --- | --- | --- |
//! | `untagged`, `tag = "..."` (with or without `content`) | encodes, and cannot be decoded | works (1) | works (1) |
//! | `flatten` | cannot be encoded | works (1) | works (1) |
//! | `skip_serializing_if` | the bytes after the left-out field are decoded in its place: an error or, worse, another value | works, where the field may be missing | the same |
//! | `skip_serializing`, `skip_deserializing` | one side has a field that the other has not; the same confusion | works, where the field may be missing | the same |
//! | `skip` | the value is lost, and the default arrives | the same | the same |
//! | `default` | does nothing: a field that is not there is an error | works | works |
//! | `deny_unknown_fields`, `alias` | does nothing | works | works |
//! | NaN and infinities | work | work | are refused |
//! | `Some(None)`, `Some(())` | work | are refused | are refused |
//! | keys of maps | any | any | text, char, integer, bool, unit variants; others are refused |
//! | bytes (`serde_bytes`, `Bytes`, `&[u8]` in a method) | as they are | as they are | base64, a third longer |
//! | `&str` that borrows | works | works | works in arguments; elsewhere in text without escapes |
//!
//! 1. serde keeps such a value until it knows what it is. It has no place there for integers of more than 64 bits,
//!    which are refused, and of several `untagged` variants that accept a value it takes the first: its text accepts
//!    bytes and its bytes accept text, so one enum must not have both.
//!
//! What is refused is an error where it is written, which names a format that can carry it; it never arrives as
//! something else. The compiler cannot see any of this. [`check_round_trip`] does in one line of a test, for all
//! formats of the build, and [`check_round_trip_in`] for one of them.
//!
//! In bincode and postcard new enum variants go at the end; in the others a variant is known by its name.

#[cfg(not(any(feature = "bincode", feature = "postcard", feature = "json", feature = "cbor")))]
compile_error!(
    "farcall needs a format: enable the feature `bincode` (on by default), `postcard`, `json` or `cbor`, \
     e.g. farcall = { version = \"0.1\", default-features = false, features = [\"postcard\"] }"
);

#[cfg(feature = "bincode")]
mod bincode;
mod error;
mod format;
mod guard;
#[cfg(any(feature = "cbor", feature = "json"))]
mod kept;
mod limits;
#[cfg(any(feature = "cbor", feature = "json"))]
mod named;
#[cfg(feature = "postcard")]
mod postcard;
mod round_trip;
mod shared;

#[cfg(feature = "bincode")]
pub use self::bincode::Bincode;
#[cfg(feature = "cbor")]
pub use self::named::Cbor;
#[cfg(feature = "json")]
pub use self::named::Json;
#[cfg(feature = "postcard")]
pub use self::postcard::Postcard;
pub use error::CodecError;
pub use format::Format;
pub(crate) use guard::{assert_inline, room_for};
#[cfg(any(feature = "cbor", feature = "json"))]
pub(crate) use kept::Kept;
pub use limits::DecodeLimits;
pub use round_trip::{check_round_trip, check_round_trip_in};
pub(crate) use shared::{LONG_RUN, SharedBytes, decoding_from, encode_before};

use serde::{Deserialize, Serialize};

use crate::buffers::append;

/// What arguments borrow beside the bytes of their message: nothing in the formats of this build.
#[cfg(not(any(feature = "cbor", feature = "json")))]
#[derive(Debug)]
pub(crate) struct Kept;

#[cfg(not(any(feature = "cbor", feature = "json")))]
impl Kept {
    /// Nothing.
    pub(crate) fn new() -> Self {
        Self
    }
}

/// Appends what a format writes.
#[inline]
fn write(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() < LONG_RUN || !shared::leaves_out(bytes, buffer.len()) {
        append(buffer, bytes);
    }
}

/// How values become bytes and back.
///
/// ```
/// use farcall::codec::{Codec, DecodeLimits, Format};
///
/// let mut bytes = Vec::new();
/// Format::default().encode(&(7_u64, "apple"), &mut bytes)?;
/// let (count, name): (u64, &str) = Format::default().decode(&bytes, DecodeLimits::default())?;
/// assert_eq!((count, name), (7, "apple"));
/// # Ok::<(), farcall::codec::CodecError>(())
/// ```
pub trait Codec {
    /// Appends `value` to `buffer`.
    ///
    /// # Errors
    /// If the value cannot be written in this format. Throw away what was appended by then.
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Reads one value from all of `bytes`. Strings and byte strings may borrow from them.
    ///
    /// # Errors
    /// If the bytes are not such a value, bytes are left over, or a limit is exceeded.
    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError>;
}
