//! Who waits for the streams of a connection.

use std::task::Waker;

use crate::proto::StreamId;

/// The bit of a stream's id that says that the peer chose the number.
const THEIRS: u32 = 1 << 31;

/// Who waits for streams, by their numbers: those that this side chose, and those that the peer chose.
#[derive(Default)]
pub(in crate::driver) struct Streams {
    ours: Vec<Slot>,
    theirs: Vec<Slot>,
}

/// Who waits for a stream. Each end has one owner, who waits for one thing of each kind at a time.
#[derive(Default)]
pub(in crate::driver) struct Slot {
    /// For room, or for items.
    pub(in crate::driver) ready: Option<Waker>,
    /// For the receiver to stop.
    pub(in crate::driver) stopped: Option<Waker>,
}

impl Streams {
    pub(in crate::driver) fn slot(&mut self, StreamId(id): StreamId) -> &mut Slot {
        let slots = if id & THEIRS == 0 {
            &mut self.ours
        } else {
            &mut self.theirs
        };
        let index = (id & !THEIRS) as usize;
        if index >= slots.len() {
            // The numbers are dense and held below the limit on streams.
            slots.resize_with(index + 1, Slot::default);
        }
        &mut slots[index]
    }

    /// The connection is over.
    pub(super) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        for slot in self.ours.iter_mut().chain(&mut self.theirs) {
            slot.wake(wakers);
        }
    }
}

impl Slot {
    /// Nobody waits any more; the wakers are to be dropped outside the lock.
    pub(in crate::driver) fn clear(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(super) fn wake(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.ready.take());
        wakers.extend(self.stopped.take());
    }
}

/// Leaves a waker; gives the one that was there, to be dropped outside the lock.
pub(in crate::driver) fn wait(place: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    if place.as_ref().is_some_and(|earlier| earlier.will_wake(waker)) {
        return None;
    }
    place.replace(waker.clone())
}
