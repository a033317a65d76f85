//! What a sender remembers.

use std::time::{Duration, Instant};

use crate::proto::datagram::recovery::{PathState, Recovery};

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
