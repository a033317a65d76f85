//! Sessions of datagrams under arbitrary input: each entry panics on a finding.

mod bytes;
mod door;
mod frames;
mod hostile;
mod link;

use std::time::Instant;

pub(in crate::proto) use self::link::Link;
use crate::proto::fuzzing::Script;

/// The first byte says what the others are: a datagram, or a script of what happens.
pub(crate) fn run(data: &[u8], now: Instant) {
    let mut script = Script::new(data);
    match script.byte().map(|first| first % 4) {
        Some(0) => bytes::run(script.rest()),
        Some(1) => door::run(script, now),
        Some(2) => frames::run(script, now),
        Some(_) => hostile::run(script, now),
        None => {}
    }
}
