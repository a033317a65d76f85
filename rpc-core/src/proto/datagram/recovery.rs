//! What was sent and is not acknowledged yet: when it counts as lost, and when to send a probe.
//!
//! A datagram is lost when a later one was acknowledged and a while has passed (RFC 8985, RFC 9002); until the path has
//! shown that it reorders, three later ones are enough. When nothing comes back at all, a timeout sends the oldest
//! bytes again. Packet numbers are never used twice, so every acknowledgement is of one certain datagram.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    time::{Duration, Instant},
};

use super::{congestion::Congestion, mtu::MtuSearch, ranges::Ranges, rtt::Rtt};
use crate::proto::lanes::Segment;

/// How long a peer holds an acknowledgement back at most.
pub(super) const MAX_ACK_DELAY: Duration = Duration::from_millis(5);
/// The pause between two timeouts at most: a path that heals is found within it.
const MAX_TIMEOUT: Duration = Duration::from_millis(500);
/// A datagram counts as lost when one that was sent this many later is acknowledged, as long as the path keeps the
/// order.
const REORDERED: u64 = 3;
/// Timers are no finer.
const GRANULARITY: Duration = Duration::from_millis(1);
/// A datagram in flight counts as at least this much: the receiver's system charges small ones more than their bytes.
const LEAST_CHARGE: usize = 512;
/// How far behind the oldest byte the bytes of a probe are searched: otherwise a probe of small frames would sort all
/// of a large window.
const NEAR: u64 = 64 << 10;
/// After this many timeouts in a row the path counts as changed.
const COLLAPSED: u32 = 3;

/// One datagram that the peer is to acknowledge.
#[derive(Debug)]
struct SentPacket {
    at: Instant,
    size: usize,
    segments: Vec<Segment>,
    /// It counts as lost; what was in it is queued again.
    lost: bool,
    /// It only tested whether the path carries its size.
    probe: bool,
}

/// An acknowledgement that the peer cannot have made.
#[derive(Debug)]
pub(super) struct NeverSent;

/// What the path is like.
#[derive(Debug)]
pub(super) struct PathState {
    pub(super) rtt: Rtt,
    pub(super) congestion: Congestion,
    pub(super) mtu: MtuSearch,
}

/// Everything in flight.
#[derive(Debug)]
pub(super) struct Recovery {
    /// The number of the next datagram.
    next: u64,
    /// The datagrams that need an acknowledgement and have none, by number. Only those: each acknowledgement repeats
    /// earlier ones, and must not cost more because of that.
    sent: BTreeMap<u64, SentPacket>,
    /// All lower numbers are acknowledged or count as lost.
    judged: u64,
    /// What the datagrams in flight count: each counts something.
    in_flight: usize,
    largest_acknowledged: Option<u64>,
    last_sent: Option<Instant>,
    /// When the next datagram counts as lost.
    loss: Option<Instant>,
    /// Timeouts since something was acknowledged.
    timeouts: u32,
    /// Bytes to be sent again, in order.
    again: VecDeque<Segment>,
    /// The path has changed the order of datagrams; by how much of a round trip, in eighths.
    reordering: Option<u32>,
    /// Where the bytes are that the peer has, by position.
    acknowledged: Ranges,
}

impl Recovery {
    pub(super) fn new() -> Self {
        Self {
            next: 0,
            sent: BTreeMap::new(),
            judged: 0,
            in_flight: 0,
            largest_acknowledged: None,
            last_sent: None,
            loss: None,
            timeouts: 0,
            again: VecDeque::new(),
            reordering: None,
            acknowledged: Ranges::default(),
        }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// What the datagrams in flight count.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The position before which the peer has everything.
    pub(super) fn settled(&self) -> u64 {
        self.acknowledged.prefix()
    }

    /// What is to be sent again.
    pub(super) fn next_again(&mut self) -> Option<Segment> {
        loop {
            let segment = self.again.pop_front()?;
            if let Some(missing) = self.missing(&segment) {
                return Some(missing);
            }
        }
    }

    /// Whether something is to be sent again.
    pub(super) fn wants_again(&self) -> bool {
        !self.again.is_empty()
    }

    pub(super) fn put_back(&mut self, segment: Segment) {
        self.again.push_front(segment);
    }

    /// Whether the peer has all of it.
    fn has(&self, segment: &Segment) -> bool {
        self.acknowledged.contains_all(segment.position..segment.end())
    }

    /// A segment without the part of its beginning that the peer has; `None` when the peer has all of it. A segment
    /// that no longer fits into one datagram leaves in parts: without this a probe would carry the first part for ever,
    /// and the peer would wait for the others.
    fn missing(&self, segment: &Segment) -> Option<Segment> {
        let known = self.acknowledged.first_missing(segment.position).min(segment.end());
        let mut missing = segment.clone();
        missing.split_to((known - segment.position) as usize);
        (!missing.bytes.is_empty()).then_some(missing)
    }

    /// Whether the peer has been silent for so long that probes carry new bytes, too.
    pub(super) fn is_unheard(&self) -> bool {
        self.timeouts > 1
    }

    /// How many datagrams without an acknowledgement are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.sent.len()
    }

