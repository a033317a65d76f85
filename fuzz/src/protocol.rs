//! The wire, from single frames to a connection with a hostile peer.

use fastrand::Rng;

pub use farcall::harness::{connection, datagram, frames, handshake};

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

/// Scripts in hex with which honest peers once waited for each other: for the room of long items, over either carrier.
const WAITS: &[&str] = &[
    "2add009375007f218bca80c41601031250155dc04871e0a6ddef5a8d09ce6daee3b69f8424bea85ea01e563b357c7c",
    "b27b009a32ea1b0080395e1c031250155dc048711de0a6ddef5a8d09b868e0a60def5a8d09b868f8396a55c7c7",
    "02ea60d6911d00fe366b289091bc4b2c4ed58ed73f4f9574b7aee3b69f841c0d465295365f77e6465295365f7709357c",
];

/// Scripts for every kind of peer; any bytes are one.
pub(crate) fn scripts() -> Vec<Vec<u8>> {
    let script = |seed| {
        let mut rng = Rng::with_seed(seed);
        let length = 1 << rng.u32(6..11);
        let first = [1, 0, 2, 6][seed as usize % 4];
        std::iter::once(first)
            .chain(std::iter::repeat_with(|| rng.u8(..)).take(length))
            .collect()
    };
    let waits = WAITS.iter().filter_map(|script| hex(script));
    (0..32).map(script).chain(waits).collect()
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}
