//! Key-value pairs that travel beside arguments and results.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Code, Error};

/// Key-value pairs that travel beside a call's arguments or its result.
///
/// A key is 1 to 255 bytes of lower-case ASCII letters, digits, `-`, `_` and `.`; upper case is folded to lower. A key may
/// repeat. A value is text unless its key ends in `-bin`, which makes it bytes. Pairs keep their order.
///
/// ```
/// use farcall::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.append("tenant", "eu")?;
/// metadata.append_bin("proof-bin", vec![1, 2, 3])?;
/// assert_eq!(metadata.value("Tenant"), Some("eu"));
/// assert_eq!(metadata.bin("proof-bin"), Some(&[1, 2, 3][..]));
/// # Ok::<(), farcall::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    key: String,
    value: Bytes,
}

impl Metadata {
    /// No pairs; allocates nothing.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds a text value behind those that `key` has already.
    ///
    /// # Errors
    /// `InvalidArgument` when the key has other characters than a key may have, is empty, too long, or ends in `-bin`.
    pub fn append(&mut self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        let key = checked_key(key)?;
        if is_binary(&key) {
            return Err(invalid(format!(
                "metadata key {key:?} ends in \"-bin\": its value is bytes, use `append_bin`"
            )));
        }
        self.entries.push(Entry {
            key,
            value: Bytes::from(value.into().into_bytes()),
        });
        Ok(())
    }

    /// Adds a value of bytes behind those that `key` has already; the key must end in `-bin`.
    ///
    /// # Errors
    /// `InvalidArgument` when the key is not a key, or does not end in `-bin`.
    pub fn append_bin(&mut self, key: &str, value: impl Into<Bytes>) -> Result<(), Error> {
        let key = checked_key(key)?;
        if !is_binary(&key) {
            return Err(invalid(format!(
                "metadata key {key:?} must end in \"-bin\" to carry bytes"
            )));
        }
        self.entries.push(Entry {
            key,
            value: value.into(),
        });
        Ok(())
    }

    /// Removes every value of `key` and says whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !entry.key.eq_ignore_ascii_case(key));
        self.entries.len() != before
    }

    /// Appends every pair of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.entries.extend_from_slice(&other.entries);
    }

    /// The first text value of `key`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.matching(key).find_map(Entry::text)
    }

    /// Every text value of `key`, in order.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.matching(key).filter_map(Entry::text)
    }

    /// The first value of a `-bin` key.
    pub fn bin(&self, key: &str) -> Option<&[u8]> {
        self.matching(key)
            .find(|entry| is_binary(&entry.key))
            .map(|entry| entry.value.as_ref())
    }

    /// Every value of a `-bin` key, in order.
    pub fn bins<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.matching(key)
            .filter(|entry| is_binary(&entry.key))
            .map(|entry| entry.value.as_ref())
    }

    /// Every pair in order, values as bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_ref()))
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn matching<'a, 'k>(&'a self, key: &'k str) -> impl Iterator<Item = &'a Entry> + use<'a, 'k> {
        self.entries
            .iter()
            .filter(move |entry| entry.key.eq_ignore_ascii_case(key))
    }

    /// A pair as it came off the wire, checked as strictly as one made here.
    pub(crate) fn append_wire(&mut self, key: &str, value: Bytes) -> Result<(), Error> {
        let key = checked_key(key)?;
        if !is_binary(&key) && std::str::from_utf8(&value).is_err() {
            return Err(invalid(format!("metadata value of {key:?} is not UTF-8")));
        }
        self.entries.push(Entry { key, value });
        Ok(())
    }
}

impl Entry {
    fn text(&self) -> Option<&str> {
        if is_binary(&self.key) {
            None
        } else {
            std::str::from_utf8(&self.value).ok()
        }
    }
}

/// Text values are shown, bytes only by their length: they are often secrets.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for entry in &self.entries {
            match entry.text() {
                Some(text) => map.entry(&entry.key, &text),
                None => map.entry(&entry.key, &format_args!("{} bytes", entry.value.len())),
            };
        }
        map.finish()
    }
}

fn is_binary(key: &str) -> bool {
    key.ends_with("-bin")
}

fn checked_key(key: &str) -> Result<String, Error> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if key.is_empty() || key.len() > 255 || !key.bytes().all(legal) {
        return Err(invalid(format!(
            "metadata key {key:?}: a key is 1 to 255 letters, digits, '-', '_' and '.' in ASCII"
        )));
    }
    Ok(key.to_ascii_lowercase())
}

fn invalid(message: String) -> Error {
    Error::refused(Code::InvalidArgument, message)
}
