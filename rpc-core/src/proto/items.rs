//! How items are written on the wire: one after another, each after four bytes with its length, whose top bit says that
//! the item carries something.

use bytes::Bytes;

/// The bytes in front of each item.
pub(crate) const ITEM_HEADER: usize = 4;
/// The bit of an item's length that says that a list came before it.
const CARRIES: u32 = 1 << 31;
/// The longest item: its length has 31 bits.
pub(crate) const MAX_ITEM: usize = (CARRIES - 1) as usize;

/// What stands in front of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ItemHeader {
    /// At most [`MAX_ITEM`]; the sender checks that.
    pub(crate) length: usize,
    /// A list came before the item.
    pub(crate) carries: bool,
}

impl ItemHeader {
    #[inline]
    pub(crate) fn encode(self) -> [u8; ITEM_HEADER] {
        let carries = if self.carries { CARRIES } else { 0 };
        (self.length as u32 & !CARRIES | carries).to_le_bytes()
    }

    #[inline]
    pub(crate) fn decode(bytes: [u8; ITEM_HEADER]) -> Self {
        let header = u32::from_le_bytes(bytes);
        Self {
            length: (header & !CARRIES) as usize,
            carries: header & CARRIES != 0,
        }
    }
}

/// One whole item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireItem<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) carries: bool,
}

/// Takes one whole item after another off what came.
#[derive(Debug)]
pub(crate) struct ItemReader {
    bytes: Bytes,
    position: usize,
}

impl ItemReader {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next item; `None` when no whole one is left.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<WireItem<'_>> {
        let (header, rest) = self.bytes.get(self.position..)?.split_first_chunk()?;
        let ItemHeader { length, carries } = ItemHeader::decode(*header);
        let bytes = rest.get(..length)?;
        self.position += ITEM_HEADER + length;
        Some(WireItem { bytes, carries })
    }

    /// Skips all items but the last one.
    pub(crate) fn skip_to_last(&mut self) {
        let mut last = self.position;
        while self.next().is_some() && !self.is_over() {
            last = self.position;
        }
        self.position = last;
    }

    /// Whether all items were taken.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.position == self.bytes.len()
    }
}

/// Items on their way out. An item that has begun and not ended is not one of them.
#[derive(Debug, Default)]
pub(crate) struct ItemWriter {
    buffer: Vec<u8>,
    /// The bytes of whole items.
    whole: usize,
}

impl ItemWriter {
    /// The bytes of whole items.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.whole
    }

    /// The whole items, as they go on the wire.
    pub(crate) fn items(&self) -> &[u8] {
        &self.buffer[..self.whole]
    }

    /// Begins an item, which is to be appended; one that does not end is to be [cut off](Self::cut_off).
    #[inline]
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        self.buffer.extend_from_slice(&[0; ITEM_HEADER]);
        &mut self.buffer
    }

    /// The bytes of the item that has begun.
    #[inline]
    pub(crate) fn begun(&self) -> &[u8] {
        &self.buffer[self.whole + ITEM_HEADER..]
    }

    /// Ends the item that has begun: it is the last one, and carries nothing.
    #[inline]
    pub(crate) fn end(&mut self) {
        let item = &mut self.buffer[self.whole..];
        let header = ItemHeader {
            length: item.len() - ITEM_HEADER,
            carries: false,
        };
        item[..ITEM_HEADER].copy_from_slice(&header.encode());
        self.whole = self.buffer.len();
    }

    /// Takes back what has begun and not ended.
    pub(crate) fn cut_off(&mut self) {
        self.buffer.truncate(self.whole);
    }

    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.whole = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(items: &[&[u8]]) -> Bytes {
        let mut writer = ItemWriter::default();
        for item in items {
            writer.begin().extend_from_slice(item);
            writer.end();
        }
        writer.begin().extend_from_slice(b"cut off");
        Bytes::copy_from_slice(writer.items())
    }

    #[test]
    fn items_are_read_as_they_were_written_without_one_that_never_ended() {
        let items: [&[u8]; 3] = [b"first", b"", b"third"];
        let mut reader = ItemReader::new(written(&items));
        for bytes in items {
            assert!(!reader.is_over());
            assert_eq!(reader.next(), Some(WireItem { bytes, carries: false }));
        }
        assert!(reader.is_over());
        assert_eq!(reader.next(), None);
    }

    #[test]
    fn the_last_item_is_found_wherever_reading_is() {
        for taken in 0..3 {
            let mut reader = ItemReader::new(written(&[b"first", b"second", b""]));
            for _ in 0..taken {
                assert!(reader.next().is_some());
            }
            reader.skip_to_last();
            assert_eq!(reader.next().map(|item| item.bytes), Some(&b""[..]));
            assert!(reader.is_over());
        }
    }

    #[test]
    fn a_header_has_the_length_below_the_bit_of_the_list() {
        for (header, bytes) in [((5, false), [5, 0, 0, 0]), ((MAX_ITEM, true), [0xff; 4])] {
            let (length, carries) = header;
            assert_eq!(ItemHeader { length, carries }.encode(), bytes);
            assert_eq!(ItemHeader::decode(bytes), ItemHeader { length, carries });
        }
    }
}
