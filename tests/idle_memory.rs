//! What a connection without calls costs. Alone in its process, because it counts the heap.
#![allow(missing_docs, reason = "a test")]

#[path = "support/probe.rs"]
mod probe;

use std::{sync::Mutex, time::Duration};

use farcall::{Channel, Limits};
use peak_alloc::PeakAlloc;
use probe::{ProbeClient, Prober};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const PAIRS: usize = 100;

/// One test counts at a time.
static COUNTING: Mutex<()> = Mutex::new(());

/// In real time, as datagrams take it. What a thread keeps to receive with is counted once, however many connections it
/// has.
#[test]
fn an_idle_session_over_udp_keeps_no_buffer() -> farcall::Result<()> {
    let _counting = COUNTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let limits = Limits::default().keepalive(Duration::from_millis(100));
        let server = Prober::new()
            .server()
            .limits(limits.clone())
            .listen("udp://127.0.0.1:0")
            .await?;
        let connect = async || {
            let channel = Channel::builder()
                .limits(limits.clone())
                .connect(server.local_addr())
                .await?;
            let client = ProbeClient::new(channel);
            assert_eq!(client.fill(500_000).await?.len(), 500_000);
            farcall::Result::Ok(client)
        };
        let first = connect().await?;
        let before = HEAP.current_usage();
        let mut clients = vec![first];
        for _ in 0..PAIRS {
            clients.push(connect().await?);
        }
        let pair = || HEAP.current_usage().saturating_sub(before) / PAIRS;
        // Nothing announces that a connection has put its buffers away.
        let idle = async {
            while pair() >= 32 << 10 {
                tokio::task::yield_now().await;
            }
        };
        probe::ends("the wait for less memory", idle).await;
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "the other test has a runtime of its own")]
async fn an_idle_connection_keeps_no_buffer() -> farcall::Result<()> {
    let _counting = COUNTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
