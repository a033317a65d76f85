//! The address of a session's peer.
//!
//! A session is known by its id, so it goes on when a NAT gives its client another port. Datagrams from a new address
//! are taken, but only a challenge is sent there until its response came from there: otherwise one forged datagram
//! would send a server's answers to a stranger.

use core::net::SocketAddr;
use std::time::Instant;

use super::{chunk::TOKEN_CHUNK, packet::PACKET_HEADER, recovery::MAX_ACK_DELAY};

/// The length of a challenge.
const CHALLENGE: usize = PACKET_HEADER + TOKEN_CHUNK;
/// How many bytes may be sent to an address that is not proved, for each byte that came from there.
const AMPLIFICATION: usize = 3;

/// Where the peer is, and where it may be.
#[derive(Debug)]
pub(super) struct Path {
    peer: SocketAddr,
    candidate: Option<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    address: SocketAddr,
    token: u64,
    received: usize,
    sent: usize,
    challenged: Option<Instant>,
    due: bool,
}

impl Path {
    pub(super) fn new(peer: SocketAddr) -> Self {
        Self { peer, candidate: None }
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The newest datagram so far, `length` bytes long, came from `from`; `token` makes one that cannot be guessed.
    pub(super) fn heard(&mut self, from: SocketAddr, length: usize, token: impl FnOnce() -> u64, now: Instant) {
        if from == self.peer {
            return;
        }
        if self
            .candidate
            .as_ref()
            .is_none_or(|candidate| candidate.address != from)
        {
            self.candidate = Some(Candidate {
                address: from,
                token: token(),
                received: 0,
                sent: 0,
                challenged: None,
                due: false,
            });
        }
        if let Some(candidate) = &mut self.candidate {
            candidate.received += length;
            // One challenge for a burst; the next datagrams ask again if it is lost.
            candidate.due |= candidate
                .challenged
                .is_none_or(|at| now.saturating_duration_since(at) > MAX_ACK_DELAY);
        }
    }

    /// The challenge to be sent now, and where to.
    pub(super) fn poll_challenge(&mut self, now: Instant) -> Option<(SocketAddr, u64)> {
        let candidate = self.candidate.as_mut().filter(|candidate| candidate.due)?;
        if candidate.sent + CHALLENGE > candidate.received * AMPLIFICATION {
            return None;
        }
        candidate.due = false;
        candidate.challenged = Some(now);
        candidate.sent += CHALLENGE;
        Some((candidate.address, candidate.token))
    }

    /// A response came from `from`; returns whether the peer has moved there.
    pub(super) fn responded(&mut self, from: SocketAddr, token: u64) -> bool {
        let proved = self
            .candidate
            .as_ref()
            .is_some_and(|candidate| candidate.address == from && candidate.token == token);
        if proved {
            self.peer = from;
            self.candidate = None;
        }
        proved
    }
}
