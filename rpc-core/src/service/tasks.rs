//! Tasks that end with their owner.

use tokio::{runtime::Handle, task::AbortHandle};

use crate::sync::Mutex;

/// Tasks that end with their owner.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<Vec<AbortHandle>>);

impl Tasks {
    pub(crate) fn spawn(&self, runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
        // Outside the lock: a runtime that shuts down drops the task at once, with everything in it.
        let task = runtime.spawn(task).abort_handle();
        let mut tasks = self.0.lock();
        // Only when the list would grow, which keeps it about as long as what runs.
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(task);
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let tasks = self.0.get_mut();
        tasks.iter().for_each(AbortHandle::abort);
    }
}
