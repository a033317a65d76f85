//! Frames: an 8-byte header, then at most [`MAX_PAYLOAD`] bytes.
//!
//! ```text
//!  0        3      4          8
//!  +--------+------+----------+----------------+
//!  | length | kind | number   | length bytes … |
//!  +--------+------+----------+----------------+
//! ```
//! All integers are little-endian. The length counts what follows the header. The top bit of the kind, [`MORE`], says
//! that the message goes on in further frames. The number is that of the call, the stream or the object that the frame
//! is about, as its [kind](Kind::subject) says.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Violation;

/// The bytes of a frame's header.
pub(crate) const HEADER: usize = 8;
/// The most bytes that follow a header. A peer that announces more is cut off before anything is buffered for it.
pub(crate) const MAX_PAYLOAD: usize = 64 << 10;
/// The most bytes of a message's body in one frame: messages longer than this take turns with others.
pub(crate) const PIECE: usize = 32 << 10;
/// The bit of the kind that says that the message goes on.
const MORE: u8 = 0x80;

/// What a frame is for. The direction matters: each side numbers the calls that it makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Opens a call: the request's head, then the body or its first piece.
    Request = 1,
    /// A further piece of a request's body.
    RequestData = 2,
    /// Ends a call with its result: the reply's head, then the body or its first piece.
    Reply = 3,
    /// A further piece of a reply's body.
    ReplyData = 4,
    /// Ends a call with a failure, at any point after its request began.
    Failure = 5,
    /// The caller gives a call up; it still ends with a reply or a failure.
    Cancel = 6,
    /// Asks for a pong.
    Ping = 7,
    /// Answers a ping.
    Pong = 8,
    /// The sender takes no new calls; running calls go on.
    GoAway = 9,
    /// The sender ends the connection; the payload is the failure that says why.
    Close = 10,
    /// What the request that comes next on the call carries.
    RequestAttach = 11,
    /// What the reply that comes next on the call carries.
    ReplyAttach = 12,
    /// What the item that comes next on the stream carries.
    ItemAttach = 13,
    /// Bytes of a stream's items.
    Items = 14,
    /// The sender's last word on a stream: it finished, or the failure that says why not.
    End = 15,
    /// The receiver takes more bytes of a stream.
    Credit = 16,
    /// The receiver's last word on a stream, with or without a failure that says why.
    Stop = 17,
    /// A reference to an object comes back to where the object is.
    Release = 18,
    /// The sender does not use the connection: the peer should end it, unless it uses it itself.
    Unused = 19,
    /// The sender, which has a reference, wants to know when the object is revoked.
    Watch = 20,
    /// The object of a watch answers no calls any more.
    Revoked = 21,
}

/// What a frame is about: what its number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A call that the frame's sender made.
    CallOfSender,
    /// A call that the frame's recipient made.
    CallOfRecipient,
    Stream,
    Object,
    /// The connection itself, which needs no number.
    Connection,
}

impl Kind {
    /// Every kind, in the order of the numbers, which begin with 1.
    pub(crate) const ALL: [Self; 21] = [
        Self::Request,
        Self::RequestData,
        Self::Reply,
        Self::ReplyData,
        Self::Failure,
        Self::Cancel,
        Self::Ping,
        Self::Pong,
        Self::GoAway,
        Self::Close,
        Self::RequestAttach,
        Self::ReplyAttach,
        Self::ItemAttach,
        Self::Items,
        Self::End,
        Self::Credit,
        Self::Stop,
        Self::Release,
        Self::Unused,
        Self::Watch,
        Self::Revoked,
    ];

    #[inline]
    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).wrapping_sub(1)).copied()
    }

    pub(crate) fn subject(self) -> Subject {
        match self {
            Self::Request | Self::RequestData | Self::Cancel | Self::RequestAttach => Subject::CallOfSender,
            Self::Reply | Self::ReplyData | Self::Failure | Self::ReplyAttach => Subject::CallOfRecipient,
            Self::ItemAttach | Self::Items | Self::End | Self::Credit | Self::Stop => Subject::Stream,
            Self::Release | Self::Watch => Subject::Object,
            Self::Ping | Self::Pong | Self::GoAway | Self::Close | Self::Unused | Self::Revoked => Subject::Connection,
        }
    }
}

