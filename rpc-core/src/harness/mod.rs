//! The protocol core under arbitrary input and against models of itself, for the targets in `fuzz/` and for tests. Each
//! entry panics on a finding. No part of the API: anything here may change or go at any time.

mod contracts;
mod datagram;
mod honest;
mod hostile;
mod lane;
mod messages;
mod pair;
mod script;
#[cfg(test)]
pub(crate) mod seeds;
mod streams;
#[cfg(test)]
mod tests;
mod users;

#[cfg(test)]
pub(crate) use self::pair::{CLIENT, ConnectionPair, SERVER, body};
pub use self::{
    contracts::{contracts, types},
    datagram::datagram,
    messages::{frames, handshake},
};

use std::time::Instant;

use self::script::Script;

/// Runs `data` as a script of what happens to a connection. Its first byte says who the peer is, or that streams or
/// their users are what it is about.
pub fn connection(data: &[u8]) {
    let mut script = Script::new(data);
    let now = Instant::now();
    match script.byte() {
        Some(first) if first % 8 == 6 => users::run(script, now),
        Some(first) if first % 4 == 2 => streams::run(script, now),
        Some(first) if first % 2 == 0 => honest::run(script, now),
        Some(_) => hostile::run(script, now),
        None => {}
    }
}
