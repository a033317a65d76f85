//! Where the frames of a lane end.

use super::lane_of;
use crate::proto::{
    frame::{HEADER, Header, MAX_PAYLOAD},
    handshake::{HELLO_HEADER, Role, hello_rest, is_hello},
};

/// What begins after the last frame of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// The hello, before the first frame of all.
    pub(crate) greeting: bool,
    /// A frame that belongs on this lane, from this side.
    pub(crate) lane: u32,
    pub(crate) sender: Role,
}

impl Expected {
    /// How many bytes say how long it is.
    pub(crate) fn header(self) -> usize {
        if self.greeting { HELLO_HEADER } else { HEADER }
    }
}

/// How many of the bytes are whole frames, or the whole hello and what follows it.
pub(crate) fn whole(bytes: &[u8], mut expected: Expected) -> Result<usize, &'static str> {
    let mut whole = 0;
    while let Some(length) = message_length(&bytes[whole..], expected)?
        && length <= bytes.len() - whole
        && length > 0
    {
        whole += length;
        expected.greeting = false;
    }
    Ok(whole)
}

/// The length of the frame or hello that begins here, once it is known. What is not a hello is handed on as it is: the
/// handshake refuses it.
///
/// A frame must be on the lane of its call: so there are no more lanes than calls, and the frames of a call keep their
/// order.
pub(crate) fn message_length(bytes: &[u8], expected: Expected) -> Result<Option<usize>, &'static str> {
    if expected.greeting && !is_hello(bytes) {
        return Ok(Some(bytes.len()));
    }
    if expected.greeting {
        let header = bytes.first_chunk::<HELLO_HEADER>();
        return Ok(header.map(|header| HELLO_HEADER + hello_rest(header)));
    }
    let Some(header) = Header::read(bytes) else {
        return Ok(None);
    };
    if header.length > MAX_PAYLOAD {
        return Err("a frame above the limit");
    }
    if lane_of(header, expected.sender) != expected.lane {
        return Err("a frame on the lane of another call");
    }
    Ok(Some(HEADER + header.length))
}
