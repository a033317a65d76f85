//! What a session has to send, and what it waits for.

use std::{collections::VecDeque, time::Instant};

use super::{LEAST_WINDOW, Role};
use crate::proto::{
    datagram::{
        chunk,
        pacing::Pacer,
        recovery::{PathState, Recovery},
    },
    deadlines::earlier,
    lanes::{Segment, Splitter},
};

/// The largest window: what is sent is kept until the peer has it, so this bounds the memory for a peer that never
/// acknowledges.
const MOST_WINDOW: u32 = 4 << 20;
/// The least and the most that may wait to be sent for the first time; more is not taken, so that large messages go on
/// taking turns. The most leaves with two calls of the system, where it carries jumbo frames.
const UNSENT: (usize, usize) = (16 << 10, 120 << 10);

/// What a session has to send, and what it waits for.
#[derive(Debug)]
pub(super) struct SendSide {
    splitter: Splitter,
    /// What was not sent yet, and how many bytes that is.
    fresh: VecDeque<Segment>,
    unsent: usize,
    /// The peer's window.
    peer_window: u64,
    pub(super) recovery: Recovery,
    pub(super) pacer: Pacer,
    /// When pacing lets more leave.
    pub(super) paced: Option<Instant>,
    /// The congestion window was what stopped the last transmit.
    pub(super) limited: bool,
    /// Datagrams to be sent even if the windows are full.
    pub(super) probes: usize,
    /// How many datagrams one transmit may hold.
    pub(super) max_segments: usize,
    /// Nothing more is written; the peer must be told of the end.
    pub(super) closing: bool,
}

impl SendSide {
    pub(super) fn new(role: Role, peer_window: u32, max_segments: usize, now: Instant) -> Self {
        Self {
            splitter: Splitter::new(role),
            fresh: VecDeque::new(),
            unsent: 0,
            peer_window: u64::from(peer_window.clamp(LEAST_WINDOW, MOST_WINDOW)),
            recovery: Recovery::new(),
            pacer: Pacer::new(now),
            paced: None,
            limited: false,
            probes: 0,
            max_segments: max_segments.max(1),
            closing: false,
        }
    }

    /// Takes bytes to be sent, and says how many.
    pub(super) fn write(&mut self, bytes: &[u8], path: &PathState) -> usize {
        if self.closing {
            return 0;
        }
        let room = if self.recovery.is_unheard() && !self.is_settled() {
            // To the layer above, room counts as a sign of life. That probes take bytes with them is not a sign of
            // life, so only the frame that has begun goes on, at once: a peer that is short of memory may need its end.
            self.splitter.rest()
        } else {
            most_unsent(path).saturating_sub(self.unsent)
        };
        let taken = bytes.len().min(room);
        self.splitter.split(&bytes[..taken], &mut self.fresh);
        self.unsent += taken;
        taken
    }

    /// Whether enough waits to make larger datagrams worth a probe.
    pub(super) fn has_much(&self, path: &PathState) -> bool {
        self.unsent >= most_unsent(path) / 2
    }

    /// Whether everything written has been acknowledged.
    pub(super) fn is_settled(&self) -> bool {
        self.recovery.settled() >= self.splitter.position()
    }

    pub(super) fn poll_timeout(&self, path: &PathState) -> Option<Instant> {
        earlier(self.recovery.poll_timeout(path), self.paced)
    }

    pub(super) fn handle_timeout(&mut self, path: &mut PathState, now: Instant) {
        // Those of an earlier timeout may wait for the socket still.
        self.probes = self.recovery.handle_timeout(path, now).max(self.probes);
        if self.paced.is_some_and(|paced| paced <= now) {
            self.paced = None;
        }
    }

    /// How many bytes may leave now.
    pub(super) fn allowance(&mut self, path: &PathState, mtu: usize, now: Instant) -> usize {
        let window = path.congestion.window();
        let congestion = window
            .min(self.peer_window as usize)
            .saturating_sub(self.recovery.in_flight());
        let rtt = path.rtt.smoothed();
        let paced = self.pacer.allowance(window, mtu, rtt, now);
        self.paced =
            (paced < mtu && congestion >= mtu && self.has_data()).then(|| self.pacer.next_release(window, mtu, rtt));
        congestion.min(paced)
    }

    /// Whether there are bytes that the peer's window has room for.
    pub(super) fn has_data(&self) -> bool {
        self.recovery.wants_again() || self.fresh.front().is_some_and(|segment| self.is_open(segment))
    }

    /// Fills the datagram up to `end` with what `next` gives, each with whether it was sent before.
    pub(super) fn put_data(
        &mut self,
        out: &mut Vec<u8>,
        end: usize,
        segments: &mut Vec<Segment>,
        next: fn(&mut Self) -> Option<(Segment, bool)>,
    ) {
        while let Some((segment, again)) = next(self) {
            let (sent, rest) = put_part(out, end, segment);
            segments.extend(sent);
            if let Some(rest) = rest {
                self.put_back(rest, again);
                break;
            }
        }
    }

    /// First what is sent again, then what is new.
    pub(super) fn next_segment(&mut self) -> Option<(Segment, bool)> {
        let again = self.recovery.next_again().map(|segment| (segment, true));
        again.or_else(|| self.next_fresh())
    }

    pub(super) fn next_fresh(&mut self) -> Option<(Segment, bool)> {
        self.fresh.front().filter(|segment| self.is_open(segment))?;
        let segment = self.fresh.pop_front()?;
        self.unsent -= segment.bytes.len();
        Some((segment, false))
    }

    fn is_open(&self, segment: &Segment) -> bool {
        !segment.begins || segment.position < self.recovery.settled() + self.peer_window
    }

    fn put_back(&mut self, segment: Segment, again: bool) {
        if again {
            self.recovery.put_back(segment);
        } else {
            self.unsent += segment.bytes.len();
            self.fresh.push_front(segment);
        }
    }

    /// Appends the oldest bytes again, and notes their segments.
    pub(super) fn put_oldest(&self, out: &mut Vec<u8>, mtu: usize, segments: &mut Vec<Segment>) {
        let mut oldest = self.recovery.oldest(mtu).into_iter();
        segments.extend(std::iter::from_fn(|| put_part(out, mtu, oldest.next()?).0));
    }
}

/// Two windows are sent without waiting for more. Behind a longer queue on a slow path small calls would wait, and
/// pings for so long that the connection counts as silent.
fn most_unsent(path: &PathState) -> usize {
    (2 * path.congestion.window()).clamp(UNSENT.0, UNSENT.1)
}

/// Appends as much of a segment as fits before `end`; gives the part that does and the part that does not.
fn put_part(out: &mut Vec<u8>, end: usize, mut segment: Segment) -> (Option<Segment>, Option<Segment>) {
    let (room, length) = (end - out.len(), segment.bytes.len());
    let (part, rest) = match chunk::data_fits(room, segment.lane, segment.offset, segment.after(), length) {
        0 => return (None, Some(segment)),
        fits if fits == length => (segment, None),
        fits => (segment.split_to(fits), Some(segment)),
    };
    chunk::put_data(out, part.lane, part.offset, part.after(), &part.bytes);
    (Some(part), rest)
}
