//! Datagrams that come.

use core::net::SocketAddr;
use std::time::Instant;

use super::{ACK_EVERY, End, Session};
use crate::proto::datagram::{
    Role,
    chunk::{self, Chunk},
    lanes::Refused,
    packet::Datagram,
    recovery::MAX_ACK_DELAY,
};

/// The ranges of received numbers that are remembered. What is older than all of them counts as received.
const RANGES: usize = 256;

impl Session {
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
            // What acknowledged it may have been lost. What asks for nothing gets nothing: else two sides would
            // acknowledge each other's acknowledgements for as long as the network repeats them.
            if elicits(chunks) {
                self.owe_acknowledgement(true, now);
            }
            return;
        }
        let newest = self.largest.is_none_or(|(largest, _)| number > largest);
        if newest {
            self.path.heard(from, length, || self.tokens.u64(..), now);
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
        if self.heard.is_none_or(|(highest, _)| number > highest) {
            self.heard = Some((number, now));
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

    pub(super) fn broken(&mut self, what: &'static str) {
        self.end = Some(End::Broken(what));
    }

    /// The peer is to hear of a datagram, at once or soon.
    fn owe_acknowledgement(&mut self, at_once: bool, now: Instant) {
        self.unacknowledged += if at_once { ACK_EVERY } else { 1 };
        self.acknowledge_by.get_or_insert(now + MAX_ACK_DELAY);
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
