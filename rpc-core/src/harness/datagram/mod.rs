//! Sessions of datagrams.

mod bytes;
mod door;
mod frames;
mod hostile;
mod link;

use std::time::Instant;

use self::link::ScriptedLink;
use super::script::Script;

/// Reads `data` as a datagram, or runs it as a script of what happens to sessions of datagrams: its first byte says
/// which.
pub fn datagram(data: &[u8]) {
    let mut script = Script::new(data);
    let now = Instant::now();
    match script.byte().map(|first| first % 4) {
        Some(0) => bytes::run(script.rest()),
        Some(1) => door::run(script, now),
        Some(2) => frames::run(script, now),
        Some(_) => hostile::run(script, now),
        None => {}
    }
}
