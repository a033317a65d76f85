//! Entries for the targets in `fuzz/`. No part of the API: anything here may change or go at any time.

use std::time::Instant;

use crate::proto::{datagram::fuzzing as datagrams, fuzzing};

/// Reads `data` as frames with everything that can stand in them.
pub fn frames(data: &[u8]) {
    fuzzing::frames(data);
}

/// Reads `data` as the hello of either side.
pub fn handshake(data: &[u8]) {
    fuzzing::handshake(data);
}

/// Runs `data` as a script of what happens to a connection, with an honest peer or with one that sends anything.
pub fn connection(data: &[u8]) {
    fuzzing::connection(data, Instant::now());
}

/// Reads `data` as a datagram, or runs it as a script of what happens to sessions of datagrams.
pub fn datagram(data: &[u8]) {
    datagrams::run(data, Instant::now());
}
