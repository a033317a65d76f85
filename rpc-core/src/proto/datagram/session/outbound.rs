//! Datagrams that go.

use std::time::Instant;

use super::{Session, SessionEnd, Transmit, send_side::SendSide};
use crate::proto::datagram::{
    chunk,
    packet::{PACKET_HEADER, begin_packet, seal},
};

/// What the system takes with one call.
const MAX_TRANSMIT: usize = 65_000;
/// A peer that leaves this many datagrams unacknowledged breaks the protocol.
const MAX_REMEMBERED: usize = 1 << 16;

impl Session {
    /// Fills `out` (cleared first) with the datagrams to be sent next; `None` when there are none now.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>, now: Instant) -> Option<Transmit> {
        out.clear();
        if self.end.is_some() {
            return None;
        }
        if self.sending.recovery.remembered() > MAX_REMEMBERED {
            self.broken("a peer that acknowledges nothing");
            return None;
        }
        if let Some((to, token)) = self.path.poll_challenge(now) {
            begin_packet(out, self.id, self.sending.recovery.next_number());
            chunk::put_challenge(out, token);
            self.sending.recovery.sent_silently();
            seal(out);
            return Some(Transmit { to, segment: out.len() });
        }
        let to = self.path.peer();
        let mtu = self.state.mtu.current();
        if self.sending.probes > 0 {
            self.sending.probes -= 1;
            let onward = self.sending.probes > 0;
            self.put_probe(out, mtu, onward, now);
            return Some(Transmit { to, segment: out.len() });
        }
        if self.put_mtu_probe(out, now) {
            return Some(Transmit { to, segment: out.len() });
        }
        self.put_batch(out, mtu, now).map(|segment| Transmit { to, segment })
    }

    /// Fills datagrams of one size; returns that size.
    fn put_batch(&mut self, out: &mut Vec<u8>, mtu: usize, now: Instant) -> Option<usize> {
        let Self {
            sending,
            receiving,
            state,
            ..
        } = self;
        let mut allowance = sending.allowance(state, mtu, now);
        let mut segment = None;
        let most = sending.max_segments.min(MAX_TRANSMIT / mtu);
        for _ in 0..most {
            let start = out.len();
            let wants = sending.has_data();
            let may = allowance >= mtu;
            if wants && !may && sending.paced.is_none() {
                sending.limited = true;
            }
            if !(wants && may || receiving.owes_at_once() || sending.closing) {
                sending.limited &= wants;
                break;
            }
            let mut segments = Vec::new();
            begin_packet(out, self.id, sending.recovery.next_number());
            receiving.put_owed(out, now);
            if wants && may {
                // The close chunk fits behind it.
                let end = start + mtu - usize::from(sending.closing);
                sending.put_data(out, end, &mut segments, SendSide::next_segment);
            }
            let goes_on = wants && may && sending.has_data() && allowance >= 2 * mtu;
            if sending.closing && !goes_on {
                chunk::put_close(out);
                self.end = Some(SessionEnd::Closed);
            }
            let full = sending.has_data() && !segments.is_empty() && self.end.is_none();
            if full {
                // The datagrams of one call are of one size.
                out.resize(start + mtu, 0);
            }
            seal(&mut out[start..]);
            let length = out.len() - start;
            if segments.is_empty() {
                sending.recovery.sent_silently();
            } else {
                allowance = allowance.saturating_sub(length);
                sending.pacer.sent(length);
                sending.recovery.sent(length, segments, false, now);
            }
            segment.get_or_insert(length);
            if !full {
                break;
            }
        }
        segment
    }

    /// A probe: the oldest bytes again, or a ping; with `onward` the next bytes, if there are any. A peer that is short
    /// of memory may refuse the oldest bytes until the frame that it has begun to receive is complete.
    fn put_probe(&mut self, out: &mut Vec<u8>, mtu: usize, onward: bool, now: Instant) {
        let sending = &mut self.sending;
        begin_packet(out, self.id, sending.recovery.next_number());
        self.receiving.put_owed(out, now);
        let mut segments = Vec::new();
        if onward {
            sending.put_data(out, mtu, &mut segments, SendSide::next_fresh);
            if segments.is_empty() {
                sending.put_data(out, mtu, &mut segments, SendSide::next_segment);
            }
        }
        if segments.is_empty() {
            sending.put_oldest(out, mtu, &mut segments);
        }
        if segments.is_empty() {
            chunk::put_ping(out);
        }
        seal(out);
        sending.recovery.sent(out.len(), segments, false, now);
    }

    /// Tests whether the path carries larger datagrams, when there is much to send.
    fn put_mtu_probe(&mut self, out: &mut Vec<u8>, now: Instant) -> bool {
        if !self.sending.has_much(&self.state) || self.sending.closing {
            return false;
        }
        let Some(size) = self.state.mtu.poll_probe(now) else {
            return false;
        };
        begin_packet(out, self.id, self.sending.recovery.next_number());
        chunk::put_ping(out);
        out.resize(size.max(PACKET_HEADER), 0);
        seal(out);
        self.sending.recovery.sent(size, Vec::new(), true, now);
        true
    }
}
