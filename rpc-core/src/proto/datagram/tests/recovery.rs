//! What a sender remembers.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::proto::{
    datagram::recovery::{PathState, Recovery},
    lanes::Segment,
};

/// The path carried more before.
#[test]
fn what_does_not_fit_into_one_probe_leaves_with_the_next() {
    let (now, mut path, mut recovery) = (Instant::now(), PathState::new(None), Recovery::new());
    let mut segment = Segment {
        lane: 9,
        offset: 0,
        position: 0,
        last: false,
        begins: true,
        bytes: Bytes::from(vec![1; 1400]),
    };
    recovery.sent(1452, vec![segment.clone()], false, now);
    let first = segment.split_to(1175);
    recovery.sent(1200, vec![first], false, now);
    let acknowledged = recovery.acknowledge(std::iter::once(1..2), Duration::ZERO, false, &mut path, now);
    assert!(acknowledged.is_ok());
    let oldest = recovery.oldest(1200);
    let parts: Vec<_> = oldest.iter().map(|part| (part.offset, part.bytes.len())).collect();
    assert_eq!(parts, [(1175, 225)]);
}

#[test]
fn a_fast_session_with_one_loss_remembers_what_is_in_flight_and_the_loss() {
    let (mut now, mut path, mut recovery) = (Instant::now(), PathState::new(None), Recovery::new());
    for number in 0..100_000 {
        recovery.sent(1200, Vec::new(), false, now);
        now += Duration::from_micros(5);
        if number % 100 == 99 {
            // As a receiver says it: all that it has since the one that it misses.
            let received = std::iter::once(1..number + 1);
            let acknowledged = recovery.acknowledge(received, Duration::ZERO, false, &mut path, now);
            assert!(acknowledged.is_ok());
            assert!(recovery.remembered() <= 101, "{} after {number}", recovery.remembered());
        }
    }
    assert_eq!(recovery.remembered(), 1);
}
