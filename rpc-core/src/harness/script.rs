//! Bytes as a sequence of decisions.

/// Bytes that are taken one decision at a time.
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next byte, while there is one.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A number below `limit`, or 0 at the end.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte().unwrap_or(0)) % limit.max(1)
    }

    /// Mostly small lengths and some up to `most`.
    pub(crate) fn length(&mut self, most: usize) -> usize {
        let byte = self.below(256);
        let scale = [1, 1, 16, 257, 3000][self.below(5)];
        (byte * scale).min(most)
    }

    /// All that is left, to be taken nevertheless.
    pub(crate) fn peek(&self) -> &'a [u8] {
        self.0
    }

    /// All that is left, as it is.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next bytes themselves.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}
