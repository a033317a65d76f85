//! Where items begin and end.

use crate::proto::items::{ITEM_HEADER, ItemHeader};

/// Finds the items in bytes that come cut anywhere.
#[derive(Debug, Default)]
pub(super) struct ItemWalk {
    header: [u8; ITEM_HEADER],
    filled: usize,
    /// What is still to come of the item whose header is complete.
    rest: Option<usize>,
}

/// What was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemStep {
    /// An item begins.
    Began(ItemHeader),
    /// The item ends.
    Ended,
}

impl ItemWalk {
    /// Whether the next byte begins an item.
    pub(super) fn is_between(&self) -> bool {
        self.rest.is_none() && self.filled == 0
    }

    /// Takes `bytes` up to the next step; `None` when they are used up before.
    pub(super) fn step(&mut self, bytes: &mut &[u8]) -> Option<ItemStep> {
        let Some(rest) = self.rest else {
            let header = self.header(bytes)?;
            self.rest = Some(header.length);
            return Some(ItemStep::Began(header));
        };
        let taken = rest.min(bytes.len());
        *bytes = &bytes[taken..];
        self.rest = (taken < rest).then_some(rest - taken);
        self.rest.is_none().then_some(ItemStep::Ended)
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Option<ItemHeader> {
        if self.filled == 0
            && let Some((header, rest)) = bytes.split_first_chunk()
        {
            *bytes = rest;
            return Some(ItemHeader::decode(*header));
        }
        let taken = bytes.len().min(ITEM_HEADER - self.filled);
        let (head, rest) = bytes.split_at(taken);
        self.header[self.filled..self.filled + taken].copy_from_slice(head);
        self.filled += taken;
        *bytes = rest;
        if self.filled < ITEM_HEADER {
            return None;
        }
        self.filled = 0;
        Some(ItemHeader::decode(self.header))
    }
}
