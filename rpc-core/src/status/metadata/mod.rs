//! Key-value pairs that travel beside arguments and results.

mod block;
mod coding;

use std::fmt;

use bytes::Bytes;

use self::block::{Block, MetadataPair};
use crate::{Code, Error};

/// Key-value pairs that travel beside a call's arguments or its result.
///
/// A key is 1 to 255 bytes of lower-case ASCII letters, digits, `-`, `_` and `.`; upper case is folded to lower. A key
/// may repeat. A value is text unless its key ends in `-bin`, which makes it bytes. Pairs keep their order.
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
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    block: Block,
}

impl Metadata {
    /// No pairs; allocates nothing.
    pub const fn new() -> Self {
        Self { block: Block::new() }
    }

    /// Adds a text value behind those that `key` has already.
    ///
    /// # Errors
    /// `InvalidArgument` when the key has other characters than a key may have, is empty, too long, or ends in `-bin`.
    pub fn append(&mut self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        check_key(key)?;
        if is_binary(key) {
            return Err(invalid(format!(
                "metadata key {key:?} ends in \"-bin\": its value is bytes, use `append_bin`"
            )));
        }
        self.block.push(key, value.into().as_bytes())
    }

    /// Adds a value of bytes behind those that `key` has already; the key must end in `-bin`.
    ///
    /// # Errors
    /// `InvalidArgument` when the key is not a key, or does not end in `-bin`.
    pub fn append_bin(&mut self, key: &str, value: impl Into<Bytes>) -> Result<(), Error> {
        check_key(key)?;
        if !is_binary(key) {
            return Err(invalid(format!(
                "metadata key {key:?} must end in \"-bin\" to carry bytes"
            )));
        }
        self.block.push(key, &value.into())
    }

    /// Removes every value of `key` and says whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        self.block.retain(|pair| !pair.key.eq_ignore_ascii_case(key))
    }

    /// Appends every pair of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.block.extend(&other.block);
    }

    /// The first text value of `key`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.matching(key).find_map(text)
    }

    /// Every text value of `key`, in order.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.matching(key).filter_map(text)
    }

    /// The first value of a `-bin` key.
    pub fn bin(&self, key: &str) -> Option<&[u8]> {
        self.matching(key).find(MetadataPair::is_binary).map(|pair| pair.value)
    }

    /// Every value of a `-bin` key, in order.
    pub fn bins<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.matching(key)
            .filter(MetadataPair::is_binary)
            .map(|pair| pair.value)
    }

    /// Every pair in order, values as bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.block.pairs().map(|MetadataPair { key, value }| (key, value))
    }

    /// The number of pairs; it counts them.
    pub fn len(&self) -> usize {
        self.block.pairs().count()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    fn matching<'a, 'k>(&'a self, key: &'k str) -> impl Iterator<Item = MetadataPair<'a>> + use<'a, 'k> {
        self.block
            .pairs()
            .filter(move |pair| pair.key.eq_ignore_ascii_case(key))
    }

    /// A pair as it came off the wire, checked as strictly as one made here.
    pub(crate) fn append_wire(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.block.push(key, value)
    }

    /// Metadata as it came off the wire, in memory of its own.
    pub(crate) fn from_block(block: &[u8]) -> Result<Self, Error> {
        let block = Block::read(block)?;
        Ok(Self { block })
    }

    /// Metadata as it goes onto the wire.
    pub(crate) fn as_block(&self) -> &Bytes {
        self.block.bytes()
    }
}

fn text(pair: MetadataPair<'_>) -> Option<&str> {
    if pair.is_binary() {
        None
    } else {
        std::str::from_utf8(pair.value).ok()
    }
}

/// Text values are shown, except those whose keys contain `authorization`, `cookie`, `token`, `secret`, `password`,
/// `credential`, `api-key` or `apikey`. Of bytes, which are often secrets, only the length is shown.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for pair in self.block.pairs() {
            match text(pair) {
                Some(_) if is_secret(pair.key) => map.entry(&pair.key, &format_args!("redacted")),
                Some(text) => map.entry(&pair.key, &text),
                None => map.entry(&pair.key, &format_args!("{} bytes", pair.value.len())),
            };
        }
        map.finish()
    }
}

/// Whether the value of a key is a secret, by the name of the key.
fn is_secret(key: &str) -> bool {
    const PARTS: [&str; 8] = [
        "authorization",
        "cookie",
        "token",
        "secret",
        "password",
        "credential",
        "api-key",
        "apikey",
    ];
    PARTS.iter().any(|part| key.contains(part))
}

fn is_binary(key: &str) -> bool {
    let key = key.as_bytes();
    key.len() >= 4 && key[key.len() - 4..].eq_ignore_ascii_case(b"-bin")
}

fn check_key(key: &str) -> Result<(), Error> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if key.is_empty() || key.len() > 255 || !key.bytes().all(legal) {
        return Err(invalid(format!(
            "metadata key {key:?}: a key is 1 to 255 letters, digits, '-', '_' and '.' in ASCII"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::refused(Code::InvalidArgument, message)
}
