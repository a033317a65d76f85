//! What a decoder may spend.

/// What a decoder may spend on bytes from a peer.
///
/// # What the limits do not see
/// Memory is counted as the size of every element of a sequence or map, and of every value that is too large for its
/// place and so lies behind a pointer, with what the allocator adds to it. Two things are not counted: a value behind a
/// pointer inside a user's type, if the value is not larger than that type; and what sequences and strings among the
/// elements take from the allocator beyond their contents, some 32 bytes each. The contents of strings and byte strings
/// need no count, because they cannot be longer than the bytes that came.
///
/// What a type reads before it knows what it is, as those with `#[serde(untagged)]`, `tag` and `flatten` do in formats
/// with names, is counted as serde keeps it, some 32 bytes for each part. What the type makes of it afterwards is not
/// counted, and neither is the time: a recursive `untagged` enum of which several variants fit tries all of them at
/// each level. Lower [`max_depth`](crate::Limits::max_depth) if a service takes such types from strangers. The depth of
/// such a value is also bounded by the stack that its type takes, as far as its own size says.
///
/// While a vector grows, its old and its new memory exist at once: the peak is up to three times `memory`.
///
/// The stack is checked where a sequence, map, tuple, struct, enum, option or newtype begins: see
/// [`max_depth`](crate::Limits::max_depth). The stack that the type's own functions take is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// How many sequences, maps, tuples, structs, enums, options and newtypes may be open at once (default 128).
    /// Decoding also ends before it takes more than 1.25 MiB of stack.
    pub depth: u16,
    /// How many bytes of elements and of values behind pointers may be built (default 64 MiB), counted by their size in
    /// memory and not on the wire.
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
