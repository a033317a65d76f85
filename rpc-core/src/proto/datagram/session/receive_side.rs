//! What has come to a session, and the acknowledgements that it owes.

use std::time::{Duration, Instant};

use super::{LEAST_WINDOW, Role};
use crate::proto::datagram::{
    chunk,
    lanes::{Budget, Reassembly},
    ranges::Ranges,
    recovery::MAX_ACK_DELAY,
};

/// The ranges of received numbers that are remembered. What is older than all of them counts as received.
const RANGES: usize = 256;
/// How many datagrams may come before they are acknowledged.
const ACK_EVERY: u32 = 2;

/// What has come to a session, and the acknowledgements that it owes.
#[derive(Debug)]
pub(super) struct ReceiveSide {
    pub(super) lanes: Reassembly,
    numbers: Ranges,
    /// The highest number that was taken, and the highest that came, even if its packet was refused.
    largest: Option<(u64, Instant)>,
    heard: Option<(u64, Instant)>,
    /// Datagrams that wait for an acknowledgement, and until when it may.
    unacknowledged: u32,
    acknowledge_by: Option<Instant>,
    /// The challenge that is to be answered.
    pub(super) challenge: Option<u64>,
}

impl ReceiveSide {
    pub(super) fn new(sender: Role, budget: Budget, window: u32) -> Self {
        Self {
            lanes: Reassembly::new(sender, budget, window.max(LEAST_WINDOW) as usize),
            numbers: Ranges::default(),
            largest: None,
            heard: None,
            unacknowledged: 0,
            acknowledge_by: None,
            challenge: None,
        }
    }

    /// Whether a packet with this number was taken before.
    pub(super) fn knows(&self, number: u64) -> bool {
        self.lanes.suppresses() && self.numbers.contains(number)
    }

    /// Whether this number is higher than that of any packet that was taken.
    pub(super) fn is_newest(&self, number: u64) -> bool {
        self.largest.is_none_or(|(largest, _)| number > largest)
    }

    /// A packet came, whether it is taken or not.
    pub(super) fn handle_heard(&mut self, number: u64, now: Instant) {
        if self.heard.is_none_or(|(highest, _)| number > highest) {
            self.heard = Some((number, now));
        }
    }

    /// When the newest packet came.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.heard.map(|(_, at)| at)
    }

    /// A packet was taken; `elicits` if it must be acknowledged.
    pub(super) fn handle_taken(&mut self, number: u64, elicits: bool, now: Instant) {
        let in_order = self.largest.map_or(number == 0, |(largest, _)| number == largest + 1);
        if self.is_newest(number) {
            self.largest = Some((number, now));
        }
        self.numbers.insert(number..number + 1);
        self.numbers.keep_highest(RANGES);
        if elicits {
            self.owe_acknowledgement(!in_order, now);
        }
    }

    /// A datagram must be acknowledged, at once or soon.
    pub(super) fn owe_acknowledgement(&mut self, at_once: bool, now: Instant) {
        self.unacknowledged += if at_once { ACK_EVERY } else { 1 };
        self.acknowledge_by.get_or_insert(now + MAX_ACK_DELAY);
    }

    /// Whether something is owed that does not wait for data.
    pub(super) fn owes_at_once(&self) -> bool {
        self.unacknowledged >= ACK_EVERY || self.challenge.is_some()
    }

    /// Appends what is owed: the acknowledgement, and the response to a challenge.
    pub(super) fn put_owed(&mut self, out: &mut Vec<u8>, now: Instant) {
        if self.unacknowledged > 0 {
            let delay = self
                .largest
                .map_or(Duration::ZERO, |(_, at)| now.saturating_duration_since(at));
            chunk::put_ack(out, &self.numbers, delay);
            self.unacknowledged = 0;
            self.acknowledge_by = None;
        }
        if let Some(token) = self.challenge.take() {
            chunk::put_response(out, token);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.acknowledge_by
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.acknowledge_by.is_some_and(|by| by <= now) {
            self.unacknowledged = self.unacknowledged.max(ACK_EVERY);
        }
    }
}
