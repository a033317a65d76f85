//! UDP, **neither encrypted nor authenticated**: anyone who can read the datagrams of a session can read its calls and
//! forge more. Use it inside a network that you trust; elsewhere use QUIC, or send it through a tunnel such as
//! WireGuard.
//!
//! A [`Session`](crate::proto::datagram::Session) turns datagrams into a byte stream of frames and decides everything:
//! what is sent when, what is lost, what is acknowledged. This room only carries its datagrams. A client has a socket
//! for each session, read by the task of its connection. A server has one socket for all, or one for each shard: the
//! listener reads it and puts what comes into an inbox per session.

mod blocks;
mod connector;
mod inbox;
mod listener;
mod reuse;
mod sender;
mod socket;
mod source;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod waiting;

use std::io;

pub(super) use connector::UdpConnector;
pub(super) use listener::bind;
#[cfg(feature = "quic")]
pub(super) use socket::{enlarge, on_the_way_to, passes};

/// What all incomplete messages at one address may take: four large ones of the most that `max_udp_message` allows, or
/// one of the default size from each of 64 clients. What does not fit is not acknowledged and is sent again.
const INCOMPLETE: usize = 64 << 20;

/// Datagrams handled in one turn before other tasks get theirs.
const TURN: usize = 160;

/// A number that cannot be guessed.
fn secret() -> io::Result<u64> {
    getrandom::u64().map_err(no_randomness)
}

fn no_randomness(error: getrandom::Error) -> io::Error {
    io::Error::other(format!("the operating system gives no random numbers: {error}"))
}
