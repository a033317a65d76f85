//! How large a datagram the path carries: found by probes (RFC 8899), never by fragments.

use std::time::{Duration, Instant};

/// What every path carries, as payload of UDP.
pub(super) const LEAST: usize = 1200;
/// What an Ethernet frame carries without the headers of IPv6 and UDP.
const ETHERNET: usize = 1452;
/// The most that is tried, a jumbo frame of 9,000 bytes: each datagram costs about the same, so larger ones are
/// cheaper.
pub(super) const MOST: usize = 8952;
/// A gap that is not worth a probe.
const GAP: usize = 16;
/// Lost probes of one size after which it counts as too large.
const ATTEMPTS: u32 = 3;
/// The pause after a search that found less than the most: routes change, but seldom.
const SETTLED: Duration = Duration::from_secs(600);
/// The pause after a black hole.
const WARY: Duration = Duration::from_secs(60);

/// A binary search between what is known to pass and what is known not to.
#[derive(Clone, Debug)]
pub(super) struct MtuSearch {
    passes: usize,
    /// The least size known not to pass.
    fails: usize,
    /// The probe on its way.
    probe: Option<usize>,
    /// Probes lost of the size that is tried now.
    losses: u32,
    /// No probe is sent before this instant.
    pause: Option<Instant>,
}

impl MtuSearch {
    pub(super) fn new() -> Self {
        Self {
            passes: LEAST,
            fails: MOST + 1,
            probe: None,
            losses: 0,
            pause: None,
        }
    }

    /// The largest datagram known to pass.
    pub(super) fn current(&self) -> usize {
        self.passes
    }

    /// The size of a probe to send now, if one is due: one at a time, each size three times, a new search 10 minutes
    /// after one that found less than the most, 60 s after a black hole.
    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<usize> {
        if self.probe.is_some() || self.pause.is_some_and(|until| now < until) {
            return None;
        }
        if self.pause.take().is_some() {
            self.search_above(self.passes);
        }
        self.probe = self.candidate();
        self.probe
    }

    /// The probe arrived. Returns whether `current` changed.
    pub(super) fn probe_acknowledged(&mut self, size: usize, now: Instant) -> bool {
        if self.probe != Some(size) {
            // A straggler of an earlier search: the path has changed since.
            return false;
        }
        self.probe = None;
        self.losses = 0;
        self.passes = size;
        self.settle(now);
        true
    }

    pub(super) fn probe_lost(&mut self, now: Instant) {
        let Some(size) = self.probe.take() else { return };
        self.losses += 1;
        if self.losses == ATTEMPTS {
            self.losses = 0;
            self.fails = size;
            self.settle(now);
        }
    }

    /// The system refused to send a datagram of this size. Returns whether `current` changed.
    pub(super) fn refused(&mut self, size: usize, now: Instant) -> bool {
        let changed = self.passes >= size && self.passes > LEAST;
        if changed {
            self.passes = LEAST;
        }
        if self.fails > size {
            self.fails = size.max(LEAST + 1);
            self.losses = 0;
        }
        self.probe = self.probe.filter(|&probe| probe < self.fails);
        self.settle(now);
        changed
    }

    /// After several timeouts in a row the path may carry only the least size. Returns whether `current` changed.
    pub(super) fn black_hole(&mut self, now: Instant) -> bool {
        let changed = self.passes > LEAST;
        self.search_above(LEAST);
        self.pause = Some(now + WARY);
        changed
    }

    fn search_above(&mut self, passes: usize) {
        *self = Self { passes, ..Self::new() };
    }

    /// The sizes that most paths have are tried first, then halves. A system that cannot send the most says so at once.
    fn candidate(&self) -> Option<usize> {
        if self.passes == MOST {
            None
        } else if self.fails > MOST {
            Some(MOST)
        } else if self.passes >= ETHERNET {
            None
        } else if self.fails > ETHERNET {
            Some(ETHERNET)
        } else {
            (self.fails - self.passes >= GAP).then(|| usize::midpoint(self.passes, self.fails))
        }
    }

