//! Fuzz targets of farcall, each an ordinary function that panics on a finding.
//!
//! All of it is built with `RUSTFLAGS="--cfg farcall_fuzzing"`.
//!
//! * With libFuzzer, guided by coverage: `cargo +nightly fuzz run --features libfuzzer codec_guard`, after
//!   `cargo run --manifest-path fuzz/Cargo.toml --bin seeds` has put the seeds where libFuzzer looks for them
//! * On any compiler, random and mutated inputs from a seed:
//!   `cargo run --release --manifest-path fuzz/Cargo.toml --bin smoke -- codec_guard 1000000`
//!
//! A new target is a function in a file of its own, an entry in [`TARGETS`] and a binary in `fuzz_targets/`.

#[cfg(not(farcall_fuzzing))]
compile_error!("the fuzz targets need RUSTFLAGS=\"--cfg farcall_fuzzing\"");

mod codec_guard;
mod contracts;
mod protocol;

pub use codec_guard::codec_guard;
pub use contracts::contracts;
pub use protocol::{connection, datagram, frames, handshake};

/// A target by name.
#[derive(Debug)]
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Treats `data` as input from a hostile peer.
    pub run: fn(data: &[u8]),
    /// Well-formed inputs to start mutations from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "codec_guard",
        run: codec_guard,
        seeds: codec_guard::seeds,
    },
    Target {
        name: "frames",
        run: frames,
        seeds: protocol::messages,
    },
    Target {
        name: "handshake",
        run: handshake,
        seeds: protocol::messages,
    },
    Target {
        name: "connection",
        run: connection,
        seeds: protocol::scripts,
    },
    Target {
        name: "contracts",
        run: contracts,
        seeds: contracts::seeds,
    },
    Target {
        name: "datagram",
        run: datagram,
        seeds: protocol::datagrams,
    },
];
