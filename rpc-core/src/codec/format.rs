//! The formats that a connection can agree on.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Codec, CodecError, DecodeLimits, Kept};

/// The format of arguments and results on a connection. The client chooses it, and the server must know it.
///
/// The default is bincode where it is enabled, and otherwise the first that is of postcard, CBOR and JSON.
///
/// ```
/// # #[cfg(feature = "bincode")] {
/// use farcall::codec::Format;
///
/// assert_eq!(Format::from_id(1), Some(Format::Bincode));
/// assert_eq!(Format::Bincode.to_string(), "bincode");
/// assert_eq!("bincode".parse(), Ok(Format::Bincode));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// bincode 2 in its standard configuration (feature `bincode`, on by default).
    #[cfg(feature = "bincode")]
    #[default]
    Bincode,
    /// postcard 1 (feature `postcard`).
    #[cfg(feature = "postcard")]
    #[cfg_attr(not(feature = "bincode"), default)]
    Postcard,
    /// JSON (feature `json`), with the names of fields and arguments.
    #[cfg(feature = "json")]
    #[cfg_attr(not(any(feature = "bincode", feature = "postcard", feature = "cbor")), default)]
    Json,
    /// CBOR (feature `cbor`), with the names of fields and arguments.
    #[cfg(feature = "cbor")]
    #[cfg_attr(not(any(feature = "bincode", feature = "postcard")), default)]
    Cbor,
}

/// The names of all formats by their numbers, whether this build has them or not; the first has the number 1.
const NAMES: [&str; 4] = ["bincode", "postcard", "json", "cbor"];

/// Does the same with the codec of a format.
macro_rules! with_codec {
    ($format:expr, $codec:ident => $do:expr) => {
        match $format {
            #[cfg(feature = "bincode")]
            Self::Bincode => {
                let $codec = super::Bincode;
                $do
            }
            #[cfg(feature = "postcard")]
            Self::Postcard => {
                let $codec = super::Postcard;
                $do
            }
            #[cfg(feature = "json")]
            Self::Json => {
                let $codec = super::Json;
                $do
            }
            #[cfg(feature = "cbor")]
            Self::Cbor => {
                let $codec = super::Cbor;
                $do
            }
        }
    };
}

