//! Datagrams that go.

use std::time::{Duration, Instant};

use super::{ACK_EVERY, End, Session, Transmit};
use crate::proto::datagram::{
    chunk,
    lanes::Segment,
    packet::{PACKET_HEADER, begin_packet, seal},
};

/// What the system takes with one call.
const MAX_TRANSMIT: usize = 65_000;
/// A peer that leaves so many datagrams unacknowledged does not keep to the protocol.
const MAX_REMEMBERED: usize = 1 << 16;

impl Session {
    /// Fills `out` (cleared first) with the datagrams to be sent next; `None` when there are none now.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>, now: Instant) -> Option<Transmit> {
        out.clear();
        if self.end.is_some() {
            return None;
        }
        if self.recovery.remembered() > MAX_REMEMBERED {
            self.broken("a peer that acknowledges nothing");
            return None;
        }
        if let Some((to, token)) = self.path.poll_challenge(now) {
            begin_packet(out, self.id, self.recovery.next_number());
            chunk::put_challenge(out, token);
            self.recovery.sent_silently();
            seal(out);
            return Some(Transmit { to, segment: out.len() });
        }
        let to = self.path.peer();
        let mtu = self.state.mtu.current();
        if self.probes > 0 {
            self.probes -= 1;
            let onward = self.probes > 0;
            self.put_probe(out, mtu, onward, now);
            return Some(Transmit { to, segment: out.len() });
        }
        if self.put_mtu_probe(out, now) {
            return Some(Transmit { to, segment: out.len() });
        }
        self.put_batch(out, mtu, now).map(|segment| Transmit { to, segment })
    }

    /// Fills datagrams of one size; gives that size.
    fn put_batch(&mut self, out: &mut Vec<u8>, mtu: usize, now: Instant) -> Option<usize> {
        let mut allowance = self.allowance(mtu, now);
        let mut segment = None;
        let most = self.max_segments.min(MAX_TRANSMIT / mtu);
        for _ in 0..most {
            let start = out.len();
            let wants = self.has_data();
            let may = allowance >= mtu;
            if wants && !may && self.paced.is_none() {
                self.limited = true;
            }
            if !(wants && may || self.owes_at_once() || self.response.is_some() || self.closing) {
                self.limited &= wants;
                break;
            }
            let mut segments = Vec::new();
            begin_packet(out, self.id, self.recovery.next_number());
            self.put_control(out, now);
            if wants && may {
                // The news of the end fits behind it.
                self.put_data(
                    out,
                    start + mtu - usize::from(self.closing),
                    &mut segments,
                    Self::next_segment,
                );
            }
            let goes_on = wants && may && self.has_data() && allowance >= 2 * mtu;
            if self.closing && !goes_on {
                chunk::put_close(out);
                self.end = Some(End::Closed);
            }
            let full = self.has_data() && !segments.is_empty() && self.end.is_none();
            if full {
                // The datagrams of one call are of one size.
                out.resize(start + mtu, 0);
            }
            seal(&mut out[start..]);
            let length = out.len() - start;
            if segments.is_empty() {
                self.recovery.sent_silently();
            } else {
                allowance = allowance.saturating_sub(length);
                self.pacer.sent(length);
                self.recovery.sent(length, segments, false, now);
            }
            segment.get_or_insert(length);
            if !full {
                break;
            }
        }
        segment
    }

    /// How many bytes may leave now.
    fn allowance(&mut self, mtu: usize, now: Instant) -> usize {
        let window = self.state.congestion.window();
        let congestion = window
            .min(self.peer_window as usize)
            .saturating_sub(self.recovery.in_flight());
        let rtt = self.state.rtt.smoothed();
        let paced = self.pacer.allowance(window, mtu, rtt, now);
        self.paced =
            (paced < mtu && congestion >= mtu && self.has_data()).then(|| self.pacer.next_release(window, mtu, rtt));
        congestion.min(paced)
    }

    /// Whether there are bytes that the peer's window has room for.
    fn has_data(&self) -> bool {
        self.recovery.wants_again() || self.fresh.front().is_some_and(|segment| self.is_open(segment))
    }

    /// The acknowledgement and whatever else does not wait.
    fn put_control(&mut self, out: &mut Vec<u8>, now: Instant) {
        if self.unacknowledged > 0 {
            let delay = self
                .largest
                .map_or(Duration::ZERO, |(_, at)| now.saturating_duration_since(at));
            chunk::put_ack(out, &self.numbers, delay);
            self.unacknowledged = 0;
            self.acknowledge_by = None;
        }
        if let Some(token) = self.response.take() {
            chunk::put_response(out, token);
        }
    }

    fn owes_at_once(&self) -> bool {
        self.unacknowledged >= ACK_EVERY
    }

    /// Fills the datagram up to `end`: first what is sent again, then what is new.
    fn put_data(
        &mut self,
        out: &mut Vec<u8>,
        end: usize,
        segments: &mut Vec<Segment>,
        next: fn(&mut Self) -> Option<(Segment, bool)>,
    ) {
        while let Some((mut segment, again)) = next(self) {
            let sent = put_part(out, end, &mut segment);
            if !segment.bytes.is_empty() {
                self.put_back(segment, again);
            }
            let Some(sent) = sent else { break };
            segments.push(sent);
        }
    }

    fn next_segment(&mut self) -> Option<(Segment, bool)> {
        let again = self.recovery.next_again().map(|segment| (segment, true));
        again.or_else(|| self.next_fresh())
    }

    fn next_fresh(&mut self) -> Option<(Segment, bool)> {
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

    /// The oldest bytes once more, or just a question; `onward` the next ones, where there are any. A peer that is
    /// short of memory may refuse the oldest until a frame of which it has the beginning has come to its end.
    fn put_probe(&mut self, out: &mut Vec<u8>, mtu: usize, onward: bool, now: Instant) {
        begin_packet(out, self.id, self.recovery.next_number());
        self.put_control(out, now);
        let mut segments = Vec::new();
        if onward {
            self.put_data(out, mtu, &mut segments, Self::next_fresh);
            if segments.is_empty() {
                self.put_data(out, mtu, &mut segments, Self::next_segment);
            }
        }
        if segments.is_empty() {
            let mut oldest = self.recovery.oldest(mtu).into_iter();
            segments.extend(std::iter::from_fn(|| put_part(out, mtu, &mut oldest.next()?)));
        }
        if segments.is_empty() {
            chunk::put_ping(out);
        }
        seal(out);
        self.recovery.sent(out.len(), segments, false, now);
    }

    /// Asks whether the path carries larger datagrams, when there is much to send.
    fn put_mtu_probe(&mut self, out: &mut Vec<u8>, now: Instant) -> bool {
        if self.unsent < self.most_unsent() / 2 || self.closing {
            return false;
        }
        let Some(size) = self.state.mtu.poll_probe(now) else {
            return false;
        };
        begin_packet(out, self.id, self.recovery.next_number());
        chunk::put_ping(out);
        out.resize(size.max(PACKET_HEADER), 0);
        seal(out);
        self.recovery.sent(size, Vec::new(), true, now);
        true
    }
}

/// Appends as much of a segment as fits before `end`, takes it off, and gives it; `None` when nothing fits.
fn put_part(out: &mut Vec<u8>, end: usize, segment: &mut Segment) -> Option<Segment> {
    let room = end - out.len();
    let fits = chunk::data_fits(room, segment.lane, segment.offset, segment.after(), segment.bytes.len());
    let part = (fits > 0).then(|| segment.split_to(fits))?;
    chunk::put_data(out, part.lane, part.offset, part.after(), &part.bytes);
    Some(part)
}
