//! The wire, from single frames to a connection with a hostile peer.

use fastrand::Rng;

pub use farcall::fuzzing::{connection, datagram, frames, handshake};

/// The frozen messages, one a line: its name and its bytes in hex.
const GOLDEN: &str = include_str!("../../tests/wire/protocol.txt");
/// The frozen datagrams and what is in them, likewise.
const DATAGRAMS: &str = include_str!("../../tests/wire/datagrams.txt");

/// Every frozen message, and all of them one after another.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let mut seeds = golden(GOLDEN);
    seeds.push(seeds.concat());
    seeds
}

/// Every frozen datagram and chunk behind the byte that says that it is one, and scripts for sessions.
pub(crate) fn datagrams() -> Vec<Vec<u8>> {
    let datagrams = golden(DATAGRAMS).into_iter().map(|bytes| [vec![0], bytes].concat());
    let kinds = (1..=3).cycle();
    let scripts = scripts().into_iter().zip(kinds).map(|(mut script, kind)| {
        script[0] = kind;
        script
    });
    datagrams.chain(scripts).collect()
}

fn golden(file: &str) -> Vec<Vec<u8>> {
    file.lines().filter_map(|line| hex(line.rsplit_once(": ")?.1)).collect()
}

/// Scripts for either kind of peer; any bytes are one.
pub(crate) fn scripts() -> Vec<Vec<u8>> {
    let script = |seed| {
        let mut rng = Rng::with_seed(seed);
        let length = 1 << rng.u32(6..11);
        let first = u8::from(seed % 2 == 0);
        std::iter::once(first)
            .chain(std::iter::repeat_with(|| rng.u8(..)).take(length))
            .collect()
    };
    (0..32).map(script).collect()
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}
