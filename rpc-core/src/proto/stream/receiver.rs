//! The end of a stream that receives.
//!
//! All positions count the bytes of items and lists from the beginning of the stream:
//!
//! ```text
//!   used up ≤ handed out ≤ whole ≤ received ≤ granted ≤ used up + window + loan
//! ```

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use thin_vec::ThinVec;

use super::{
    budget::{Need, WindowBudget},
    walk::{ItemStep, ItemWalk},
};
use crate::{
    Error,
    proto::{
        Attachment, StreamId, Violation,
        items::{ITEM_HEADER, ItemHeader},
    },
};

/// Whole items that came, for an [`ItemReader`](crate::proto::ItemReader).
#[derive(Debug, Default)]
pub(crate) struct ItemBatch {
    pub(crate) items: Bytes,
    /// The lists of those items that carry something, in order.
    pub(crate) attachments: VecDeque<ThinVec<Attachment>>,
}

/// How windows begin and how far they grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) first: usize,
    pub(super) most: usize,
}

/// The room beyond the window that an item has if it is longer than that, until it is handed out.
#[derive(Debug)]
struct Loan {
    room: usize,
    /// The positions where the item, with its list, begins and ends.
    from: u64,
    until: u64,
    /// What was not handed out of the items before it: their bytes, and the number of their lists.
    before: usize,
    lists: usize,
    /// It came while its user waited.
    passed: bool,
}

/// The end of a stream that receives.
#[derive(Debug)]
pub(in crate::proto) struct ReceiveHalf {
    windows: Windows,
    window: usize,
    loan: Option<Loan>,
    /// It waits for the budget, and why.
    queued: Option<Need>,
    used: u64,
    handed: u64,
    whole: u64,
    received: u64,
    granted: u64,
    /// What came and was not handed out; the first `ready` bytes are whole items.
    arrived: BytesMut,
    ready: usize,
    walk: ItemWalk,
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
    /// Its user waits, because there was nothing.
    pub(in crate::proto) waits: bool,
}

impl ReceiveHalf {
    pub(super) fn new(windows: Windows) -> Self {
        Self {
            windows,
            window: windows.first,
            loan: None,
            queued: None,
            used: 0,
            handed: 0,
            whole: 0,
            received: 0,
            granted: windows.first as u64,
            arrived: BytesMut::new(),
            ready: 0,
            walk: ItemWalk::default(),
            begun: 0,
            list: None,
            lists: VecDeque::new(),
            starved: false,
            end: None,
            waits: false,
        }
    }

    /// Whether its user waited for what there is now. A long item leaves its room to others then.
    pub(in crate::proto) fn wake(&mut self, budget: &mut WindowBudget) -> bool {
        let wakes = self.waits && (self.ready > 0 || self.end.is_some());
        self.waits &= !wakes;
        if wakes
            && let Some(loan) = &mut self.loan
            && loan.until <= self.whole
        {
            loan.passed = true;
            budget.pass(loan.room);
        }
        wakes
    }

    /// The credit that this side gives without being asked.
    pub(in crate::proto) fn first_credit(&self) -> u32 {
        self.windows.first as u32
    }

