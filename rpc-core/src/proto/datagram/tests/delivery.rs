//! Every frame arrives once and whole, no matter what the network does.

use std::time::Duration;

use super::pair::{SessionPair, WAY};
use crate::proto::frame::Kind;

const LONG: Duration = Duration::from_secs(100);

fn payload(call: u32, length: usize) -> Vec<u8> {
    (0..length).map(|index| (index as u32 * 31 + call * 7) as u8).collect()
}

#[test]
fn a_good_path_delivers_with_few_datagrams() {
    let mut pair = SessionPair::new();
    for call in 0..100 {
        pair.write(0, Kind::Request, call, &payload(call, 16));
    }
    pair.run(LONG, &mut |_, _| vec![WAY]);
    assert_eq!(pair.read[1].len(), 100);
    assert!(pair.ends[0].is_settled());
    assert!(pair.datagrams < 10, "{} datagrams", pair.datagrams);
}

#[test]
fn a_large_message_arrives() {
    let mut pair = SessionPair::new();
    for piece in 0..64 {
        pair.write(0, Kind::RequestData, 3, &payload(piece, 32 << 10));
    }
    let start = pair.now;
    pair.run(LONG, &mut |_, _| vec![WAY]);
    assert_eq!(pair.read[1].len(), 64);
    for (piece, (_, _, bytes)) in pair.read[1].iter().enumerate() {
        assert!(*bytes == payload(piece as u32, 32 << 10));
    }
    let took = pair.now - start;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn frames_arrive_once_over_a_bad_path() {
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let loss = f64::from(random.u32(0..40)) / 100.0;
        let mut pair = SessionPair::new();
        for call in 0..200 {
            for end in 0..2 {
                let length = if call % 50 == 0 { 30_000 } else { 20 };
                pair.write(
                    end,
                    if end == 0 { Kind::Request } else { Kind::Reply },
                    call,
                    &payload(call, length),
                );
            }
        }
        let fate = &mut |_: usize, datagram: &mut Vec<u8>| {
            if random.f64() < 0.02 {
                let bit = random.usize(0..datagram.len() * 8);
                datagram[bit / 8] ^= 1 << (bit % 8);
            }
            let mut copies = Vec::new();
            for _ in 0..if random.f64() < 0.1 { 2 } else { 1 } {
                if random.f64() >= loss {
                    copies.push(WAY.mul_f64(random.f64() + 0.5));
                }
            }
            copies
        };
        pair.run(LONG, fate);
        for end in 0..2 {
            let mut calls: Vec<_> = pair.read[end].iter().map(|(_, call, _)| *call).collect();
            calls.sort_unstable();
            assert_eq!(
                calls,
                (0..200).collect::<Vec<_>>(),
                "seed {seed}, end {end}, loss {loss}"
            );
            for (_, call, bytes) in &pair.read[end] {
                assert!(*bytes == payload(*call, bytes.len()), "seed {seed}, call {call}");
            }
            assert!(pair.ends[end].is_settled());
            assert_eq!(pair.ends[end].held(), 0);
        }
    }
}
