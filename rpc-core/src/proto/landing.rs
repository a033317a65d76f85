//! A piece of a message that is read to where it stays.

use bytes::{BufMut, BytesMut, buf::Limit};

use super::frame::{HEADER, Header, Kind};
use crate::buffers::Buffer;

/// A frame with a piece of a long message, on its way into the buffer of that message.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(super) kind: Kind,
    pub(super) more: bool,
    pub(super) id: u32,
    /// What has come of the message, up to the last byte that was read.
    pub(super) buffer: Buffer,
    /// How long the buffer is when the frame has come.
    pub(super) end: usize,
}

impl Landing {
    /// Where to read next. There is room for what is missing of the frame, and for the header of the next one: so one
    /// read is enough for a piece, and hardly anything is copied.
    pub(crate) fn room(&mut self) -> Limit<&mut Vec<u8>> {
        let missing = self.end - self.buffer.len();
        (&mut *self.buffer).limit(missing + HEADER)
    }

    /// Whether the frame has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.buffer.len() >= self.end
    }

    /// Puts what was read behind the frame back into `input`, and gives the buffer up to there.
    pub(super) fn finish(mut self, input: &mut BytesMut) -> Buffer {
        input.extend_from_slice(&self.buffer[self.end..]);
        self.buffer.truncate(self.end);
        self.buffer
    }
}

/// The shortest first frame that is not worth waiting for.
const LONG: usize = 16 << 10;

/// The frame that `input` begins with, if it is the first one of a long message and has not come: its header, its kind
/// and that of the frames behind it.
pub(super) fn beginning(input: &[u8]) -> Option<(Header, Kind, Kind)> {
    let header = Header::read(input)?;
    let (kind, further) = match header.kind()? {
        Kind::Request => (Kind::Request, Kind::RequestData),
        Kind::Reply => (Kind::Reply, Kind::ReplyData),
        _ => return None,
    };
    (header.length >= LONG && input.len() < HEADER + header.length).then_some((header, kind, further))
}

/// Whether what comes next is the head of a long message, so that little should be read before its body is.
pub(crate) fn awaits_head(input: &[u8]) -> bool {
    beginning(input).is_some()
}