    #[cfg(any(test, farcall_fuzzing))]
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
                ItemStep::Began(ItemHeader { length, carries }) => {
                    check(length)?;
                    if carries != self.list.is_some() {
                        return Err(Violation::new("an item without its list, or a list without its item"));
                    }
                    self.begun += ITEM_HEADER + length;
                }
                ItemStep::Ended => {
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

    /// What was handed out is used up; gives whole items that came since.
    ///
    /// An item that borrowed is given by itself and counts as used up at once, because its reader decodes it at once.
    /// Behind other items it would keep its room while the user may wait for something else first.
    pub(in crate::proto) fn take(&mut self, budget: &mut WindowBudget) -> Option<ItemBatch> {
        self.used = self.handed;
        if self.ready == 0 {
            return None;
        }
        let (length, lists) = match &mut self.loan {
            Some(loan) if loan.before > 0 => {
                self.handed = loan.from;
                (std::mem::take(&mut loan.before), std::mem::take(&mut loan.lists))
            }
            Some(loan) => {
                self.handed = loan.until;
                self.used = loan.until;
                budget.give_back(loan.room, loan.passed);
                self.loan = None;
                self.first_item()
            }
            None => {
                self.handed = self.whole;
                (self.ready, self.lists.len())
            }
        };
        self.ready -= length;
        Some(ItemBatch {
            items: self.arrived.split_to(length).freeze(),
            attachments: self.lists.drain(..lists).collect(),
        })
    }

    /// The bytes of the first of what is ready, and the number of its lists.
    fn first_item(&self) -> (usize, usize) {
        let mut rest = &self.arrived[..];
        match ItemWalk::default().step(&mut rest) {
            Some(ItemStep::Began(ItemHeader { length, carries })) => (ITEM_HEADER + length, usize::from(carries)),
            _ => (0, 0),
        }
    }

    /// The lists that are not taken, in order.
    pub(in crate::proto) fn drain(&mut self) -> Vec<ThinVec<Attachment>> {
        self.arrived = BytesMut::new();
        self.ready = 0;
        self.lists.drain(..).chain(self.list.take()).collect()
    }

    /// Whether what has begun cannot end with the credit that was given: its receiver waits for all of it, and asks for
    /// nothing.
    pub(in crate::proto) fn is_short(&self) -> bool {
        self.whole + self.begun as u64 > self.granted
    }

    /// Whether what has begun cannot end within the window.
    fn lacks(&self) -> bool {
        self.begun > self.window
    }

    /// The credit that is to be given now; 0 for none.
    pub(in crate::proto) fn grant(&mut self, stream: StreamId, budget: &mut WindowBudget) -> u32 {
        self.widen(budget);
        self.ask(stream, budget);
        let room = self.loan.as_ref().map_or(0, |loan| loan.room);
        let limit = self.used + (self.window + room) as u64;
        let owed = limit.saturating_sub(self.granted);
        // Small credits would cost more than they bring, unless what has begun cannot end without. A quarter: the rest
        // of the window then has room for any list, which goes as a whole.
        if owed == 0 || (owed < self.window as u64 / 4 && !self.is_short()) {
            return 0;
        }
        self.granted = limit;
        owed as u32
    }

    /// A sender that waits for credit while the reader has used up everything needs a larger window.
    fn widen(&mut self, budget: &mut WindowBudget) {
        if !self.starved || self.used < self.whole {
            return;
        }
        self.starved = false;
        let more = self.window.min(self.windows.most.saturating_sub(self.window));
        if more > 0 && budget.grow(more) {
            self.window += more;
        }
    }

    /// Borrows what the item lacks that has begun, or waits for room.
    fn ask(&mut self, stream: StreamId, budget: &mut WindowBudget) {
        let need = self.need();
        // A stream that waits keeps its place, but moves to the queue that comes first when its user begins to wait.
        let waits = self.queued == Some(need) || self.queued == Some(Need::Awaited);
        if self.loan.is_some() || !self.lacks() || waits {
            return;
        }
        if budget.is_free(need) && self.borrow(need, budget) {
            budget.forget(stream);
            self.queued = None;
        } else {
            budget.queue(stream, need);
            self.queued = Some(need);
        }
    }

    /// It is next to get room: returns whether it waits no more, or waits behind others.
    pub(in crate::proto) fn serve(&mut self, stream: StreamId, budget: &mut WindowBudget) -> bool {
        let need = self.need();
        // Meanwhile the window may have grown, and another item have begun.
        let settled = self.loan.is_some() || !self.lacks() || self.borrow(need, budget);
        if settled {
            budget.forget(stream);
            self.queued = None;
        } else if self.queued != Some(need) {
            budget.queue(stream, need);
            self.queued = Some(need);
            return true;
        }
        settled
    }

    fn need(&self) -> Need {
        if self.waits { Need::Awaited } else { Need::Ahead }
    }

    fn borrow(&mut self, need: Need, budget: &mut WindowBudget) -> bool {
        let room = self.begun - self.window;
        let lent = budget.lend(room, need);
        if lent {
            self.loan = Some(Loan {
                room,
                from: self.whole,
                until: self.whole + self.begun as u64,
                before: self.ready,
                lists: self.lists.len(),
                passed: false,
            });
        }
        lent
    }

    /// Gives back all that it had.
    pub(in crate::proto) fn release(&mut self, stream: StreamId, budget: &mut WindowBudget) {
        budget.shrink(self.window - self.windows.first);
        self.window = self.windows.first;
        if let Some(loan) = self.loan.take() {
            budget.give_back(loan.room, loan.passed);
        }
        self.queued = None;
        budget.forget(stream);
    }
}
