//! `NewReno`: how many bytes may be in flight.

use std::time::Instant;

/// The window to begin with, in datagrams (RFC 6928, RFC 9002): a small call and its answer need no second round trip.
const INITIAL: usize = 10;
/// The least window, in datagrams. If one is lost, the acknowledgements of the others show that: on a path that loses
/// much, a loss must not always be found by a timeout.
const LEAST: usize = 4;
/// What a loss leaves of the window, in tenths. RFC 8312's 0.7 keeps a path busy whose queue is shorter than its round
/// trip, where a half would idle ...
const KEPT: usize = 7;
/// ... and what is then added per round trip for the same share of the path as 0.5 and one datagram: 3 (1 - 0.7) / (1 +
/// 0.7).
const GROWTH: (usize, usize) = (9, 17);

/// The congestion window. Slow start to the first loss, then about half a datagram more per round trip; reduced at most
/// once per round trip; never below 4 datagrams.
#[derive(Clone, Debug)]
pub(super) struct Congestion {
    datagram: usize,
    window: usize,
    /// Up to here slow start.
    threshold: usize,
    /// Acknowledged bytes that the window has not grown for.
    credit: usize,
    /// When the window was reduced: what was sent before says nothing about the window after.
    reduced: Option<Instant>,
    /// As it was before the last reduction.
    before: Option<(usize, usize)>,
}

impl Congestion {
    pub(super) fn new(datagram: usize) -> Self {
        Self {
            datagram,
            window: INITIAL * datagram,
            threshold: usize::MAX,
            credit: 0,
            reduced: None,
            before: None,
        }
    }

    /// Bytes that may be in flight.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// The path carries datagrams of another size now.
    pub(super) fn set_datagram(&mut self, datagram: usize) {
        self.datagram = datagram;
        self.window = self.window.max(self.least());
    }

    /// `bytes` sent at `sent` are acknowledged; `limited` when the window was what held the sender back (else it does
    /// not grow).
    pub(super) fn acknowledged(&mut self, bytes: usize, sent: Instant, limited: bool) {
        if !limited || self.is_before_reduction(sent) {
            return;
        }
        if self.window < self.threshold {
            self.window = self.window.saturating_add(bytes);
            return;
        }
        self.credit += bytes;
        let (more, per) = GROWTH;
        let due = self.window.saturating_mul(per) / more;
        if self.credit >= due {
            self.credit -= due;
            self.window += self.datagram;
        }
    }

    /// A datagram sent at `sent` was lost. One reduction per round trip: losses of what was sent before the last
    /// reduction are the same event.
    pub(super) fn lost(&mut self, sent: Instant, now: Instant) {
        // The least window takes no capacity from other traffic, and does not show where slow start has to end.
        if self.is_before_reduction(sent) || self.window <= self.least() {
            return;
        }
        self.before = Some((self.window, self.threshold));
        self.reduced = Some(now);
        self.threshold = self.reduction();
        self.window = self.threshold;
        self.credit = 0;
    }

    /// The last reduction was for a datagram that had not been lost: undo it.
    pub(super) fn spurious(&mut self) {
        if let Some((window, threshold)) = self.before.take() {
            self.window = self.window.max(window);
            self.threshold = threshold;
            self.reduced = None;
        }
    }

    /// Nothing came back for several timeouts: begin again with the least window.
    pub(super) fn collapsed(&mut self) {
        if self.window > self.least() {
            self.threshold = self.reduction().min(self.threshold);
        }
        self.window = self.least();
        self.credit = 0;
        self.reduced = None;
        self.before = None;
    }

    fn least(&self) -> usize {
        LEAST * self.datagram
    }

    fn reduction(&self) -> usize {
        (self.window / 10 * KEPT).max(self.least())
    }

