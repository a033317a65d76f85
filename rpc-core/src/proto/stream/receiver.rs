//! The end of a stream that receives.
//!
//! All positions count the bytes of items and lists from the beginning of the stream:
//!
//! ```text
//!   used up ≤ handed out ≤ whole ≤ received ≤ granted ≤ used up + window + lent
//! ```

use std::collections::VecDeque;

use bytes::BytesMut;
use thin_vec::ThinVec;

use super::{
    budget::Budget,
    walk::{LENGTH, Step, Walk},
};
use crate::{
    Error,
    proto::{Attachment, StreamId, Violation, connection::Batch},
};

/// How windows begin and how far they grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) first: usize,
    pub(super) most: usize,
}

/// The end of a stream that receives.
#[derive(Debug)]
pub(in crate::proto) struct Receiver {
    windows: Windows,
    window: usize,
    /// What an item that is longer than the window has beyond it, until this position is used up.
    lent: usize,
    lent_until: u64,
    /// It waits for the budget.
    waits_for_room: bool,
    used: u64,
    handed: u64,
    whole: u64,
    received: u64,
    granted: u64,
    /// What came and was not handed out; the first `ready` bytes are whole items.
    arrived: BytesMut,
    ready: usize,
    walk: Walk,
    /// What the item that has begun costs as far as it is known, its list included.
    begun: usize,
    /// The list of the item that comes next, or has begun.
    list: Option<ThinVec<Attachment>>,
    /// The lists of whole items.
    lists: VecDeque<ThinVec<Attachment>>,
    /// The sender waits for credit.
    starved: bool,
    /// The sender's last word.
    pub(in crate::proto) end: Option<Result<(), Error>>,
    /// Its user was told that there is nothing.
    pub(in crate::proto) waits: bool,
}

impl Receiver {
    pub(super) fn new(windows: Windows) -> Self {
        Self {
            windows,
            window: windows.first,
            lent: 0,
            lent_until: 0,
            waits_for_room: false,
            used: 0,
            handed: 0,
            whole: 0,
            received: 0,
            granted: windows.first as u64,
            arrived: BytesMut::new(),
            ready: 0,
            walk: Walk::default(),
            begun: 0,
            list: None,
            lists: VecDeque::new(),
            starved: false,
            end: None,
            waits: false,
        }
    }

    /// Whether its user waited for what there is now.
    pub(in crate::proto) fn wake(&mut self) -> bool {
        let wakes = self.waits && (self.ready > 0 || self.end.is_some());
        self.waits &= !wakes;
        wakes
    }

    /// The credit that this side gives without being asked.
    pub(in crate::proto) fn first_credit(&self) -> u32 {
        self.windows.first as u32
    }

    #[cfg(any(test, feature = "_fuzzing"))]
    pub(in crate::proto) fn held(&self) -> usize {
        self.arrived.len()
    }

    /// Counts what came against what was granted.
    pub(in crate::proto) fn count(&mut self, length: usize) -> Result<(), Violation> {
        self.received += length as u64;
        if self.received > self.granted {
            return Err(Violation::new("more of a stream than it had credit for"));
        }
        Ok(())
    }

    /// Takes bytes of items, which were counted.
    pub(in crate::proto) fn arrive(
        &mut self,
        payload: &[u8],
        more: bool,
        check: impl Fn(usize) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        self.starved = more;
        let mut rest = payload;
        let before = self.arrived.len();
        let at = |rest: &[u8]| payload.len() - rest.len();
        while let Some(step) = self.walk.step(&mut rest) {
            match step {
                Step::Began { length, carries } => {
                    check(length)?;
                    if carries != self.list.is_some() {
                        return Err(Violation::new("an item without its list, or a list without its item"));
                    }
                    self.begun += LENGTH + length;
                }
                Step::Ended => {
                    self.begun = 0;
                    if let Some(list) = self.list.take() {
                        self.lists.push_back(list);
                    }
                    self.ready = before + at(rest);
                    self.whole = self.received - rest.len() as u64;
                }
            }
        }
        self.arrived.extend_from_slice(payload);
        Ok(())
    }

