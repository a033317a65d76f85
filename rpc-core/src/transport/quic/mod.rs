//! QUIC: the encrypted counterpart of UDP.
//!
//! [`quinn`] speaks QUIC. This room carries the [lanes](crate::proto::lanes) of a connection over its streams: each
//! lane that one side writes is a stream of that side, which stays open as long as the connection. So a lost datagram
//! delays only the calls whose bytes it carried, and TLS 1.3 encrypts and authenticates everything.
//!
//! quinn works in futures that it calls drivers, and gives them to its runtime to spawn. The runtime here
//! ([`DriverNursery`]) hands them to their owners instead: a listener polls that of its endpoint, and each connection
//! has a task for its own, which ends with the stream ([`Driven`]).

mod config;
mod connector;
mod drivers;
mod explain;
mod inbound;
mod lane;
mod listener;
mod outbound;
mod refusals;
mod socket;
mod stream;
mod waking;

pub(super) use connector::QuicConnector;
use drivers::{Driven, DriverNursery};
pub(super) use listener::bind;

/// What the peer may send before it was read, on all lanes of a connection together, and what it may leave
/// unacknowledged: enough for 1 Gbit/s over 16 ms. One lane may fill it alone, so that no lane waits for another one.
const WINDOW: u32 = 2 << 20;

/// How many lanes a peer may have that have not carried a whole frame yet; a quarter of those that have, if that is
/// more. So the calls and streams that the protocol allows bound them all.
const NEW_LANES: u32 = 128;

/// The lane of the last frame, `Close`: it begins with a position, and is read when so many bytes of the other lanes
/// were.
const LAST: u32 = u32::MAX;

/// With what a side closes a connection: all is well, or the peer broke the rules of lanes.
const CLOSED: u32 = 0;
const BROKEN: u32 = 1;
