//! Scripts of random bytes, always the same: what `fuzz/` does without end, briefly.

use fastrand::Rng;

use super::{connection, datagram, frames, handshake, seeds};

/// Runs random scripts, the first byte of each as `first` says.
fn scripts(run: fn(&[u8]), count: u64, longest: usize, first: impl Fn(&mut Rng) -> u8 + Sync) {
    seeds::each(count, |seed| {
        let mut rng = Rng::with_seed(seed);
        let length = rng.usize(2..longest);
        let mut script: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        script[0] = first(&mut rng);
        run(&script);
    });
}

#[test]
fn honest_peers_end_every_call_once_and_give_everything_back() {
    scripts(connection, 600, 3000, |rng| 4 * rng.u8(..64));
}

/// `FARCALL_USER_SEEDS` says how many are tried; 250 without it.
#[test]
fn honest_users_never_wait_for_each_other_for_ever() {
    seeds::each(seeds::number("FARCALL_USER_SEEDS").unwrap_or(250), |seed| {
        let script = [&[6][..], &Rng::with_seed(seed).u64(..).to_le_bytes()].concat();
        connection(&script);
    });
}

#[test]
fn honest_peers_get_every_item_once_and_in_order_and_leave_nothing() {
    scripts(connection, 600, 3000, |rng| 8 * rng.u8(..32) + 2);
}

#[test]
fn a_hostile_peer_gets_a_violation_and_bounded_memory() {
    scripts(connection, 3000, 2000, |rng| 2 * rng.u8(..128) + 1);
}

#[test]
fn frames_and_hellos_are_read_as_they_are_written() {
    let mut rng = Rng::with_seed(1);
    for _ in 0..20_000 {
        let length = rng.usize(..200);
        let small = rng.bool();
        let data: Vec<u8> = std::iter::repeat_with(|| if small { rng.u8(..8) } else { rng.u8(..) })
            .take(length)
            .collect();
        frames(&data);
        handshake(&data);
    }
}

#[test]
fn datagrams_are_read_as_they_are_written() {
    scripts(datagram, 5000, 100, |_| 0);
}

#[test]
fn only_proved_clients_get_in() {
    scripts(datagram, 300, 2000, |_| 1);
}

#[test]
fn honest_ends_lose_no_frame_and_repeat_none() {
    scripts(datagram, 60, 1000, |_| 2);
}

#[test]
fn a_hostile_peer_of_a_session_finds_bounded_memory() {
    scripts(datagram, 100, 1000, |_| 3);
}
