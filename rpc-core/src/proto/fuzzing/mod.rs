//! The protocol core under arbitrary input, for the tests and the fuzz targets: each entry panics on a finding.

mod bytes;
mod honest;
mod hostile;
mod pair;
mod script;

pub(crate) use self::bytes::{frames, handshake};
#[cfg(test)]
pub(super) use self::pair::{CLIENT, Pair, SERVER, body};

use script::Script;

/// A script whose first byte says who the peer is.
pub(crate) fn connection(data: &[u8]) {
    let mut script = Script::new(data);
    match script.byte() {
        Some(first) if first % 2 == 0 => honest::run(script),
        Some(_) => hostile::run(script),
        None => {}
    }
}
