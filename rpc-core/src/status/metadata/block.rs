//! Pairs as one block of bytes: for each the key's length in one byte, the key, the value's length in four, the value.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{check_key, invalid, is_binary};
use crate::Error;

/// The bytes of a pair beside its key and its value.
const LENGTHS: usize = 5;

/// Pairs as they travel, all of them checked. It takes the memory of its bytes, however many pairs there are: a peer
/// may send thousands that are next to nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Block(Bytes);

/// A pair in a block.
#[derive(Clone, Copy)]
pub(super) struct MetadataPair<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
}

impl MetadataPair<'_> {
    pub(super) fn is_binary(&self) -> bool {
        is_binary(self.key)
    }
}

impl Block {
    pub(super) const fn new() -> Self {
        Self(Bytes::new())
    }

    /// The block with these bytes, in memory of its own: they may be a small part of all that was read.
    ///
    /// # Errors
    /// Something in it is not a pair.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut block = bytes.to_vec();
        let mut rest = &mut block[..];
        while !rest.is_empty() {
            let length = rest[0] as usize;
            let (key, behind) = split(&mut rest[1..], length)?;
            let (length, behind) = split(behind, 4)?;
            let (value, behind) = split(behind, (&*length).get_u32_le() as usize)?;
            key.make_ascii_lowercase();
            let key = std::str::from_utf8(key).map_err(|_| invalid("a metadata key that is not ASCII".to_owned()))?;
            check(key, value)?;
            rest = behind;
        }
        Ok(Self(Bytes::from(block)))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = MetadataPair<'_>> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (pair, behind) = first(rest)?;
            rest = behind;
            Some(pair)
        })
    }

    /// Adds a pair behind the others.
    ///
    /// # Errors
    /// It is not a pair.
    pub(super) fn push(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        check(key, value)?;
        let (Ok(key_length), Ok(length)) = (u8::try_from(key.len()), u32::try_from(value.len())) else {
            return Err(invalid(format!("metadata value of {key:?} has {} bytes", value.len())));
        };
        self.change(LENGTHS + key.len() + value.len(), |block| {
            block.put_u8(key_length);
            block.extend(key.bytes().map(|byte| byte.to_ascii_lowercase()));
            block.put_u32_le(length);
            block.put_slice(value);
        });
        Ok(())
    }

    /// Adds the pairs of another block.
    pub(super) fn extend(&mut self, other: &Self) {
        if self.is_empty() {
            self.clone_from(other);
        } else if !other.is_empty() {
            self.change(other.0.len(), |block| block.put_slice(&other.0));
        }
    }

    /// Keeps the pairs that `keeps` says; says whether there are fewer now.
    pub(super) fn retain(&mut self, keeps: impl Fn(MetadataPair<'_>) -> bool) -> bool {
        if self.pairs().all(&keeps) {
            return false;
        }
        let mut kept = Self::new();
        for pair in self.pairs().filter(|&pair| keeps(pair)) {
            // What is in a block is a pair.
            let _ = kept.push(pair.key, pair.value);
        }
        *self = kept;
        true
    }

    /// Appends in place if the bytes are not shared.
    fn change(&mut self, room: usize, append: impl FnOnce(&mut BytesMut)) {
        let bytes = std::mem::take(&mut self.0);
        let mut block = bytes
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        block.reserve(room);
        append(&mut block);
        self.0 = block.freeze();
    }
}

fn check(key: &str, value: &[u8]) -> Result<(), Error> {
    check_key(key)?;
    if !is_binary(key) && std::str::from_utf8(value).is_err() {
        return Err(invalid(format!("metadata value of {key:?} is not UTF-8")));
    }
    Ok(())
}

fn split(bytes: &mut [u8], at: usize) -> Result<(&mut [u8], &mut [u8]), Error> {
    bytes
        .split_at_mut_checked(at)
        .ok_or_else(|| invalid("metadata that ends early".to_owned()))
}

/// The first pair and what is behind it; `None` at the end.
fn first(bytes: &[u8]) -> Option<(MetadataPair<'_>, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (key, rest) = rest.split_at_checked(length.into())?;
    let (mut length, rest) = rest.split_at_checked(4)?;
    let (value, rest) = rest.split_at_checked(length.get_u32_le() as usize)?;
    let key = std::str::from_utf8(key).ok()?;
    Some((MetadataPair { key, value }, rest))
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn pairs_come_back_as_they_were_put_in_and_share_their_memory() {
        let mut block = Block::new();
        for (key, value) in [("Tenant", "eu"), ("tenant", ""), ("proof-BIN", "\u{ff}")] {
            block.push(key, value.as_bytes()).expect("a pair");
        }
        let read = Block::read(block.bytes()).expect("a block");
        assert!(read == block);
        let keys: Vec<_> = read.pairs().map(|pair| pair.key).collect();
        assert_eq!(keys, ["tenant", "tenant", "proof-bin"]);
        // A copy is changed without the one that it was made of.
        let mut copy = read.clone();
        assert_eq!(copy.bytes().as_ptr(), read.bytes().as_ptr());
        assert!(copy.retain(|pair| pair.key != "tenant"));
        assert!(!copy.retain(|pair| pair.key != "tenant"));
        assert_eq!((copy.pairs().count(), read.pairs().count()), (1, 3));
        copy.extend(&read);
        assert_eq!((copy.pairs().count(), read.pairs().count()), (4, 3));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for bytes in [
            &[1][..],
            b"\x01k\x01\0\0\0",
            b"\x00\0\0\0\0",
            b"\x01k\x01\0\0\0\xff",
            b"\x01 \0\0\0\0",
        ] {
            assert!(Block::read(bytes).is_err(), "{bytes:?}");
        }
        let upper = Block::read(b"\x01K\0\0\0\0").expect("a key in upper case");
        assert_eq!(upper.pairs().next().map(|pair| pair.key), Some("k"));
    }
}
