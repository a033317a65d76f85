//! Lanes: what is written is split into them frame by frame, and each is a stream of whole frames.
//!
//! Lane 0 belongs to the connection itself and begins with the hello. After it each number has four lanes, from
//! `1 + 4 × number` on: the client's call with that number, the server's call, and the streams to which the client and
//! the server gave it. Between lanes there is no order, so only the calls and streams in a lost datagram wait for it.

mod ends;
mod split;

pub(crate) use ends::{Expected, message_length, whole};
pub(crate) use split::{Segment, Splitter};

use super::{
    StreamId,
    frame::{Header, Kind, Subject},
    handshake::Role,
    limits::MAX_LANED,
};

/// The lane of the connection itself.
pub(crate) const CONTROL: u32 = 0;
/// The largest number of lanes: each is remembered as long as its session lives.
pub(crate) const MAX_LANES: u32 = 1 + 4 * MAX_LANED as u32;

/// The lane of a frame that `sender` sends.
fn lane_of(header: Header, sender: Role) -> u32 {
    let (first, number, by_sender) = match header.kind().map(Kind::subject) {
        Some(Subject::CallOfSender) => (1, header.id, true),
        Some(Subject::CallOfRecipient) => (1, header.id, false),
        Some(Subject::Stream) => (3, StreamId(header.id).number(), StreamId(header.id).is_ours()),
        // The connection refuses a frame of an unknown kind.
        Some(Subject::Object | Subject::Connection) | None => return CONTROL,
    };
    let by_server = (sender == Role::Server) == by_sender;
    // Numbers are held far below what would overflow.
    number.saturating_mul(4).saturating_add(first + u32::from(by_server))
}
