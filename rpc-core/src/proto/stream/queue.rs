//! What a sender has queued: bytes of items, and the lists that some of them carry, in order.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use thin_vec::ThinVec;

use crate::proto::{
    Attachment, Body,
    attachment::list_len,
    body::COPIED,
    frame::{Kind, PIECE, put_header},
    items::{ITEM_HEADER, ItemHeader},
    writer::Writer,
};

/// A run of bytes, or a list.
#[derive(Debug)]
enum QueueEntry {
    Items(Bytes),
    List(ThinVec<Attachment>),
}

/// What is to go next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextPiece {
    Nothing,
    /// A list that costs this many bytes.
    List(usize),
    /// This many bytes of items, a piece at most.
    Items(usize),
}

#[derive(Debug, Default)]
pub(in crate::proto) struct SendQueue {
    segments: VecDeque<QueueEntry>,
    /// Small items behind the segments.
    tail: BytesMut,
    /// The bytes of items.
    length: usize,
    /// The bytes of what was queued last.
    last: usize,
}

impl SendQueue {
    /// The bytes of items that wait.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(in crate::proto) fn push(&mut self, list: &[Attachment], body: Body<'_>) {
        let carries = !list.is_empty();
        if carries {
            self.seal();
            self.segments.push_back(QueueEntry::List(list.into()));
        }
        let length = body.len();
        self.tail.extend_from_slice(&ItemHeader { length, carries }.encode());
        match body {
            Body::Small(bytes) => self.tail.extend_from_slice(bytes),
            Body::Large { before, bytes } => {
                self.tail.extend_from_slice(before);
                if !bytes.is_empty() {
                    self.seal();
                    self.segments.push_back(QueueEntry::Items(bytes));
                }
            }
        }
        // What carries something is never replaced: its streams are open already.
        self.last = if carries { 0 } else { ITEM_HEADER + length };
        self.length += ITEM_HEADER + length;
    }

    /// Appends items of an [`ItemWriter`](crate::proto::ItemWriter).
    pub(in crate::proto) fn push_encoded(&mut self, items: &[u8]) {
        self.tail.extend_from_slice(items);
        self.last = items.len();
        self.length += items.len();
    }

    /// Takes back what was queued last, if nothing of it has left.
    pub(in crate::proto) fn pop_last(&mut self) {
        let mut rest = std::mem::take(&mut self.last);
        if rest > self.length {
            return;
        }
        self.length -= rest;
        let kept = self.tail.len().saturating_sub(rest);
        rest -= self.tail.len() - kept;
        self.tail.truncate(kept);
        while rest > 0
            && let Some(QueueEntry::Items(bytes)) = self.segments.back_mut()
        {
            let kept = bytes.len().saturating_sub(rest);
            rest -= bytes.len() - kept;
            bytes.truncate(kept);
            if kept == 0 {
                self.segments.pop_back();
            }
        }
    }

    /// Drops all items and gives their lists, which must still go.
    pub(super) fn drain(&mut self) -> Vec<ThinVec<Attachment>> {
        let all = std::mem::take(self);
        let list = |segment| match segment {
            QueueEntry::List(list) => Some(list),
            QueueEntry::Items(_) => None,
        };
        all.segments.into_iter().filter_map(list).collect()
    }

    pub(super) fn next(&self) -> NextPiece {
        let mut run = 0;
        for segment in &self.segments {
            match segment {
                QueueEntry::List(list) if run == 0 => return NextPiece::List(list_len(list)),
                QueueEntry::Items(bytes) if run + bytes.len() < PIECE => run += bytes.len(),
                QueueEntry::List(_) => return NextPiece::Items(run),
                QueueEntry::Items(_) => return NextPiece::Items(PIECE),
            }
        }
        match (run + self.tail.len()).min(PIECE) {
            0 => NextPiece::Nothing,
            run => NextPiece::Items(run),
        }
    }

    /// The list that is to go next.
    pub(super) fn take_list(&mut self) -> Option<ThinVec<Attachment>> {
        match self.segments.pop_front()? {
            QueueEntry::List(list) => Some(list),
            items @ QueueEntry::Items(_) => {
                self.segments.push_front(items);
                None
            }
        }
    }

    /// Writes a frame with the next `length` bytes, as [`next`](Self::next) allows.
    pub(super) fn write(
        &mut self,
        length: usize,
        id: u32,
        more: bool,
        writer: &mut Writer,
        chunks: &mut VecDeque<Bytes>,
    ) {
        put_header(writer.small(), Kind::Items, more, id, length);
        self.length -= length;
        let mut rest = length;
        while rest > 0
            && let Some(QueueEntry::Items(bytes)) = self.segments.front_mut()
        {
            let piece = bytes.split_to(rest.min(bytes.len()));
            if bytes.is_empty() {
                self.segments.pop_front();
            }
            rest -= piece.len();
            if piece.len() <= COPIED {
                writer.small().extend_from_slice(&piece);
            } else {
                writer.hand_over(chunks, piece);
            }
        }
        if rest > COPIED {
            writer.hand_over(chunks, self.tail.split_to(rest).freeze());
        } else {
            writer.small().extend_from_slice(&self.tail[..rest]);
            self.tail.advance(rest);
        }
    }

    /// Ends the tail: what comes next is no part of it.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.segments.push_back(QueueEntry::Items(self.tail.split().freeze()));
        }
    }
}