    /// Takes the list of the next item, which was counted and cost `length` bytes.
    pub(in crate::proto) fn arrive_list(&mut self, list: ThinVec<Attachment>, length: usize) -> Result<(), Violation> {
        if self.list.is_some() || !self.walk.is_between() {
            return Err(Violation::new("a list within an item, or two for one"));
        }
        self.list = Some(list);
        self.begun = length;
        Ok(())
    }

    /// Whether an item, or its list, has begun and not ended.
    pub(in crate::proto) fn is_within(&self) -> bool {
        self.list.is_some() || !self.walk.is_between()
    }

    /// What was handed out is used up; gives the whole items that came since.
    pub(in crate::proto) fn take(&mut self) -> Option<Batch> {
        self.use_up();
        if self.ready == 0 {
            return None;
        }
        self.handed = self.whole;
        Some(Batch {
            items: self.arrived.split_to(std::mem::take(&mut self.ready)).freeze(),
            attachments: std::mem::take(&mut self.lists),
            borrowed: self.lent > 0 && self.handed >= self.lent_until,
        })
    }

    /// What was handed out is used up.
    pub(in crate::proto) fn use_up(&mut self) {
        self.used = self.handed;
    }

    /// The lists that nobody takes, in order.
    pub(in crate::proto) fn drain(&mut self) -> Vec<ThinVec<Attachment>> {
        self.arrived = BytesMut::new();
        self.ready = 0;
        self.lists.drain(..).chain(self.list.take()).collect()
    }

    /// Whether what has begun cannot end with the credit that was given: its receiver waits for all of it, and asks for nothing.
    pub(in crate::proto) fn is_short(&self) -> bool {
        self.whole + self.begun as u64 > self.granted
    }

    /// Whether what has begun cannot end within the window.
    fn lacks(&self) -> bool {
        self.begun > self.window
    }

    /// The credit that is to be given now; 0 for none.
    pub(in crate::proto) fn grant(&mut self, stream: StreamId, budget: &mut Budget) -> u32 {
        self.settle(budget);
        self.widen(budget);
        if self.lacks() && self.lent == 0 && !self.waits_for_room {
            let more = self.begun - self.window;
            if budget.lend(stream, more) {
                self.borrow(more);
            } else {
                self.waits_for_room = true;
            }
        }
        let limit = self.used + (self.window + self.lent) as u64;
        let owed = limit.saturating_sub(self.granted);
        // Small credits would cost more than they bring, unless what has begun cannot end without. A quarter: the rest of the
        // window then has room for any list, which goes as a whole.
        if owed == 0 || (owed < self.window as u64 / 4 && !self.is_short()) {
            return 0;
        }
        self.granted = limit;
        owed as u32
    }

    /// Gives back what an item had that is used up.
    fn settle(&mut self, budget: &mut Budget) {
        if self.lent > 0 && self.used >= self.lent_until {
            budget.give_back(std::mem::take(&mut self.lent));
        }
    }

    /// A sender that waits for credit while the reader has used up everything needs a larger window.
    fn widen(&mut self, budget: &mut Budget) {
        if !self.starved || self.used < self.whole {
            return;
        }
        self.starved = false;
        let more = self.window.min(self.windows.most.saturating_sub(self.window));
        if more > 0 && budget.grow(more) {
            self.window += more;
        }
    }

    /// The room beyond the window that was waited for is there.
    pub(in crate::proto) fn lend(&mut self, more: usize, budget: &mut Budget) {
        self.waits_for_room = false;
        // The window may have grown meanwhile, so that another item has begun.
        if self.lacks() && self.begun - self.window <= more {
            self.borrow(more);
        } else {
            budget.give_back(more);
        }
    }

    fn borrow(&mut self, more: usize) {
        self.lent = more;
        self.lent_until = self.whole + self.begun as u64;
    }

    /// Gives back all that it had.
    pub(in crate::proto) fn release(&mut self, stream: StreamId, budget: &mut Budget) {
        let grown = self.window - self.windows.first;
        self.window = self.windows.first;
        budget.release(stream, grown, std::mem::take(&mut self.lent));
    }
}
