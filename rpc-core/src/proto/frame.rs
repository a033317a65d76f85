//! Frames: an 8-byte header, then at most [`MAX_PAYLOAD`] bytes.
//!
//! ```text
//!  0        3      4          8
//!  +--------+------+----------+----------------+
//!  | length | kind | call id  | length bytes … |
//!  +--------+------+----------+----------------+
//! ```
//! All integers are little-endian. The length counts what follows the header. The top bit of the kind, [`MORE`], says
//! that the message goes on in further frames. Where the frame is about a stream or an object, its number stands for
//! the call's.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Violation;

/// The bytes of a frame's header.
pub(crate) const HEADER: usize = 8;
/// The most bytes that follow a header. A peer that announces more is cut off before anything is buffered for it.
pub(crate) const MAX_PAYLOAD: usize = 64 << 10;
/// The most bytes of a message's body in one frame: messages longer than this take turns with others.
pub(crate) const PIECE: usize = 32 << 10;
/// The bit of the kind that says that the message goes on.
pub(crate) const MORE: u8 = 0x80;

/// What a frame is for. The direction matters: each side numbers the calls that it makes itself. Kinds 13 to 17 have
/// the number of a stream where others have the call's, and 18 and 20 that of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Opens a call: the request's head, then the body or its first piece.
    Request = 1,
    /// A further piece of a request's body.
    RequestData = 2,
    /// Ends a call well: the reply's head, then the body or its first piece.
    Reply = 3,
    /// A further piece of a reply's body.
    ReplyData = 4,
    /// Ends a call badly, at any point after its request began.
    Failure = 5,
    /// The caller gives a call up; it still ends with a reply or a failure.
    Cancel = 6,
    /// Asks for a pong.
    Ping = 7,
    /// Answers a ping.
    Pong = 8,
    /// The sender takes no new calls; those under way go on.
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
    /// The sender has no use for the connection: the peer is to end it, unless it has.
    Unused = 19,
    /// Whoever has a reference wants to know when the object is revoked.
    Watch = 20,
    /// The object of a watch answers no calls any more.
    Revoked = 21,
}

impl Kind {
    fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Request,
            2 => Self::RequestData,
            3 => Self::Reply,
            4 => Self::ReplyData,
            5 => Self::Failure,
            6 => Self::Cancel,
            7 => Self::Ping,
            8 => Self::Pong,
            9 => Self::GoAway,
            10 => Self::Close,
            11 => Self::RequestAttach,
            12 => Self::ReplyAttach,
            13 => Self::ItemAttach,
            14 => Self::Items,
            15 => Self::End,
            16 => Self::Credit,
            17 => Self::Stop,
            18 => Self::Release,
            19 => Self::Unused,
            20 => Self::Watch,
            21 => Self::Revoked,
            _ => return None,
        })
    }
}

/// One frame as it came in.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) more: bool,
    /// The call, the stream or the object.
    pub(crate) call: u32,
    pub(crate) payload: Bytes,
}

/// Takes the next whole frame off `input`; `None` until it is there.
///
/// # Errors
/// As soon as a header shows a kind or a length that no frame has.
pub(crate) fn deframe(input: &mut BytesMut) -> Result<Option<Frame>, Violation> {
    let Some(header) = input.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let [a, b, c, kind, id @ ..] = *header;
    let length = u32::from_le_bytes([a, b, c, 0]) as usize;
    if length > MAX_PAYLOAD {
        return Err(Violation::new(format!(
            "a frame of {length} bytes, the most is {MAX_PAYLOAD}"
        )));
    }
    let Some(known) = Kind::from_number(kind & !MORE) else {
        return Err(Violation::new(format!("a frame of unknown kind {kind:#04x}")));
    };
    let call = u32::from_le_bytes(id);
    if input.len() < HEADER + length {
        return Ok(None);
    }
    let mut payload = input.split_to(HEADER + length);
    payload.advance(HEADER);
    Ok(Some(Frame {
        kind: known,
        more: kind & MORE != 0,
        call,
        payload: payload.freeze(),
    }))
}

/// Appends a frame's header.
pub(crate) fn put_header(out: &mut BytesMut, kind: Kind, more: bool, call: u32, length: usize) {
    debug_assert!(length <= MAX_PAYLOAD, "the callers cut messages into pieces");
    let kind = u32::from(kind as u8 | if more { MORE } else { 0 });
    out.put_u64_le(u64::from(length as u32 & 0x00ff_ffff | kind << 24) | u64::from(call) << 32);
}

/// Appends a frame without payload.
pub(crate) fn put_empty(out: &mut BytesMut, kind: Kind, call: u32) {
    put_header(out, kind, false, call, 0);
}
