//! One session, seen from one of its two ends.

use core::net::SocketAddr;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    chunk::{self, Chunk},
    lanes::{Budget, Received, Refused, Segment, Splitter},
    pacing::Pacer,
    packet::{Datagram, PACKET_HEADER, begin_packet, seal},
    path::Path,
    ranges::Ranges,
    recovery::{MAX_ACK_DELAY, PathState, Recovery},
};
use crate::proto::outgoing::earlier;

/// How many datagrams may come before they are acknowledged.
const ACK_EVERY: u32 = 2;
/// The ranges of received numbers that are remembered. What is older than all of them counts as received.
const RANGES: usize = 256;
/// The least window there is, whatever a peer says: with less nothing would move.
const LEAST_WINDOW: u32 = 16 << 10;
/// The most: what is sent is kept until the peer has it, and a peer that never says so must not make that much.
const MOST_WINDOW: u32 = 4 << 20;
/// The least and the most that may wait to be sent for the first time; more is not taken, so that large messages go on taking
/// turns.
const UNSENT: (usize, usize) = (16 << 10, 128 << 10);
/// What the system takes with one call.
const MAX_TRANSMIT: usize = 65_000;
/// A peer that leaves so many datagrams unacknowledged is none.
const MAX_REMEMBERED: usize = 1 << 16;

/// Which end this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) id: u64,
    /// Where the peer is.
    pub(crate) peer: SocketAddr,
    /// What the peer takes unacknowledged, and what this side takes.
    pub(crate) peer_window: u32,
    pub(crate) window: u32,
    /// For what nobody else may guess.
    pub(crate) seed: u64,
    pub(crate) rtt: Option<Duration>,
    /// Shared by all sessions of the socket.
    pub(crate) budget: Budget,
    /// How many datagrams one transmit may hold (GSO).
    pub(crate) max_segments: usize,
}

/// One or more datagrams to be sent with one call: each is `segment` bytes long, the last one may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transmit {
    pub(crate) to: SocketAddr,
    pub(crate) segment: usize,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer closed it: nothing more comes.
    Closed,
    /// The server does not know it: it restarted, or gave the session up.
    Reset,
    /// The peer broke the protocol.
    Broken(&'static str),
}

/// One session, without I/O: a byte stream of frames above, datagrams below.
///
/// After any `handle_*`, `write` or `consume` send what [`poll_transmit`](Self::poll_transmit) gives, and call
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub(crate) struct Session {
    id: u64,
    role: Role,
    path: Path,
    state: PathState,
    pacer: Pacer,
    tokens: fastrand::Rng,
    max_segments: usize,
    end: Option<End>,

    // Sending.
    splitter: Splitter,
    /// What was not sent yet, and how many bytes that is.
    fresh: VecDeque<Segment>,
    unsent: usize,
    peer_window: u64,
    recovery: Recovery,
    /// The congestion window was what stopped the last transmit.
    limited: bool,
    /// When pacing lets go on.
    paced: Option<Instant>,
    /// Datagrams to be sent whatever the windows say.
    probes: usize,
    response: Option<u64>,
    closing: bool,

    // Receiving.
    received: Received,
    numbers: Ranges,
    largest: Option<(u64, Instant)>,
    /// Datagrams that wait for an acknowledgement, and until when it may.
    unacknowledged: u32,
    acknowledge_by: Option<Instant>,
}

impl Session {
    pub(crate) fn new(setup: Setup, now: Instant) -> Self {
        Self {
            id: setup.id,
            role: setup.role,
            path: Path::new(setup.peer),
            state: PathState::new(setup.rtt),
            pacer: Pacer::new(now),
            tokens: fastrand::Rng::with_seed(setup.seed),
            max_segments: setup.max_segments.max(1),
            end: None,
            splitter: Splitter::new(setup.role),
            fresh: VecDeque::new(),
            unsent: 0,
            peer_window: u64::from(setup.peer_window.clamp(LEAST_WINDOW, MOST_WINDOW)),
            recovery: Recovery::new(),
            limited: false,
            paced: None,
            probes: 0,
            response: None,
            closing: false,
            received: Received::new(
                setup.role.other(),
                setup.budget,
                setup.window.max(LEAST_WINDOW) as usize,
            ),
            numbers: Ranges::default(),
            largest: None,
            unacknowledged: 0,
            acknowledge_by: None,
        }
    }

