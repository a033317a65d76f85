//! What structs and enums consist of.

use std::{iter, ops::Deref};

use serde::{Deserialize, Serialize};

use super::NodeId;

/// A field of a struct or of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name on the wire.
    pub name: String,
    /// Its type.
    pub shape: NodeId,
    /// In formats with names it may be missing: it is an `Option`, or has a default.
    #[serde(default)]
    pub optional: bool,
    /// Other names by which it is read in formats with names: `#[serde(alias = "...")]`.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// The named fields of a struct or of a variant, in their order. It is a slice of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// The fields.
    pub list: Vec<Field>,
    /// In formats with names an unknown field is an error: `#[serde(deny_unknown_fields)]`, or a type that reads its
    /// fields by itself and does the same.
    #[serde(default)]
    pub strict: bool,
}

impl Deref for Fields {
    type Target = [Field];

    fn deref(&self) -> &[Field] {
        &self.list
    }
}

impl Field {
    /// One that must be there, and has no other names.
    pub(in crate::contract) fn required(name: &str, shape: NodeId) -> Self {
        Self {
            name: name.to_owned(),
            shape,
            optional: false,
            aliases: Vec::new(),
        }
    }

    /// All names by which it is read.
    pub(in crate::contract) fn names(&self) -> impl Iterator<Item = &str> {
        iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }
}

/// Those that must be there, where unknown ones are ignored.
impl From<Vec<Field>> for Fields {
    fn from(list: Vec<Field>) -> Self {
        Self { list, strict: false }
    }
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name on the wire.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Other names by which it is read in formats with names: `#[serde(alias = "...")]`. `Deserialize` does not tell
    /// which of all names is the one that is written.
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl Variant {
    /// All names by which it is read.
    pub(in crate::contract) fn names(&self) -> impl Iterator<Item = &str> {
        iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }
}

/// What a variant has besides its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// Nothing.
    Unit,
    /// One value without a name.
    Newtype(NodeId),
    /// Values without names.
    Tuple(Vec<NodeId>),
    /// Named fields.
    Struct(Fields),
    /// The type refuses the variant, as `OsString` does on the other system.
    Refused,
}

impl Content {
    pub(in crate::contract) fn parts(&self) -> Vec<NodeId> {
        match self {
            Self::Unit | Self::Refused => Vec::new(),
            Self::Newtype(of) => vec![*of],
            Self::Tuple(parts) => parts.clone(),
            Self::Struct(fields) => fields.iter().map(|field| field.shape).collect(),
        }
    }
}
