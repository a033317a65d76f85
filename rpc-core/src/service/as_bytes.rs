//! Values that travel as one run of bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that travels as one run of bytes and not element by element; the bytes on the wire are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsBytes<T>(pub T);

impl<T: serde_bytes::Serialize> Serialize for AsBytes<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_bytes::serialize(&self.0, serializer)
    }
}

impl<'de, T: serde_bytes::Deserialize<'de>> Deserialize<'de> for AsBytes<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_bytes::deserialize(deserializer).map(AsBytes)
    }
}