    /// Pauses a search that is over.
    fn settle(&mut self, now: Instant) {
        if self.candidate().is_none() && self.passes < MOST {
            self.pause.get_or_insert(now + SETTLED);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Searches on a path that carries `limit`; gives what was tried.
    fn search(mtu: &mut MtuSearch, limit: usize, now: Instant) -> Vec<usize> {
        let mut tried = Vec::new();
        while let Some(size) = mtu.poll_probe(now) {
            assert_eq!(mtu.poll_probe(now), None, "one at a time");
            assert!(tried.len() < 60, "a search without an end");
            tried.push(size);
            if size <= limit {
                assert!(mtu.probe_acknowledged(size, now));
            } else {
                mtu.probe_lost(now);
            }
        }
        tried
    }

    #[test]
    fn the_widest_path_takes_one_probe_for_ever() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        assert_eq!(search(&mut mtu, MOST, now), [MOST]);
        assert_eq!(mtu.current(), MOST);
        assert_eq!(mtu.poll_probe(now + 10 * SETTLED), None);
    }

    #[test]
    fn an_ethernet_takes_two_probes_where_the_system_knows_it() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        assert_eq!(mtu.poll_probe(now), Some(MOST));
        assert!(!mtu.refused(MOST, now));
        assert_eq!(search(&mut mtu, 1472, now), [ETHERNET]);
        assert_eq!(mtu.current(), ETHERNET);
    }

    #[test]
    fn a_size_is_given_up_after_three_losses_not_before() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        for _ in 0..2 {
            assert_eq!(mtu.poll_probe(now), Some(MOST));
            mtu.probe_lost(now);
        }
        assert_eq!(mtu.poll_probe(now), Some(MOST));
        assert!(mtu.probe_acknowledged(MOST, now));
        assert_eq!(mtu.current(), MOST);
    }

    #[test]
    fn a_narrow_path_is_searched_again_later() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        search(&mut mtu, 1400, now);
        let found = mtu.current();
        assert_eq!(mtu.poll_probe(now + SETTLED.saturating_sub(WARY)), None);
        assert_eq!(search(&mut mtu, MOST, now + SETTLED), [MOST]);
        assert!(found < MOST && mtu.current() == MOST);
    }

    #[test]
    fn a_black_hole_leaves_the_least_for_a_minute() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        search(&mut mtu, MOST, now);
        assert!(mtu.black_hole(now));
        assert!(!mtu.black_hole(now));
        assert_eq!((mtu.current(), mtu.poll_probe(now)), (LEAST, None));
        assert!(!mtu.probe_acknowledged(MOST, now), "sent before");
        assert_eq!(search(&mut mtu, MOST, now + WARY), [MOST]);
    }

    #[test]
    fn what_the_system_refuses_is_not_tried_again() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        assert_eq!(mtu.poll_probe(now), Some(MOST));
        assert!(!mtu.refused(MOST, now));
        let tried = search(&mut mtu, MOST, now);
        assert!(!tried.is_empty() && tried.iter().all(|&size| size < MOST), "{tried:?}");
        let known = mtu.current();
        assert!(mtu.refused(known, now));
        assert_eq!(mtu.current(), LEAST);
    }

    #[test]
    fn a_system_that_refuses_the_least_ends_the_search() {
        let now = Instant::now();
        let mut mtu = MtuSearch::new();
        assert!(!mtu.refused(0, now));
        assert_eq!((mtu.current(), mtu.poll_probe(now)), (LEAST, None));
    }

    proptest! {
        #[test]
        fn what_is_found_passes_and_is_near_the_limit(limit in LEAST..=ETHERNET) {
            let mut mtu = MtuSearch::new();
            search(&mut mtu, limit, Instant::now());
            prop_assert!(mtu.current() <= limit && limit - mtu.current() < GAP, "{} of {limit}", mtu.current());
        }
    }
}
