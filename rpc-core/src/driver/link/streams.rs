//! The wakers of tasks that wait for the streams of a connection.

use std::task::Waker;

use crate::proto::StreamId;

/// The bit of a stream's id that says that the peer chose the number.
const THEIRS: u32 = 1 << 31;

/// The wakers of all streams, by their numbers: those that this side chose, and those that the peer chose.
#[derive(Default)]
pub(in crate::driver) struct StreamWaiters {
    ours: Vec<StreamWaiter>,
    theirs: Vec<StreamWaiter>,
}

/// The wakers of one stream. Each end has one owner, which waits for one thing of each kind at a time.
#[derive(Default)]
pub(in crate::driver) struct StreamWaiter {
    /// For room, or for items.
    pub(in crate::driver) ready: Option<Waker>,
    /// For the receiver to stop.
    pub(in crate::driver) stopped: Option<Waker>,
}

impl StreamWaiters {
    pub(in crate::driver) fn waiter(&mut self, StreamId(id): StreamId) -> &mut StreamWaiter {
        let waiters = if id & THEIRS == 0 {
            &mut self.ours
        } else {
            &mut self.theirs
        };
        let index = (id & !THEIRS) as usize;
        if index >= waiters.len() {
            // The numbers are dense and held below the limit on streams.
            waiters.resize_with(index + 1, StreamWaiter::default);
        }
        &mut waiters[index]
    }

    /// Nothing waits any more: the connection is over.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Waker> + use<> {
        let all = std::mem::take(self);
        all.ours
            .into_iter()
            .chain(all.theirs)
            .flat_map(|mut waiter| waiter.take())
    }
}

impl StreamWaiter {
    /// Nothing waits any more; the wakers must be woken or dropped outside the lock.
    pub(in crate::driver) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.ready.take().into_iter().chain(self.stopped.take())
    }
}

/// Leaves a waker; gives the one that was there, to be dropped outside the lock.
pub(in crate::driver) fn wait(place: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    if place.as_ref().is_some_and(|earlier| earlier.will_wake(waker)) {
        return None;
    }
    place.replace(waker.clone())
}
