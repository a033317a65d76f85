//! Tasks that end with their owner.

use std::sync::{Mutex, PoisonError};

use tokio::{runtime::Handle, task::AbortHandle};

/// Tasks that end with their owner.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<Vec<AbortHandle>>);

impl Tasks {
    pub(crate) fn spawn(&self, runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
        // Outside the lock: a runtime that shuts down drops the task at once, and runs destructors of whatever is in it.
        let task = runtime.spawn(task).abort_handle();
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only when the list would grow, which keeps it about as long as what runs.
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(task);
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let tasks = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(AbortHandle::abort);
    }
}
