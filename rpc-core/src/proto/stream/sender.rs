//! The end of a stream that sends.

use std::collections::VecDeque;

use bytes::Bytes;
use thin_vec::ThinVec;

use super::queue::{NextPiece, SendQueue};
use crate::{
    Error,
    proto::{Attachment, Violation, frame::PIECE, writer::Writer},
};

/// The end of a stream that sends.
#[derive(Debug, Default)]
pub(in crate::proto) struct SendHalf {
    pub(super) queue: SendQueue,
    /// The bytes that the receiver still takes.
    credit: u32,
    /// Why the receiver takes no more.
    pub(in crate::proto) stopped: Option<Error>,
    /// Its user waits, because there was no room.
    waits: bool,
    /// It has its place in the circle of turns.
    pub(super) has_turn: bool,
}

/// What comes next on a stream.
#[derive(Debug)]
pub(super) enum TurnOutcome {
    /// Nothing: all is gone, or the credit.
    Over,
    /// A list leaves.
    List(ThinVec<Attachment>),
    /// A piece has left.
    Piece,
}

impl SendHalf {
    pub(super) fn new(credit: u32) -> Self {
        Self {
            credit,
            ..Self::default()
        }
    }

    pub(in crate::proto) fn queue(&mut self) -> &mut SendQueue {
        &mut self.queue
    }

    /// Whether one more item, or batch, may be queued. If not, the user waits for room from then on.
    pub(in crate::proto) fn has_room(&mut self) -> bool {
        let room = self.queue.len() < PIECE;
        self.waits = !room;
        room
    }

    /// Whether its user waited for what there is now.
    pub(in crate::proto) fn wake(&mut self) -> bool {
        let wakes = self.waits && self.queue.len() < PIECE;
        self.waits &= !wakes;
        wakes
    }

    /// The receiver takes `more` bytes.
    pub(in crate::proto) fn add_credit(&mut self, more: u32) -> Result<(), Violation> {
        let Some(credit) = self.credit.checked_add(more) else {
            return Err(Violation::new("more credit than a stream can have"));
        };
        self.credit = credit;
        Ok(())
    }

    /// The receiver takes no more: what waits is dropped except for its lists.
    pub(in crate::proto) fn stop(&mut self, why: Error) -> Vec<ThinVec<Attachment>> {
        self.stopped = Some(why);
        self.waits = false;
        self.queue.drain()
    }

    /// Whether a turn would take something.
    pub(super) fn is_ready(&self) -> bool {
        match self.queue.next() {
            NextPiece::Nothing => false,
            NextPiece::List(cost) => cost <= self.credit as usize,
            NextPiece::Items(_) => self.credit > 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.next() == NextPiece::Nothing
    }

    /// Writes a piece, or gives the list that goes before it.
    pub(super) fn take(&mut self, id: u32, writer: &mut Writer, chunks: &mut VecDeque<Bytes>) -> TurnOutcome {
        match self.queue.next() {
            NextPiece::Items(run) if self.credit > 0 => {
                let length = run.min(self.credit as usize);
                self.credit -= length as u32;
                let more = length < self.queue.len() && self.credit == 0;
                self.queue.write(length, id, more, writer, chunks);
                TurnOutcome::Piece
            }
            NextPiece::List(cost) if cost <= self.credit as usize => {
                self.credit -= cost as u32;
                self.queue.take_list().map_or(TurnOutcome::Over, TurnOutcome::List)
            }
            _ => TurnOutcome::Over,
        }
    }
}
