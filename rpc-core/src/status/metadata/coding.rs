//! Metadata inside a value, as an error carries it: a list of pairs.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    Metadata,
    block::{Block, MetadataPair},
};

#[derive(Serialize)]
#[serde(rename = "Metadata")]
struct WrittenMetadata<'a> {
    entries: Entries<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Metadata")]
struct Read {
    entries: Checked,
}

struct Entries<'a>(&'a Block);

/// The pairs one by one, so that no list of them is ever in memory.
struct Checked(Block);

#[derive(Serialize)]
struct WrittenEntry<'a> {
    key: &'a str,
    #[serde(with = "serde_bytes")]
    value: &'a [u8],
}

#[derive(Deserialize)]
#[serde(rename = "Entry")]
struct ReadEntry {
    key: String,
    value: Bytes,
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = Entries(&self.block);
        WrittenMetadata { entries }.serialize(serializer)
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut list = serializer.serialize_seq(Some(self.0.pairs().count()))?;
        for MetadataPair { key, value } in self.0.pairs() {
            list.serialize_element(&WrittenEntry { key, value })?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read {
            entries: Checked(block),
        } = Read::deserialize(deserializer)?;
        Ok(Self { block })
    }
}

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> de::Visitor<'de> for MetadataVisitor {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of pairs")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Checked, A::Error> {
        let mut block = Block::new();
        while let Some(ReadEntry { key, value }) = list.next_element()? {
            block
                .push(&key, &value)
                .map_err(|error| de::Error::custom(error.message()))?;
        }
        Ok(Checked(block))
    }
}
