//! Which lanes have news.

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use crate::sync::Mutex;

/// The lanes that have news since the last look, and who looks.
#[derive(Default)]
pub(super) struct WokenLanes(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    lanes: Vec<usize>,
    task: Option<Waker>,
}

impl WokenLanes {
    /// The lanes that have news; later ones wake `task`.
    pub(super) fn take(&self, task: &Waker) -> Vec<usize> {
        let mut woken = self.0.lock();
        match &mut woken.task {
            Some(earlier) => earlier.clone_from(task),
            None => woken.task = Some(task.clone()),
        }
        std::mem::take(&mut woken.lanes)
    }

    /// What wakes a lane. quinn wakes it once for each time that the lane was found empty, so the list stays short.
    pub(super) fn waker(self: &Arc<Self>, lane: usize) -> Waker {
        let woken = Arc::clone(self);
        Arc::new(LaneWaker { lane, woken }).into()
    }
}

struct LaneWaker {
    lane: usize,
    woken: Arc<WokenLanes>,
}

impl Wake for LaneWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut woken = self.woken.0.lock();
        woken.lanes.push(self.lane);
        let task = woken.task.take();
        drop(woken);
        if let Some(task) = task {
            task.wake();
        }
    }
}
