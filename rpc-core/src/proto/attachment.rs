//! What a message carries beside its bytes.
//!
//! The list of a message is a frame of its own just before it: for each entry a tag, an id and, for an object of the
//! sender's, the hash of its service's name.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thin_vec::ThinVec;

use super::{
    Violation,
    frame::{Kind, put_header},
};

/// The most that one message carries: the list fits into one frame.
pub(crate) const MAX_ATTACHMENTS: usize = 1024;

/// The bit of a stream's number, on this side, that says that the peer chose it.
const BY_PEER: u32 = 1 << 31;

/// The tags, as the recipient of the list sees it.
const RECEIVES: u8 = 0;
const SENDS: u8 = 1;
const OBJECT: u8 = 2;
const RETURNED: u8 = 3;

/// A stream, as this side names it: the top bit says that the peer chose the number.
///
/// On the wire the bit says that the *recipient* of the frame chose it: numbers go out as they are, and the bit of
/// those that come in is flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(pub(crate) u32);

impl StreamId {
    /// A stream that this side numbered.
    pub(crate) fn ours(number: u32) -> Self {
        Self(number & !BY_PEER)
    }

    /// A stream that the peer numbered.
    #[cfg(any(test, farcall_fuzzing))]
    pub(crate) fn theirs(number: u32) -> Self {
        Self(number | BY_PEER)
    }

    /// What a frame of the peer's means.
    pub(super) fn received(wire: u32) -> Self {
        Self(wire ^ BY_PEER)
    }

    pub(crate) fn is_ours(self) -> bool {
        self.0 & BY_PEER == 0
    }

    pub(crate) fn number(self) -> u32 {
        self.0 & !BY_PEER
    }
}

/// What this side does on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Sends,
    Receives,
}

/// What a message carries beside its bytes, as seen from this side, no matter which side sent the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// A new stream, and what this side does on it.
    Stream { stream: StreamId, flow: Flow },
    /// An object of the message's sender, with the hash of its service's name.
    Object { object: u32, service: u32 },
    /// An object of the message's recipient, which comes back to it.
    Returned { object: u32 },
}

/// The bytes of a list behind the header of its frame.
pub(super) fn list_len(list: &[Attachment]) -> usize {
    let length = |entry: &Attachment| {
        if matches!(entry, Attachment::Object { .. }) {
            9
        } else {
            5
        }
    };
    list.iter().map(length).sum()
}

/// Appends a whole frame with a list.
pub(super) fn put_list(out: &mut BytesMut, kind: Kind, id: u32, list: &[Attachment]) {
    debug_assert!(
        list.len() <= MAX_ATTACHMENTS,
        "whoever encodes a message bounds its list"
    );
    put_header(out, kind, false, id, list_len(list));
    for entry in list {
        match *entry {
            Attachment::Stream { stream, flow } => {
                out.put_u8(if flow == Flow::Sends { RECEIVES } else { SENDS });
                out.put_u32_le(stream.0);
            }
            Attachment::Object { object, service } => {
                out.put_u8(OBJECT);
                out.put_u32_le(object);
                out.put_u32_le(service);
            }
            Attachment::Returned { object } => {
                out.put_u8(RETURNED);
                out.put_u32_le(object);
            }
        }
    }
}

/// Reads a list.
pub(super) fn take_list(mut payload: Bytes) -> Result<ThinVec<Attachment>, Violation> {
    let mut list = ThinVec::new();
    while payload.has_remaining() {
        if list.len() == MAX_ATTACHMENTS {
            return Err(Violation::new(format!("a list of more than {MAX_ATTACHMENTS} entries")));
        }
        let tag = payload.try_get_u8()?;
        let id = payload.try_get_u32_le()?;
        list.push(match tag {
            RECEIVES | SENDS if id & BY_PEER != 0 => {
                return Err(Violation::new("a list with a stream that its recipient numbered"));
            }
            RECEIVES => Attachment::Stream {
                stream: StreamId::received(id),
                flow: Flow::Receives,
            },
            SENDS => Attachment::Stream {
                stream: StreamId::received(id),
                flow: Flow::Sends,
            },
            OBJECT => Attachment::Object {
                object: id,
                service: payload.try_get_u32_le()?,
            },
            RETURNED => Attachment::Returned { object: id },
            _ => return Err(Violation::new(format!("a list with the unknown tag {tag}"))),
        });
    }
    Ok(list)
}
