//! The tasks that wait for a stream.

use std::{
    sync::{Arc, MutexGuard},
    task::{Wake, Waker},
};

use crate::sync::Mutex;

/// The tasks that wait for one stream. One task may read while another one writes, and both need what comes for the
/// stream: its socket and its timer wake this, and this wakes the tasks.
#[derive(Default)]
pub(super) struct StreamTasks(Mutex<StreamWakers>);

#[derive(Default)]
struct StreamWakers {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl StreamTasks {
    fn lock(&self) -> MutexGuard<'_, StreamWakers> {
        self.0.lock()
    }

    /// This task waits to read.
    pub(super) fn read(&self, waker: &Waker) {
        set(&mut self.lock().reader, waker);
    }

    /// This task waits to write.
    pub(super) fn write(&self, waker: &Waker) {
        set(&mut self.lock().writer, waker);
    }

    /// No task waits to write any more.
    pub(super) fn written(&self) {
        self.lock().writer = None;
    }

    pub(super) fn wake_reader(&self) {
        let reader = self.lock().reader.take();
        wake(reader);
    }

    pub(super) fn wake_writer(&self) {
        let writer = self.lock().writer.take();
        wake(writer);
    }
}

impl Wake for StreamTasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let StreamWakers { reader, writer } = std::mem::take(&mut *self.lock());
        wake(reader);
        wake(writer);
    }
}

fn set(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(earlier) => earlier.clone_from(waker),
        None => *place = Some(waker.clone()),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
