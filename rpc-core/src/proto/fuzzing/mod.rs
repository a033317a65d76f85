//! The protocol core under arbitrary input, for the tests and the fuzz targets: each entry panics on a finding.

mod bytes;
mod honest;
mod hostile;
mod pair;
mod script;
mod streams;
mod users;

pub(crate) use self::bytes::{frames, handshake};
#[cfg(test)]
pub(super) use self::pair::{CLIENT, Pair, SERVER, body};
pub(super) use self::script::Script;

use std::time::Instant;

/// Runs a script whose first byte says who the peer is, or that streams or their users are what it is about; its time
/// begins at `now`.
pub(crate) fn connection(data: &[u8], now: Instant) {
    let mut script = Script::new(data);
    match script.byte() {
        Some(first) if first % 8 == 6 => users::run(script, now),
        Some(first) if first % 4 == 2 => streams::run(script, now),
        Some(first) if first % 2 == 0 => honest::run(script, now),
        Some(_) => hostile::run(script, now),
        None => {}
    }
}

/// Reads bytes as a datagram, or runs a script of what happens to datagrams; its time begins at `now`.
#[cfg(farcall_fuzzing)]
pub(crate) fn datagram(data: &[u8], now: Instant) {
    super::datagram::fuzzing::run(data, now);
}
