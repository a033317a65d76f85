//! The formats that a connection can agree on.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use super::{Codec, CodecError, DecodeLimits};

/// The format of arguments and results on a connection. The client chooses it, and the server must know it.
///
/// The default is bincode where it is enabled, and postcard otherwise.
///
/// ```
/// # #[cfg(feature = "bincode")] {
/// use farcall::codec::Format;
///
/// assert_eq!(Format::from_id(1), Some(Format::Bincode));
/// assert_eq!(Format::Bincode.to_string(), "bincode");
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
}

impl Format {
    /// Every format of this build.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "bincode")]
        Self::Bincode,
        #[cfg(feature = "postcard")]
        Self::Postcard,
    ];

    /// The number that stands for the format on the wire; the same in every build.
    pub const fn id(self) -> u8 {
        match self {
            #[cfg(feature = "bincode")]
            Self::Bincode => 1,
            #[cfg(feature = "postcard")]
            Self::Postcard => 2,
        }
    }

    /// Whether values are written for people to read, which some types do in another way: an IP address as text.
    pub(crate) const fn is_readable(self) -> bool {
        match self {
            #[cfg(feature = "bincode")]
            Self::Bincode => false,
            #[cfg(feature = "postcard")]
            Self::Postcard => false,
        }
    }

    /// What to call the format with this number, which this build may not have.
    pub(crate) fn name_of(id: u8) -> Cow<'static, str> {
        match id {
            1 => "bincode".into(),
            2 => "postcard".into(),
            _ => format!("an unknown format (number {id})").into(),
        }
    }

    /// The format with this number, or `None` when this build does not have it.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            #[cfg(feature = "bincode")]
            1 => Some(Self::Bincode),
            #[cfg(feature = "postcard")]
            2 => Some(Self::Postcard),
            _ => None,
        }
    }
}

impl Codec for Format {
    #[inline]
    fn encode<T: Serialize + ?Sized>(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), CodecError> {
        match *self {
            #[cfg(feature = "bincode")]
            Self::Bincode => super::Bincode.encode(value, buffer),
            #[cfg(feature = "postcard")]
            Self::Postcard => super::Postcard.encode(value, buffer),
        }
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8], limits: DecodeLimits) -> Result<T, CodecError> {
        match *self {
            #[cfg(feature = "bincode")]
            Self::Bincode => super::Bincode.decode(bytes, limits),
            #[cfg(feature = "postcard")]
            Self::Postcard => super::Postcard.decode(bytes, limits),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match *self {
            #[cfg(feature = "bincode")]
            Self::Bincode => "bincode",
            #[cfg(feature = "postcard")]
            Self::Postcard => "postcard",
        })
    }
}
