//! Lanes: what is written is split into them frame by frame, and what comes in is put together again.
//!
//! Lane 0 is the connection's own and begins with the hello. Behind it each number has four lanes, `1 + 4 × number` and on: the
//! call of the client's that has the number, that of the server's, and the streams that the client and the server gave it. Each
//! lane is a stream of whole frames in both directions; between lanes there is no order, so nothing waits for a lost datagram but
//! the calls and streams that were in it.

mod budget;
mod lane;
mod ready;
mod receive;
mod split;

pub(crate) use budget::{Account, Budget};
pub(super) use receive::{Received, Refused};
pub(super) use split::{Segment, Splitter};

use super::Role;
use crate::proto::{StreamId, frame::MORE, limits::MAX_LANED};

/// The lane of the connection itself.
const CONTROL: u32 = 0;
/// The lanes at most: each is remembered as long as its session lives.
const MAX_LANES: u32 = 1 + 4 * MAX_LANED as u32;

/// The lane of a frame that `sender` sends; `id` is the call's, the stream's or the object's.
fn lane_of(kind: u8, id: u32, sender: Role) -> u32 {
    let by_client = |by_sender: bool| (sender == Role::Client) == by_sender;
    let (number, place) = match kind & !MORE {
        1 | 2 | 6 | 11 => (id, if by_client(true) { 0 } else { 1 }),
        3..=5 | 12 => (id, if by_client(false) { 0 } else { 1 }),
        13..=17 => {
            let stream = StreamId(id);
            (stream.number(), if by_client(stream.is_ours()) { 2 } else { 3 })
        }
        _ => return CONTROL,
    };
    // Numbers are held far below what would overflow.
    number.saturating_mul(4).saturating_add(1 + place)
}
