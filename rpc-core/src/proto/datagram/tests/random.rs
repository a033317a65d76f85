//! Scripts of random bytes, always the same: what `fuzz/` does without end, briefly.

use std::time::Instant;

use fastrand::Rng;

use crate::proto::{datagram::fuzzing, tests::seeds};

fn scripts(kind: u8, count: u64, longest: usize) {
    let now = Instant::now();
    seeds::each(count, |seed| {
        let mut rng = Rng::with_seed(seed);
        let length = rng.usize(2..longest);
        let mut script: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        script[0] = kind;
        fuzzing::run(&script, now);
    });
}

#[test]
fn datagrams_are_read_as_they_are_written() {
    scripts(0, 5000, 100);
}

#[test]
fn only_proved_clients_get_in() {
    scripts(1, 300, 2000);
}

#[test]
fn honest_ends_lose_no_frame_and_repeat_none() {
    scripts(2, 60, 1000);
}

#[test]
fn a_hostile_peer_finds_bounded_memory() {
    scripts(3, 100, 1000);
}
