//! A message that arrives in pieces.

use bytes::{Bytes, BytesMut};

use super::Violation;

/// A message that arrives in pieces. Its memory follows what has come, never what was announced.
#[derive(Debug)]
pub(crate) struct Assembly {
    total: usize,
    arrived: usize,
    body: BytesMut,
}

impl Assembly {
    /// A message of `total` bytes.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            arrived: 0,
            body: BytesMut::new(),
        }
    }

    /// The announced length.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// How much of it has come.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.body.capacity()
    }

    /// Appends a piece; returns the whole message with the last piece.
    pub(crate) fn push(&mut self, piece: &[u8], more: bool) -> Result<Option<Bytes>, Violation> {
        if piece.len() > self.total - self.body.len() {
            return Err(Violation::new("more of a message than it announced"));
        }
        if piece.is_empty() && more {
            return Err(Violation::new("an empty piece of a message"));
        }
        if self.body.capacity() - self.body.len() < piece.len() {
            // Doubling what is there bounds the memory by twice what has come.
            self.body
                .reserve(piece.len().max(self.body.len()).min(self.total - self.body.len()));
        }
        self.body.extend_from_slice(piece);
        self.arrived += piece.len();
        if more {
            return Ok(None);
        }
        if self.body.len() < self.total {
            return Err(Violation::new("less of a message than it announced"));
        }
        Ok(Some(std::mem::take(&mut self.body).freeze()))
    }
}
