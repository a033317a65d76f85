//! How values become bytes: the [`Codec`] trait and the formats that ship with the crate.
//!
//! Any serde type can be an argument or a result. Bytes from a peer are decoded under [`DecodeLimits`], so that no
//! input overflows the stack, loops without end or allocates more than a small multiple of the limit; their
//! documentation says what they do not count.
//!
//! # Attributes that do not travel
//! The formats write the fields of a value one after another, without names or types. These serde attributes rely on
//! names or types, so a type that crosses the wire must not use them, at any depth:
//!
//! | attribute | what happens |
//! | --- | --- |
//! | `untagged`, `tag = "..."` (with or without `content`) | encodes, and cannot be decoded |
//! | `flatten` | cannot be encoded |
//! | `skip_serializing_if` | the bytes after the left-out field are decoded in its place: an error or, worse, another value |
//! | `skip_serializing`, `skip_deserializing` | one side has a field that the other has not; the same confusion |
//! | `skip` | the value is lost, and the default arrives |
//! | `default` | does nothing: a field that is not there is an error |
//!
//! The compiler cannot see this. [`check_round_trip`] does, in one line of a test.
//!
//! Adding, removing or reordering fields makes a new type that older peers do not understand; new enum variants go at
//! the end.

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
#[derive(Debug, Default)]
pub(crate) struct Kept;

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