    // ---- sending -------------------------------------------------------------------------------------------------

    /// A datagram left that needs no acknowledgement.
    pub(super) fn sent_silently(&mut self) {
        self.next += 1;
    }

    pub(super) fn sent(&mut self, size: usize, segments: Vec<Segment>, probe: bool, now: Instant) {
        self.in_flight += charge(size);
        self.last_sent = Some(now);
        let sent = SentPacket {
            at: now,
            size,
            segments,
            lost: false,
            probe,
        };
        self.sent.insert(self.next, sent);
        self.next += 1;
    }

    /// The first bytes that the peer may not have, to be sent again before they count as lost. The first in the order
    /// of writing, because the peer may not take later ones before them.
    pub(super) fn oldest(&self, room: usize) -> Vec<Segment> {
        let in_flight = self.sent.values().filter(|sent| !sent.lost);
        let near = self.settled() + NEAR;
        let all = in_flight.flat_map(|sent| &sent.segments).chain(&self.again);
        let first = all.filter(|segment| segment.position < near);
        let mut missing: Vec<_> = first.filter_map(|segment| self.missing(segment)).collect();
        missing.sort_unstable_by_key(|segment| segment.position);
        let mut oldest = Vec::new();
        let (mut left, mut covered) = (room, 0);
        for segment in missing {
            if segment.end() <= covered {
                continue;
            }
            let fits = segment.bytes.len() <= left;
            if !fits && !oldest.is_empty() {
                break;
            }
            covered = segment.end();
            left = left.saturating_sub(segment.bytes.len());
            oldest.push(segment);
            if !fits {
                break;
            }
        }
        oldest
    }

    // ---- acknowledgements ----------------------------------------------------------------------------------------

    /// The peer has the datagrams of `ranges`, the highest first; `limited` when the congestion window held this side
    /// back.
    pub(super) fn acknowledge(
        &mut self,
        ranges: impl Iterator<Item = Range<u64>>,
        delay: Duration,
        limited: bool,
        path: &mut PathState,
        now: Instant,
    ) -> Result<(), NeverSent> {
        let mut newest: Option<(u64, Instant)> = None;
        let mut largest = None;
        for range in ranges {
            largest.get_or_insert(range.end.saturating_sub(1));
            if range.end > self.next {
                return Err(NeverSent);
            }
            // In order, so that the positions of their bytes are noted in order, too.
            while let Some((&number, _)) = self.sent.range(range.clone()).next()
                && let Some(sent) = self.sent.remove(&number)
            {
                newest = newest.max(Some((number, sent.at)));
                self.arrived(number, &sent, limited, path, now);
            }
        }
        let Some((number, at)) = newest else { return Ok(()) };
        if self.largest_acknowledged.is_none_or(|known| number > known) {
            self.largest_acknowledged = Some(number);
            let latest = now.saturating_duration_since(at);
            if largest == Some(number) {
                path.rtt.sample(latest, delay.min(MAX_ACK_DELAY));
            } else if latest < path.rtt.smoothed() {
                // It may have arrived long before, and its first acknowledgement may be lost: the way takes this long
                // at most.
                path.rtt.sample(latest, Duration::ZERO);
            }
        }
        self.timeouts = 0;
        self.find_lost(path, now);
        self.trim(now);
        Ok(())
    }

    fn arrived(&mut self, number: u64, sent: &SentPacket, limited: bool, path: &mut PathState, now: Instant) {
        if sent.lost {
            self.arrived_late(number, path);
        } else {
            self.in_flight -= charge(sent.size);
        }
        if sent.probe {
            path.probed(sent.size, now);
        } else if !sent.lost {
            path.congestion.acknowledged(charge(sent.size), sent.at, limited);
        }
        for segment in &sent.segments {
            self.acknowledged.insert(segment.position..segment.end());
        }
    }

    /// It was not lost: the path reorders, by more than was thought.
    fn arrived_late(&mut self, number: u64, path: &mut PathState) {
        if self.largest_acknowledged.is_some_and(|largest| number < largest) {
            // After a whole round trip the timeout finds a loss anyway.
            self.reordering = Some(self.reordering.map_or(2, |eighths| (eighths * 2).min(8)));
        }
        path.congestion.spurious();
    }

    // ---- losses --------------------------------------------------------------------------------------------------