    fn is_before_reduction(&self, sent: Instant) -> bool {
        self.reduced.is_some_and(|reduced| sent <= reduced)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DATAGRAM: usize = 1200;
    const MOMENT: Duration = Duration::from_millis(1);

    /// One round trip in which the whole window is acknowledged.
    fn round_trip(congestion: &mut Congestion, sent: Instant) {
        for _ in 0..congestion.window() / DATAGRAM {
            congestion.acknowledged(DATAGRAM, sent, true);
        }
    }

    #[test]
    fn slow_start_doubles_the_window_in_a_round_trip() {
        let mut congestion = Congestion::new(DATAGRAM);
        assert_eq!(congestion.window(), 10 * DATAGRAM);
        round_trip(&mut congestion, Instant::now());
        assert_eq!(congestion.window(), 20 * DATAGRAM);
    }

    #[test]
    fn a_window_that_is_not_used_up_does_not_grow() {
        let mut congestion = Congestion::new(DATAGRAM);
        congestion.acknowledged(DATAGRAM, Instant::now(), false);
        assert_eq!(congestion.window(), 10 * DATAGRAM);
    }

    #[test]
    fn the_losses_of_one_round_trip_are_one_event() {
        let now = Instant::now();
        let mut congestion = Congestion::new(DATAGRAM);
        for _ in 0..5 {
            congestion.lost(now, now + MOMENT);
        }
        assert_eq!(congestion.window(), 7 * DATAGRAM);
        congestion.acknowledged(DATAGRAM, now, true);
        assert_eq!(congestion.window(), 7 * DATAGRAM, "sent before the reduction");
        congestion.lost(now + 2 * MOMENT, now + 3 * MOMENT);
        assert_eq!(congestion.window(), 49 * DATAGRAM / 10);
    }

    #[test]
    fn after_a_loss_17_round_trips_add_9_datagrams() {
        let now = Instant::now();
        let mut congestion = Congestion::new(DATAGRAM);
        for _ in 0..4 {
            round_trip(&mut congestion, now);
        }
        congestion.lost(now, now);
        let reduced = congestion.window();
        for _ in 0..17 {
            round_trip(&mut congestion, now + MOMENT);
        }
        let added = (congestion.window() - reduced) / DATAGRAM;
        assert!((8..=9).contains(&added), "{added}");
    }

    #[test]
    fn the_window_never_falls_below_the_least() {
        let mut now = Instant::now();
        let mut congestion = Congestion::new(DATAGRAM);
        for _ in 0..50 {
            congestion.lost(now, now);
            now += MOMENT;
        }
        assert_eq!(congestion.window(), LEAST * DATAGRAM);
        congestion.set_datagram(1452);
        assert_eq!(congestion.window(), LEAST * 1452);
    }

    #[test]
    fn a_reduction_for_nothing_is_undone_once() {
        let now = Instant::now();
        let mut congestion = Congestion::new(DATAGRAM);
        congestion.lost(now, now);
        congestion.spurious();
        assert_eq!(congestion.window(), 10 * DATAGRAM);
        congestion.acknowledged(DATAGRAM, now, true);
        assert_eq!(congestion.window(), 11 * DATAGRAM, "slow start goes on");
        congestion.lost(now, now);
        congestion.collapsed();
        congestion.spurious();
        assert_eq!(congestion.window(), LEAST * DATAGRAM);
    }

    #[test]
    fn slow_start_after_a_silence_ends_where_the_path_was_full() {
        let now = Instant::now();
        let mut congestion = Congestion::new(DATAGRAM);
        for _ in 0..3 {
            round_trip(&mut congestion, now);
        }
        for _ in 0..5 {
            congestion.collapsed();
            congestion.lost(now, now);
        }
        assert_eq!(congestion.window(), 4 * DATAGRAM);
        for _ in 0..4 {
            round_trip(&mut congestion, now);
        }
        assert!((56..=64).contains(&(congestion.window() / DATAGRAM)), "{congestion:?}");
        let full = congestion.window();
        round_trip(&mut congestion, now);
        assert!(congestion.window() <= full + DATAGRAM);
    }
}