impl Format {
    /// Every format of this build.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "bincode")]
        Self::Bincode,
        #[cfg(feature = "postcard")]
        Self::Postcard,
        #[cfg(feature = "json")]
        Self::Json,
        #[cfg(feature = "cbor")]
        Self::Cbor,
    ];

    /// The number that stands for the format on the wire; the same in every build.
    pub const fn id(self) -> u8 {
        match self {
            #[cfg(feature = "bincode")]
            Self::Bincode => 1,
            #[cfg(feature = "postcard")]
            Self::Postcard => 2,
            #[cfg(feature = "json")]
            Self::Json => 3,
            #[cfg(feature = "cbor")]
            Self::Cbor => 4,
        }
    }

    /// Whether structs are maps by the names of their fields, and arguments a map by theirs. Both may then differ
    /// between two versions of a program: see [what each format carries](super#what-each-format-carries).
    ///
    /// ```
    /// use farcall::codec::Format;
    ///
    /// let named: Vec<_> = Format::ALL.iter().filter(|format| format.is_named()).collect();
    /// # #[cfg(feature = "bincode")]
    /// assert!(!named.contains(&&Format::Bincode));
    /// ```
    pub const fn is_named(self) -> bool {
        match self {
            #[cfg(feature = "bincode")]
            Self::Bincode => false,
            #[cfg(feature = "postcard")]
            Self::Postcard => false,
            #[cfg(feature = "json")]
            Self::Json => true,
            #[cfg(feature = "cbor")]
            Self::Cbor => true,
        }
    }

    /// Whether values are written for people to read, which some types do in another way: an IP address as text.
    pub(crate) const fn is_readable(self) -> bool {
        match self {
            #[cfg(feature = "bincode")]
            Self::Bincode => false,
            #[cfg(feature = "postcard")]
            Self::Postcard => false,
            #[cfg(feature = "json")]
            Self::Json => true,
            #[cfg(feature = "cbor")]
            Self::Cbor => false,
        }
    }

    /// What `()` is written as.
    pub(crate) const fn nothing(self) -> &'static [u8] {
        match self {
            #[cfg(feature = "bincode")]
            Self::Bincode => b"",
            #[cfg(feature = "postcard")]
            Self::Postcard => b"",
            #[cfg(feature = "json")]
            Self::Json => b"null",
            #[cfg(feature = "cbor")]
            Self::Cbor => b"\xf6",
        }
    }

    /// What to call the format with this number, which this build may not have.
    pub(crate) fn name_of(id: u8) -> Cow<'static, str> {
        let name = usize::from(id).checked_sub(1).and_then(|index| NAMES.get(index));
        name.map_or_else(
            || format!("an unknown format (number {id})").into(),
            |name| (*name).into(),
        )
    }

    /// The format with this number, or `None` when this build does not have it.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            #[cfg(feature = "bincode")]
            1 => Some(Self::Bincode),
            #[cfg(feature = "postcard")]
            2 => Some(Self::Postcard),
            #[cfg(feature = "json")]
            3 => Some(Self::Json),
            #[cfg(feature = "cbor")]
            4 => Some(Self::Cbor),
            _ => None,
        }
    }

    /// Appends the arguments of a method, a tuple, where the format has names as a map by these.
    #[inline]
    pub(crate) fn encode_arguments<T: Serialize>(
        self,
        names: &'static [&'static str],
        arguments: &T,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let _ = names;
        match self {
            #[cfg(feature = "json")]
            Self::Json => super::Json::encode_arguments(names, arguments, buffer),
            #[cfg(feature = "cbor")]
            Self::Cbor => super::Cbor::encode_arguments(names, arguments, buffer),
            #[cfg(any(feature = "bincode", feature = "postcard"))]
            format => format.encode(arguments, buffer),
        }
    }

    /// Reads the arguments of a method as a tuple. What they borrow and the message does not have goes to `kept`.
    #[inline]
    pub(crate) fn decode_arguments<'de, T: Deserialize<'de>>(
        self,
        names: &'static [&'static str],
        bytes: &'de [u8],
        limits: DecodeLimits,
        kept: &'de Kept,
    ) -> Result<T, CodecError> {
        let _ = (names, kept);
        match self {
            #[cfg(feature = "json")]
            Self::Json => super::Json::read(bytes, limits, Some(names), Some(kept)),
            #[cfg(feature = "cbor")]
            Self::Cbor => super::Cbor::read(bytes, limits, Some(names), Some(kept)),
            #[cfg(any(feature = "bincode", feature = "postcard"))]
            format => format.decode(bytes, limits),
        }
    }
}

impl Codec for Format {
    #[inline]
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        with_codec!(*self, codec => codec.encode(value, buffer))
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError> {
        with_codec!(*self, codec => codec.decode(bytes, limits))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NAMES[usize::from(self.id()) - 1])
    }
}

impl FromStr for Format {
    type Err = CodecError;

    /// The format of this name, as [`Display`](fmt::Display) writes it.
    fn from_str(name: &str) -> Result<Self, CodecError> {
        let there = Self::ALL.iter().find(|format| format.to_string() == name);
        there.copied().ok_or_else(|| {
            let all = Self::ALL.iter().map(Self::to_string).collect::<Vec<_>>().join(", ");
            CodecError::new(if NAMES.contains(&name) {
                format!("this build of farcall has no {name}: enable its feature `{name}`, or choose one of {all}")
            } else {
                format!("there is no format {name:?}; this build of farcall has {all}")
            })
        })
    }
}
