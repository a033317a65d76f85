//! Datagrams that come.

use core::net::SocketAddr;
use std::time::Instant;

use super::{Session, SessionEnd};
use crate::proto::datagram::{
    Role,
    chunk::{self, Chunk},
    lanes::Rejection,
    packet::Datagram,
};

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
                self.end = Some(SessionEnd::Reset);
            }
            _ => {}
        }
    }

    fn handle_packet(&mut self, from: SocketAddr, number: u64, mut chunks: &[u8], length: usize, now: Instant) {
        if self.receiving.knows(number) {
            // Its acknowledgement may have been lost. A packet that needs no acknowledgement gets none: otherwise
            // two sides would acknowledge each other's acknowledgements as long as the network repeats them.
            if elicits(chunks) {
                self.receiving.owe_acknowledgement(true, now);
            }
            return;
        }
        if self.receiving.is_newest(number) {
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
                Err(Rejection::Later) => refused = true,
                Err(Rejection::Broken(what)) => return self.broken(what),
            }
        }
        self.receiving.handle_heard(number, now);
        if refused {
            // As if the datagram had been lost: what is in it comes again.
            return;
        }
        self.receiving.handle_taken(number, elicits, now);
    }

    fn handle_chunk(&mut self, from: SocketAddr, chunk: Chunk<'_>, now: Instant) -> Result<(), Rejection> {
        match chunk {
            Chunk::Data {
                lane,
                offset,
                after,
                bytes,
            } => self.receiving.lanes.take(lane, offset, after, bytes)?,
            Chunk::Ack(ack) => self
                .sending
                .recovery
                .acknowledge(ack.ranges(), ack.delay, self.sending.limited, &mut self.state, now)
                .map_err(|_| Rejection::Broken("an acknowledgement of what was not sent"))?,
            Chunk::Ping => {}
            Chunk::Challenge(token) => self.receiving.challenge = Some(token),
            Chunk::Response(token) => {
                if self.path.responded(from, token) {
                    self.state.moved();
                    // What went to the old address is lost.
                    self.sending.probes = 1;
                }
            }
            Chunk::Close => self.end = Some(SessionEnd::Closed),
        }
        Ok(())
    }

    pub(super) fn broken(&mut self, what: &'static str) {
        self.end = Some(SessionEnd::Broken(what));
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
