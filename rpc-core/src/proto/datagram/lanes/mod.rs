//! Lanes: what is written is split into them frame by frame, and what comes in is put together again.
//!
//! Lane 0 is the connection's own and begins with the hello. The calls that the client makes have the odd lanes `1 + 2 × call`,
//! those of the server the even ones behind them. Each lane is a stream of whole frames in both directions; between lanes there
//! is no order, so nothing waits for a lost datagram but the calls that were in it.

mod budget;
mod lane;
mod ready;
mod receive;
mod split;

pub(crate) use budget::{Account, Budget};
pub(super) use receive::{Received, Refused};
pub(super) use split::{Segment, Splitter};

use super::Role;

/// The lane of the connection itself.
const CONTROL: u32 = 0;
/// The calls in flight in one direction at most: a lane is remembered as long as its session lives.
pub(crate) const MAX_CALLS: usize = 1 << 16;
/// The lanes at most.
const MAX_LANES: u32 = 1 + 2 * MAX_CALLS as u32;

/// The lane of a frame that `sender` sends.
fn lane_of(kind: u8, call: u32, sender: Role) -> u32 {
    let by_caller = match kind & !crate::proto::frame::MORE {
        1 | 2 | 6 => true,
        3..=5 => false,
        _ => return CONTROL,
    };
    let by_client = (sender == Role::Client) == by_caller;
    // Calls are held far below what would overflow.
    call.saturating_mul(2).saturating_add(if by_client { 1 } else { 2 })
}
