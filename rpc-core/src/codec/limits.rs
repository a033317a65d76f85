//! What a decoder may spend.

use crate::Limits;

/// What a decoder may spend on bytes from a peer.
///
/// # What the limits do not see
/// Memory is counted as the size of every element of a sequence or map, so heap behind a pointer inside an element is not:
/// each element of a `Vec<Box<Option<[u64; 1000]>>>` counts as one pointer, while a peer makes it cost 8 KB with one byte
/// (`None`). The contents of strings and byte strings need no count, because they cannot be longer than the bytes that
/// came. So keep large fixed-size values out of boxes in types that an untrusted peer may send, and cap the bytes that may
/// be in flight on one connection.
///
/// While a vector grows, its old and its new memory exist at once: the peak is up to three times `memory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// How many sequences, maps, tuples, structs, enums, options and newtypes may be open at once (default 128), so that no
    /// input overflows the stack.
    pub depth: u16,
    /// How many bytes of elements may be built (default 64 MiB), counted by their size in memory and not on the wire.
    pub memory: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            depth: 128,
            memory: 64 << 20,
        }
    }
}

impl From<&Limits> for DecodeLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            depth: limits.max_depth,
            memory: limits.max_decoded,
        }
    }
}
