//! What a connection without calls costs. Alone in its process, because it counts the heap.
#![allow(missing_docs, reason = "a test")]

#[path = "support/probe.rs"]
mod probe;

use std::time::Duration;

use peak_alloc::PeakAlloc;
use probe::{ProbeClient, Prober};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const PAIRS: usize = 100;

#[tokio::test(start_paused = true)]
async fn an_idle_connection_keeps_no_buffer() -> farcall::Result<()> {
    let before = HEAP.current_usage();
    let mut clients = Vec::new();
    for _ in 0..PAIRS {
        let client = ProbeClient::loopback(Prober::new());
        assert_eq!(client.add(1, 2).await?, 3);
        clients.push(client);
    }
    let pair = |before| (HEAP.current_usage() - before) / PAIRS;
    let busy = pair(before);
    // Longer than both ends need to ping each other.
    tokio::time::sleep(Duration::from_secs(120)).await;
    let idle = pair(before);
    assert!(idle < 32 << 10, "{idle} bytes for both ends, {busy} after a call");
    Ok(())
}
