//! Why a value could not be written or read, and where in it.

use std::fmt;

use serde::{de, ser};

use crate::codec::CodecError;

/// An error that learns on its way out where in the value it happened.
#[derive(Debug)]
pub(super) struct NamedError {
    /// As in `items[2].kind`; empty at the outermost value.
    path: String,
    text: String,
}

/// The longest path; a peer chooses keys and depth.
const LONGEST: usize = 256;

impl NamedError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            text: text.into(),
        }
    }

    /// It happened in the field of this name.
    #[cold]
    pub(super) fn in_field(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.within(&format!("{}{dot}", name.escape_debug()))
    }

    /// It happened in the element at this place.
    #[cold]
    pub(super) fn in_element(self, place: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.within(&format!("[{place}]{dot}"))
    }

    fn within(mut self, step: &str) -> Self {
        if self.path.len() + step.len() <= LONGEST {
            self.path.insert_str(0, step);
        }
        self
    }
}

/// What serde says, and what to do.
const ADVICE: [[&str; 2]; 3] = [
    [
        "expected a borrowed string",
        "the text has escapes and cannot be borrowed here; a `String` or a `Cow<str>` can hold it",
    ],
    ["u128 is not supported", WIDE],
    ["i128 is not supported", WIDE],
];
const WIDE: &str = "serde keeps no integers of 128 bits inside of #[serde(untagged)], #[serde(tag = \"...\")] and \
     #[serde(flatten)], in no format; one of 64 bits or a text can be there";

impl From<NamedError> for CodecError {
    fn from(NamedError { path, mut text }: NamedError) -> Self {
        if let Some([_, advice]) = ADVICE.iter().find(|[said, _]| text.ends_with(said)) {
            text = format!("{text}: {advice}");
        }
        Self::new(if path.is_empty() {
            text
        } else {
            format!("`{path}`: {text}")
        })
    }
}

impl fmt::Display for NamedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for NamedError {}

impl ser::Error for NamedError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

impl de::Error for NamedError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}
