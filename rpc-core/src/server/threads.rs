//! The threads of a server that has shards.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::watch,
    task::spawn_blocking,
    time::timeout,
};

use super::shard::Shard;
use crate::{
    Code, Error, events,
    sync::Mutex,
    unwind::{caught, guarded},
};

/// How long connections that were cut may take to tell their peers.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a thread is waited for. It ends at the next await of what runs there.
const JOIN: Duration = Duration::from_secs(1);

/// One thread with a runtime of its own for each shard. There may be none.
pub(super) struct ShardThreads {
    shards: Vec<Arc<Shard>>,
    threads: Mutex<Vec<ShardThread>>,
    stopping: watch::Sender<bool>,
}

struct ShardThread {
    thread: JoinHandle<()>,
    /// Closed when the thread has ended.
    ended: mpsc::Receiver<Infallible>,
}

impl ShardThreads {
    /// Starts `count` threads. `failed` is told if one of them ends by a panic.
    pub(super) fn start(count: usize, failed: impl Fn(&Error) + Clone + Send + 'static) -> Result<Self, Error> {
        let mut threads = Self {
            shards: Vec::new(),
            threads: Mutex::default(),
            stopping: watch::Sender::new(false),
        };
        for index in 0..count {
            // Those that were started end if this one cannot be.
            threads.add(index, failed.clone()).map_err(|cause| {
                let message = format!("the system has no thread for shard {index} of {count}: {cause}");
                Error::refused(Code::ResourceExhausted, message).with_told_cause(cause)
            })?;
        }
        Ok(threads)
    }

    fn add(&mut self, index: usize, failed: impl Fn(&Error) + Send + 'static) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let shard = Shard::new(runtime.handle().clone());
        let (running, ended) = mpsc::channel();
        let (own, stopping) = (Arc::clone(&shard), self.stopping.subscribe());
        let thread = thread::Builder::new().name(format!("farcall-{index}")).spawn(move || {
            run(runtime, &own, stopping, failed);
            drop(running);
        })?;
        self.shards.push(shard);
        self.threads.get_mut().push(ShardThread { thread, ended });
        Ok(())
    }

    pub(super) fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    pub(super) fn runtimes(&self) -> Vec<Handle> {
        self.shards.iter().map(|shard| shard.runtime().clone()).collect()
    }

    /// Ends the threads, without waiting for them.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends the threads and waits for them. If the future is dropped they end all the same.
    pub(super) async fn stopped(&self) {
        self.stop();
        let threads = self.take();
        if threads.is_empty() {
            return;
        }
        // It fails only with the runtime, which then ends as well.
        let _ = spawn_blocking(|| join(threads)).await;
    }

    fn take(&self) -> Vec<ShardThread> {
        std::mem::take(&mut *self.threads.lock())
    }
}

impl Drop for ShardThreads {
    fn drop(&mut self) {
        self.stop();
        join(self.take());
    }
}

/// Runs one shard until it is stopped.
fn run(runtime: Runtime, shard: &Shard, mut stopping: watch::Receiver<bool>, failed: impl Fn(&Error)) {
    let stopped = async {
        // Threads that nobody owns any more stop, too.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        let _ = timeout(LAST_WORDS, shard.emptied()).await;
    };
    // Tasks catch their panics; a waker, for example, runs outside of them.
    if let Err(panicked) = caught(|| runtime.block_on(stopped)) {
        let name = format!(" `{}`", thread::current().name().unwrap_or_default());
        let why = panicked.report("a thread of the server", &name, false);
        failed(&Error::unavailable(why));
    }
    // Handlers that block a thread cannot be stopped. All other tasks are dropped here.
    guarded(|| runtime.shutdown_background());
    guarded(|| drop(failed));
}

/// Waits for threads that were told to end, and not for ever: what blocks one of them may itself wait for the caller.
fn join(threads: Vec<ShardThread>) {
    let until = Instant::now() + JOIN;
    for ShardThread { thread, ended } in threads {
        // A handler may own the server, and drop it. Its thread ends after it.
        if thread.thread().id() == thread::current().id() {
            continue;
        }
        match ended.recv_timeout(until.saturating_duration_since(Instant::now())) {
            // Whatever it panicked with was reported by itself.
            Err(mpsc::RecvTimeoutError::Disconnected) => guarded(|| drop(thread.join())),
            Err(mpsc::RecvTimeoutError::Timeout) => events::thread_blocked(thread.thread().name().unwrap_or_default()),
            Ok(never) => match never {},
        }
    }
}