    // ---- above: a stream of frames -----------------------------------------------------------------------------------

    /// Takes bytes to be sent, and says how many: less than given, or none, while too much waits. Nothing leaves before
    /// [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.closing || self.end.is_some() {
            return 0;
        }
        let room = if self.recovery.is_unheard() && !self.is_settled() {
            // Above, room counts as a sign of life. What probes take with them is none, so only the frame that has begun goes on, at
            // once: a peer that is short of memory may need its end.
            self.splitter.rest()
        } else {
            self.most_unsent().saturating_sub(self.unsent)
        };
        let taken = bytes.len().min(room);
        self.splitter.split(&bytes[..taken], &mut self.fresh);
        self.unsent += taken;
        taken
    }

    /// Two windows are sent without waiting for more. Behind a longer queue on a slow path small calls would wait, and pings for so
    /// long that the connection counts as silent.
    fn most_unsent(&self) -> usize {
        (2 * self.state.congestion.window()).clamp(UNSENT.0, UNSENT.1)
    }

    /// What has come, in an order in which a byte stream may have brought it.
    pub(crate) fn unread(&self) -> &[u8] {
        self.received.ready()
    }

    /// `length` bytes of [`unread`](Self::unread) were taken.
    pub(crate) fn consume(&mut self, length: usize) {
        self.received.consume(length);
    }

    /// Whether everything written has been acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        self.recovery.settled() >= self.splitter.position()
    }

    /// Ends the session from this side: what `poll_transmit` gives from here on is what still fits, and the news of the end.
    /// Nothing is repeated; call it just before the session is dropped.
    pub(crate) fn close(&mut self) {
        self.closing = self.end.is_none();
    }

    /// Why the session is over, once everything that came is consumed.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.filter(|_| self.unread().is_empty())
    }

    /// Where the peer is now.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.path.peer()
    }

    /// The memory of what has come and is not ready.
    #[cfg(any(test, feature = "_fuzzing"))]
    pub(crate) fn held(&self) -> usize {
        self.received.held()
    }

    /// The memory behind it, with what buffers have in reserve.
    #[cfg(any(test, feature = "_fuzzing"))]
    pub(crate) fn footprint(&self) -> usize {
        self.received.footprint()
    }

    /// The mutant that every test of "at most once" must find.
    #[cfg(test)]
    pub(crate) fn deliver_duplicates(&mut self) {
        self.received.deliver_duplicates();
    }

    // ---- below: datagrams that come ----------------------------------------------------------------------------------

    /// One datagram, of any kind and from anywhere; what is not for this session is ignored.
    pub(crate) fn handle_datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        if self.end.is_some() {
            return;
        }
        match Datagram::read(datagram) {
            Some(Datagram::Packet {
                session,
                number,
                chunks,
            }) if session == self.id => self.handle_packet(from, number, chunks, datagram.len(), now),
            Some(Datagram::Reset { session }) if session == self.id && self.role == Role::Client => {
                self.end = Some(End::Reset);
            }
            _ => {}
        }
    }

    fn handle_packet(&mut self, from: SocketAddr, number: u64, mut chunks: &[u8], length: usize, now: Instant) {
        if self.received.suppresses() && self.numbers.contains(number) {
            // What acknowledged it may have been lost. What asks for nothing gets nothing: else two sides would acknowledge each
            // other's acknowledgements for as long as the network repeats them.
            if elicits(chunks) {
                self.owe_acknowledgement(true, now);
            }
            return;
        }
        let newest = self.largest.is_none_or(|(largest, _)| number > largest);
        if newest {
            let token = self.tokens.u64(..);
            self.path.heard(from, length, token, now);
        }
        let (mut elicits, mut refused) = (false, false);
        loop {
            let chunk = match Chunk::take(&mut chunks) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(chunk::Malformed) => return self.broken("a malformed packet"),
            };
            elicits |= chunk.elicits();
            match self.handle_chunk(from, chunk, now) {
                Ok(()) => {}
                // What follows may be what it waits for.
                Err(Refused::Later) => refused = true,
                Err(Refused::Broken(what)) => return self.broken(what),
            }
        }
        if refused {
            // As if the datagram had been lost: what is in it comes again.
            return;
        }
        let in_order = self.largest.map_or(number == 0, |(largest, _)| number == largest + 1);
        if newest {
            self.largest = Some((number, now));
        }
        self.numbers.insert(number..number + 1);
        self.numbers.keep_highest(RANGES);
        if elicits {
            self.owe_acknowledgement(!in_order, now);
        }
    }

    fn handle_chunk(&mut self, from: SocketAddr, chunk: Chunk<'_>, now: Instant) -> Result<(), Refused> {
        match chunk {
            Chunk::Data {
                lane,
                offset,
                after,
                bytes,
            } => self.received.take(lane, offset, after, bytes)?,
            Chunk::Ack(ack) => self
                .recovery
                .acknowledge(ack.ranges(), ack.delay, self.limited, &mut self.state, now)
                .map_err(|_| Refused::Broken("an acknowledgement of what was not sent"))?,
            Chunk::Ping => {}
            Chunk::Challenge(token) => self.response = Some(token),
            Chunk::Response(token) => {
                if self.path.responded(from, token) {
                    self.state.moved();
                    // What went to the old address is lost.
                    self.probes = 1;
                }
            }
            Chunk::Close => self.end = Some(End::Closed),
        }
        Ok(())
    }

    fn broken(&mut self, what: &'static str) {
        self.end = Some(End::Broken(what));
    }

    /// The peer is to hear of a datagram, at once or soon.
    fn owe_acknowledgement(&mut self, at_once: bool, now: Instant) {
        self.unacknowledged += if at_once { ACK_EVERY } else { 1 };
        self.acknowledge_by.get_or_insert(now + MAX_ACK_DELAY);
    }

    // ---- time --------------------------------------------------------------------------------------------------------

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.end.is_some() {
            return None;
        }
        let sending = earlier(self.recovery.poll_timeout(&self.state), self.paced);
        earlier(sending, self.acknowledge_by)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        // Those of an earlier timeout may wait for the socket still.
        self.probes = self.recovery.handle_timeout(&mut self.state, now).max(self.probes);
        if self.paced.is_some_and(|paced| paced <= now) {
            self.paced = None;
        }
        if self.acknowledge_by.is_some_and(|by| by <= now) {
            self.unacknowledged = self.unacknowledged.max(ACK_EVERY);
        }
    }

    /// The system refused a datagram of this size (EMSGSIZE).
    pub(crate) fn handle_too_big(&mut self, size: usize, now: Instant) {
        self.state.refused(size, now);
    }

    // ---- below: datagrams that go ------------------------------------------------------------------------------------

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
            let room = end - out.len();
            let fits = chunk::data_fits(room, segment.lane, segment.offset, segment.after(), segment.bytes.len());
            let sent = if fits == segment.bytes.len() {
                segment
            } else {
                let sent = segment.split_to(fits);
                self.put_back(segment, again);
                if fits == 0 {
                    break;
                }
                sent
            };
            chunk::put_data(out, sent.lane, sent.offset, sent.after(), &sent.bytes);
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

    /// The oldest bytes once more, or just a question; `onward` the next ones, where there are any. A peer that is short of memory
    /// may refuse the oldest until a frame of which it has the beginning has come to its end.
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
        let oldest = if segments.is_empty() {
            self.recovery.oldest(mtu)
        } else {
            Vec::new()
        };
        for mut segment in oldest {
            let room = mtu - out.len();
            let fits = chunk::data_fits(room, segment.lane, segment.offset, segment.after(), segment.bytes.len());
            if fits == 0 && !segment.bytes.is_empty() {
                break;
            }
            let sent = segment.split_to(fits);
            chunk::put_data(out, sent.lane, sent.offset, sent.after(), &sent.bytes);
            segments.push(sent);
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

/// Whether a packet asks to be acknowledged.
fn elicits(mut chunks: &[u8]) -> bool {
    while let Ok(Some(chunk)) = Chunk::take(&mut chunks) {
        if chunk.elicits() {
            return true;
        }
    }
    false
}