/// A frame's header as it came: its kind and its length may be invalid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    kind: u8,
    /// The call, the stream or the object.
    pub(crate) id: u32,
    /// The bytes that follow.
    pub(crate) length: usize,
}

impl Header {
    /// Reads the header that `bytes` begin with; `None` until all of it is there.
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, kind, ref id @ ..] = bytes.first_chunk::<HEADER>()?;
        Some(Self {
            kind,
            id: u32::from_le_bytes(*id),
            length: u32::from_le_bytes([a, b, c, 0]) as usize,
        })
    }

    /// The kind, if there is one with this number.
    #[inline]
    pub(crate) fn kind(self) -> Option<Kind> {
        Kind::from_number(self.kind & !MORE)
    }

    /// Whether the message goes on in further frames.
    #[inline]
    pub(crate) fn more(self) -> bool {
        self.kind & MORE != 0
    }
}

/// One frame as it came in.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) more: bool,
    /// The call, the stream or the object.
    pub(crate) id: u32,
    pub(crate) payload: Bytes,
}

/// Takes the next whole frame off `input`; `None` until it is there.
///
/// # Errors
/// As soon as a header shows a kind or a length that no frame has.
#[inline]
pub(crate) fn deframe(input: &mut BytesMut) -> Result<Option<Frame>, Violation> {
    let Some(header) = Header::read(input) else {
        return Ok(None);
    };
    let Header {
        kind: number,
        id,
        length,
    } = header;
    if length > MAX_PAYLOAD {
        return Err(Violation::new(format!(
            "a frame of {length} bytes, the most is {MAX_PAYLOAD}"
        )));
    }
    let Some(kind) = header.kind() else {
        return Err(Violation::new(format!("a frame of unknown kind {number:#04x}")));
    };
    if input.len() < HEADER + length {
        return Ok(None);
    }
    let mut payload = input.split_to(HEADER + length);
    payload.advance(HEADER);
    Ok(Some(Frame {
        kind,
        more: header.more(),
        id,
        payload: payload.freeze(),
    }))
}

/// Appends a frame's header.
pub(crate) fn put_header(out: &mut BytesMut, kind: Kind, more: bool, id: u32, length: usize) {
    debug_assert!(length <= MAX_PAYLOAD, "the callers cut messages into pieces");
    let kind = u32::from(kind as u8 | if more { MORE } else { 0 });
    out.put_u64_le(u64::from(length as u32 & 0x00ff_ffff | kind << 24) | u64::from(id) << 32);
}

/// Appends a frame without payload.
pub(crate) fn put_empty(out: &mut BytesMut, kind: Kind, id: u32) {
    put_header(out, kind, false, id, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_number() {
        for (number, kind) in (1..).zip(Kind::ALL) {
            assert_eq!((kind as u8, Kind::from_number(number)), (number, Some(kind)));
        }
        assert_eq!((Kind::from_number(0), Kind::from_number(22)), (None, None));
    }

    #[test]
    fn kinds_are_about_what_docs_protocol_says() {
        let subjects = [
            (Subject::CallOfSender, &[1, 2, 6, 11][..]),
            (Subject::CallOfRecipient, &[3, 4, 5, 12]),
            (Subject::Stream, &[13, 14, 15, 16, 17]),
            (Subject::Object, &[18, 20]),
            (Subject::Connection, &[7, 8, 9, 10, 19, 21]),
        ];
        for (subject, numbers) in subjects {
            let kinds = Kind::ALL.into_iter().filter(|kind| kind.subject() == subject);
            assert_eq!(kinds.map(|kind| kind as u8).collect::<Vec<_>>(), numbers, "{subject:?}");
        }
    }
}