    /// Finds the datagrams that count as lost by now, and when the next one will.
    fn find_lost(&mut self, path: &mut PathState, now: Instant) {
        self.loss = None;
        let Some(largest) = self.largest_acknowledged else {
            return;
        };
        let rtt = path.rtt.smoothed().max(path.rtt.latest());
        let patience = rtt + (rtt * self.reordering.unwrap_or(1) / 8).max(GRANULARITY);
        let mut again = Vec::new();
        for (&number, sent) in self.sent.range_mut(self.judged..largest) {
            self.judged = number;
            if sent.lost {
                continue;
            }
            let overtaken = self.reordering.is_none() && largest - number >= REORDERED;
            let due = sent.at + patience;
            if !overtaken && due > now {
                // Sent in order, so nothing behind it is due earlier.
                self.loss = Some(due);
                break;
            }
            sent.lost = true;
            self.in_flight -= charge(sent.size);
            // They stay with the datagram, too: it may turn out to be late and not lost.
            again.extend(sent.segments.iter().cloned());
            if sent.probe {
                path.mtu.probe_lost(now);
            } else {
                path.congestion.lost(sent.at, now);
            }
        }
        for segment in again.into_iter().rev() {
            if !self.has(&segment) {
                self.again.push_front(segment);
            }
        }
    }

    /// Everything in flight counts as lost: the peer may have refused it, and then it would fill the window for ever.
    /// It is sent after what waits already, so that everything gets its turn.
    fn give_up(&mut self, path: &mut PathState, now: Instant) {
        let mut segments = Vec::new();
        for sent in self.sent.values_mut().filter(|sent| !sent.lost) {
            sent.lost = true;
            if sent.probe {
                path.mtu.probe_lost(now);
            }
            segments.extend(sent.segments.iter().cloned());
        }
        self.in_flight = 0;
        segments.sort_unstable_by_key(|segment| segment.position);
        // What waits already, and what several probes carried.
        let waits = self.again.drain(..).collect::<Vec<_>>();
        let mut queued = Ranges::default();
        for segment in waits.into_iter().chain(segments) {
            if !self.has(&segment) && queued.insert(segment.position..segment.end()) {
                self.again.push_back(segment);
            }
        }
    }

    /// A datagram that counts as lost is remembered for a while, to notice that it was not.
    fn trim(&mut self, now: Instant) {
        const REMEMBERED: Duration = Duration::from_secs(1);
        while let Some(first) = self.sent.first_entry() {
            let sent = first.get();
            if !sent.lost || now.saturating_duration_since(sent.at) <= REMEMBERED {
                break;
            }
            first.remove();
        }
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    pub(super) fn poll_timeout(&self, path: &PathState) -> Option<Instant> {
        self.loss.or_else(|| self.timeout(path))
    }

    /// When to send a probe, if nothing comes back.
    fn timeout(&self, path: &PathState) -> Option<Instant> {
        if self.in_flight == 0 {
            return None;
        }
        let first = path.rtt.probe_timeout() + MAX_ACK_DELAY + GRANULARITY;
        let longest = MAX_TIMEOUT.max(path.rtt.smoothed() * 2).max(first);
        let wait = first.saturating_mul(1 << self.timeouts.min(10)).min(longest);
        self.last_sent.map(|sent| sent + wait)
    }

    /// Returns how many datagrams must be sent even if the windows are full.
    pub(super) fn handle_timeout(&mut self, path: &mut PathState, now: Instant) -> usize {
        if let Some(loss) = self.loss {
            if loss <= now {
                self.find_lost(path, now);
                self.trim(now);
            }
            return 0;
        }
        if self.timeout(path).is_none_or(|timeout| timeout > now) {
            return 0;
        }
        self.timeouts += 1;
        if self.timeouts == COLLAPSED {
            path.congestion.collapsed();
            path.fall_back(now);
        }
        if self.timeouts.is_multiple_of(COLLAPSED) {
            self.give_up(path, now);
        }
        // The second one is worth its cost as soon as one of them is lost, too.
        if self.is_unheard() { 2 } else { 1 }
    }
}

impl PathState {
    pub(super) fn new(rtt: Option<Duration>) -> Self {
        let mtu = MtuSearch::new();
        Self {
            rtt: Rtt::new(rtt),
            congestion: Congestion::new(mtu.current()),
            mtu,
        }
    }

    /// The peer has another address: of the path to it only the round trip is known, roughly.
    pub(super) fn moved(&mut self) {
        self.mtu = MtuSearch::new();
        self.congestion = Congestion::new(self.mtu.current());
    }

    fn probed(&mut self, size: usize, now: Instant) {
        if self.mtu.probe_acknowledged(size, now) {
            self.congestion.set_datagram(self.mtu.current());
        }
    }

    /// The path may carry only the least size.
    fn fall_back(&mut self, now: Instant) {
        if self.mtu.black_hole(now) {
            self.congestion.set_datagram(self.mtu.current());
        }
    }

    /// The system does not send a datagram of this size.
    pub(super) fn refused(&mut self, size: usize, now: Instant) {
        if self.mtu.refused(size, now) {
            self.congestion.set_datagram(self.mtu.current());
        }
    }
}

fn charge(size: usize) -> usize {
    size.max(LEAST_CHARGE)
}
