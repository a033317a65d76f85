//! One direction of a simulated connection: what is written, when it arrives, who waits.

use std::{collections::VecDeque, io::IoSlice, task::Waker};

use bytes::{Bytes, BytesMut};
use tokio::{io::ReadBuf, time::Instant};

use super::conditions::{Conditions, time_at_rate};

/// What one end of a connection can know of the other at an instant.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) now: Instant,
    /// The path passes nothing since then.
    pub(super) blocked_since: Option<Instant>,
}

impl View {
    fn reaches(self, at: Instant) -> bool {
        at <= self.now && self.blocked_since.is_none_or(|since| at <= since)
    }

    /// When to look again for what arrives at `at`; `None` while only a change of the network can bring it.
    fn look_again(self, at: Option<Instant>) -> Option<Instant> {
        at.filter(|_| self.blocked_since.is_none())
    }
}

struct DelayedSegment {
    bytes: Bytes,
    arrives: Instant,
}

/// Arrivals never decrease from one segment to the next, nor to the end: a byte stream keeps its order.
#[derive(Default)]
pub(super) struct Direction {
    segments: VecDeque<DelayedSegment>,
    /// Bytes in `segments`.
    unread: usize,
    last_arrival: Option<Instant>,
    /// When the link has sent what was written so far.
    link_free: Option<Instant>,
    /// When the reader learns that nothing more follows; nothing is written once this is set.
    end: Option<Instant>,
    /// When the reader learns that the writer's side was dropped and so reads nothing either.
    gone: Option<Instant>,
    /// A slow reader reads no earlier than this.
    reads_again: Option<Instant>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Direction {
    pub(super) fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    /// Takes of `slices` what fits in the buffer as one segment, and says how much that was.
    pub(super) fn send(&mut self, slices: &[IoSlice<'_>], now: Instant, conditions: &mut Conditions) -> usize {
        let mut room = conditions.buffer.saturating_sub(self.unread);
        let mut bytes = BytesMut::new();
        for slice in slices {
            let taken = slice.len().min(room);
            bytes.extend_from_slice(&slice[..taken]);
            room -= taken;
        }
        let length = bytes.len();
        if length > 0 {
            let arrives = self.arrival(length, now, conditions);
            self.segments.push_back(DelayedSegment {
                bytes: bytes.freeze(),
                arrives,
            });
            self.unread += length;
        }
        length
    }

    /// The end follows what is in flight.
    pub(super) fn finish(&mut self, now: Instant, conditions: &mut Conditions) {
        if self.end.is_none() {
            self.end = Some(self.arrival(0, now, conditions));
        }
    }

    /// The writer's side is dropped.
    pub(super) fn abandon(&mut self, now: Instant, conditions: &mut Conditions) {
        self.finish(now, conditions);
        self.gone = Some(self.arrival(0, now, conditions));
    }

    fn arrival(&mut self, bytes: usize, now: Instant, conditions: &mut Conditions) -> Instant {
        let sent = self.link_free.map_or(now, |free| free.max(now)) + conditions.transmission(bytes);
        self.link_free = Some(sent);
        let arrives = sent + conditions.travel();
        let arrives = self.last_arrival.map_or(arrives, |last| last.max(arrives));
        self.last_arrival = Some(arrives);
        arrives
    }

    /// Moves what has arrived into `buffer`, as much as a reader of `rate` bytes per second takes now.
    pub(super) fn receive(&mut self, buffer: &mut ReadBuf<'_>, rate: u64, view: View) -> usize {
        if !self.reads_now(rate, view) {
            return 0;
        }
        // A hundredth of a second's worth at a time keeps a slow reader smooth.
        let limit = usize::try_from(rate / 100).unwrap_or(usize::MAX).max(1);
        let mut room = buffer.remaining().min(limit);
        let mut received = 0;
        while let Some(segment) = self
            .segments
            .front_mut()
            .filter(|segment| room > 0 && view.reaches(segment.arrives))
        {
            let length = segment.bytes.len().min(room);
            buffer.put_slice(&segment.bytes.split_to(length));
            room -= length;
            received += length;
            if segment.bytes.is_empty() {
                self.segments.pop_front();
            }
        }
        self.unread -= received;
        self.reads_again = Some(view.now + time_at_rate(received, rate));
        received
    }

    fn reads_now(&self, rate: u64, view: View) -> bool {
        rate > 0 && self.reads_again.is_none_or(|at| at <= view.now)
    }

    /// Whether the reader has had everything and knows that nothing follows.
    pub(super) fn has_ended(&self, rate: u64, view: View) -> bool {
        self.reads_now(rate, view) && self.segments.is_empty() && self.end.is_some_and(|at| view.reaches(at))
    }

    /// Whether the reader knows that the writer's side was dropped.
    pub(super) fn has_gone(&self, view: View) -> bool {
        self.gone.is_some_and(|at| view.reaches(at))
    }

    /// When a reader that got nothing should look again; `None` while only a change can bring something.
    pub(super) fn next_read(&self, rate: u64, view: View) -> Option<Instant> {
        let arrival = self.segments.front().map(|segment| segment.arrives).or(self.end);
        if rate == 0 {
            return None;
        }
        match arrival {
            Some(at) if view.reaches(at) => self.reads_again,
            _ => view.look_again(arrival),
        }
    }

    /// When to look again for [`has_gone`](Self::has_gone).
    pub(super) fn next_gone(&self, view: View) -> Option<Instant> {
        view.look_again(self.gone)
    }

    /// What had not arrived at `since` arrives no earlier than `now`, when the path is whole again.
    pub(super) fn heal(&mut self, since: Instant, now: Instant) {
        let segments = self.segments.iter_mut().map(|segment| &mut segment.arrives);
        let marks = [&mut self.last_arrival, &mut self.end, &mut self.gone];
        for arrives in segments.chain(marks.into_iter().flatten()) {
            if *arrives > since {
                *arrives = now.max(*arrives);
            }
        }
    }

    /// Loses what is in flight.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.unread = 0;
    }
}
