//! What farcall holds at most. The tests count the heap of the process, so one of them runs at a time.

mod hostile_streams;
mod idle;
mod long_bodies;
mod metadata;
#[cfg(target_os = "linux")]
mod udp_flood;
mod unread_answers;

use std::sync::{Mutex, PoisonError};

use farcall_tests::TestResult;
use peak_alloc::PeakAlloc;
use tokio::runtime::Builder;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Runs a test while no other one runs, to the end of its tasks.
fn alone(test: impl Future<Output = TestResult>) -> TestResult {
    alone_on(&mut Builder::new_current_thread(), test)
}

fn alone_on(runtime: &mut Builder, test: impl Future<Output = TestResult>) -> TestResult {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(test)
}
