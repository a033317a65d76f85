//! Spreading a window over its round trip, so that a burst does not overflow a queue on the way.

use std::time::{Duration, Instant};

/// What may leave at once, in datagrams.
const BURST: usize = 16;
/// This many datagrams are worth waking up for.
const RELEASE: usize = 8;
/// Timers are no finer: what flows in this time leaves at once, and a shorter round trip is not paced.
const TICK: Duration = Duration::from_millis(2);
/// How much faster than one window per round trip: acknowledgements must hold the sender back, and not pacing.
const HEADROOM: (u128, u128) = (5, 4);

/// A token bucket filled at 1.25 windows per round trip. Its burst is 16 datagrams, or what flows in 2 ms: timers are
/// no finer. Round trips below 2 ms are not paced.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    tokens: usize,
    filled: Instant,
}

impl Pacer {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            tokens: usize::MAX,
            filled: now,
        }
    }

    /// How many bytes may leave now (`usize::MAX` where pacing does not help).
    pub(super) fn allowance(&mut self, window: usize, datagram: usize, rtt: Duration, now: Instant) -> usize {
        if rtt < TICK {
            return usize::MAX;
        }
        let flown = flow(window, rtt, now.saturating_duration_since(self.filled));
        if flown > 0 {
            // Not before: time that is too short for a byte must add up.
            self.filled = now;
        }
        let burst = (BURST * datagram).max(flow(window, rtt, TICK));
        self.tokens = self.tokens.saturating_add(flown).min(burst);
        self.tokens
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.tokens = self.tokens.saturating_sub(bytes);
    }

    /// When `allowance` will be at least 8 datagrams, or half a window if that is less, called when it is below one
    /// datagram.
    pub(super) fn next_release(&self, window: usize, datagram: usize, rtt: Duration) -> Instant {
        let target = (RELEASE * datagram).min(window / 2).max(datagram);
        let missing = target.saturating_sub(self.tokens) as u128;
        let (more, per) = HEADROOM;
        let wait = (missing * rtt.as_nanos() * per).div_ceil((window as u128 * more).max(1));
        self.filled + Duration::from_nanos(wait as u64)
    }
}

/// What flows in `time`.
fn flow(window: usize, rtt: Duration, time: Duration) -> usize {
    let (more, per) = HEADROOM;
    (window as u128 * time.as_nanos() * more / (rtt.as_nanos() * per)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATAGRAM: usize = 1200;
    const WINDOW: usize = 100 * DATAGRAM;
    const RTT: Duration = Duration::from_millis(100);

    #[test]
    fn a_burst_leaves_at_once_and_the_rest_over_the_round_trip() {
        let begin = Instant::now();
        let mut pacer = Pacer::new(begin);
        let (mut now, mut sent) = (begin, 0);
        while now < begin + RTT {
            let allowed = pacer.allowance(WINDOW, DATAGRAM, RTT, now) / DATAGRAM * DATAGRAM;
            assert!(allowed <= BURST * DATAGRAM, "{allowed}");
            pacer.sent(allowed);
            sent += allowed;
            now = pacer.next_release(WINDOW, DATAGRAM, RTT);
        }
        let expected = BURST * DATAGRAM + WINDOW * 5 / 4;
        assert!((expected - RELEASE * DATAGRAM..=expected).contains(&sent), "{sent}");
    }

    #[test]
    fn what_is_not_sent_does_not_add_up_beyond_a_burst() {
        let now = Instant::now();
        let mut pacer = Pacer::new(now);
        assert_eq!(
            pacer.allowance(WINDOW, DATAGRAM, RTT, now + 100 * RTT),
            BURST * DATAGRAM
        );
    }

    #[test]
    fn a_fast_path_gets_what_flows_between_two_ticks() {
        let now = Instant::now();
        let window = 1 << 24;
        let allowed = Pacer::new(now).allowance(window, DATAGRAM, 5 * TICK, now);
        assert_eq!(allowed, window / 4);
    }

    #[test]
    fn a_round_trip_below_two_milliseconds_is_not_paced() {
        let now = Instant::now();
        let mut pacer = Pacer::new(now);
        for rtt in [Duration::ZERO, TICK / 2] {
            assert_eq!(pacer.allowance(WINDOW, DATAGRAM, rtt, now), usize::MAX);
            pacer.sent(1 << 40);
        }
    }

    #[test]
    fn time_in_small_pieces_adds_up() {
        let begin = Instant::now();
        let mut pacer = Pacer::new(begin);
        let (window, rtt) = (4 * DATAGRAM, Duration::from_secs(10));
        let allowed = pacer.allowance(window, DATAGRAM, rtt, begin);
        pacer.sent(allowed);
        let last = (0..10_000)
            .map(|step| pacer.allowance(window, DATAGRAM, rtt, begin + Duration::from_micros(100 * step)))
            .last();
        let whole = flow(window, rtt, Duration::from_secs(1));
        assert!(
            last > Some(whole * 9 / 10) && last <= Some(whole),
            "{last:?} of {whole}"
        );
    }

    proptest! {
        #[test]
        fn at_its_release_a_datagram_may_leave(
            window in 4 * DATAGRAM..1 << 30,
            rtt in 2_000_u64..60_000_000,
            idle in 0_u64..1_000_000,
        ) {
            let begin = Instant::now();
            let rtt = Duration::from_micros(rtt);
            let mut pacer = Pacer::new(begin);
            let now = begin + Duration::from_micros(idle);
            let allowed = pacer.allowance(window, DATAGRAM, rtt, now);
            pacer.sent(allowed);
            let release = pacer.next_release(window, DATAGRAM, rtt);
            prop_assert!(release > now, "a timer that fires for ever");
            let allowed = pacer.allowance(window, DATAGRAM, rtt, release);
            prop_assert!(allowed >= (RELEASE * DATAGRAM).min(window / 2), "{allowed}");
        }
    }
}
