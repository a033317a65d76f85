//! What a connection without calls costs.

use std::time::Duration;

use farcall::{Channel, Limits};
use farcall_tests::{
    TestResult,
    probe::{self, ProbeClient, Prober},
};
use futures::future::try_join_all;
use tokio::runtime::Builder;

use crate::{HEAP, alone, alone_on};

const PAIRS: usize = 100;
/// Calls at once, before a connection is idle.
const BUSY: u64 = 500;

/// In real time, as datagrams take it. What a thread keeps to receive with is counted once, however many connections it
/// has.
#[test]
fn an_idle_session_over_udp_keeps_no_buffer() -> TestResult {
    alone(async {
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
            Ok::<_, farcall::Error>(client)
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

/// As over UDP. What TLS keeps by itself is the most of it.
#[cfg(feature = "tls")]
#[test]
fn an_idle_connection_over_tls_keeps_no_buffer() -> TestResult {
    use farcall::tls::{ClientTls, DevAuthority, ServerTls};

    alone(async {
        let limits = Limits::default().keepalive(Duration::from_millis(100));
        let authority = DevAuthority::new()?;
        let shown = authority.issue(["127.0.0.1"])?;
        let server = Prober::new()
            .server()
            .limits(limits.clone())
            .tls(ServerTls::pem(shown.pem(), shown.key_pem()))
            .listen("tls://127.0.0.1:0")
            .await?;
        let tls = ClientTls::new().authority(authority.pem());
        let connect = async || {
            let channel = Channel::builder().limits(limits.clone()).tls(tls.clone());
            let client = ProbeClient::new(channel.connect(server.local_addr()).await?);
            assert_eq!(client.fill(500_000).await?.len(), 500_000);
            Ok::<_, farcall::Error>(client)
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
            while pair() >= 2 * (20 << 10) {
                tokio::task::yield_now().await;
            }
        };
        probe::ends("the wait for less memory", idle).await;
        Ok(())
    })
}

#[test]
fn an_idle_connection_keeps_no_buffer() -> TestResult {
    alone_on(Builder::new_current_thread().start_paused(true), async {
        let before = HEAP.current_usage();
        let mut clients = Vec::new();
        for _ in 0..PAIRS {
            let client = ProbeClient::loopback(Prober::new());
            let calls = (0..BUSY).map(|number| client.add(number, 2));
            assert!(try_join_all(calls).await?.into_iter().eq(2..BUSY + 2));
            clients.push(client);
        }
        let pair = |before| (HEAP.current_usage() - before) / PAIRS;
        let busy = pair(before);
        // Longer than both ends need to ping each other.
        tokio::time::sleep(Duration::from_secs(120)).await;
        let idle = pair(before);
        assert!(
            idle < 48 << 10 && idle < busy / 4,
            "{idle} bytes for both ends, {busy} after many calls"
        );
        Ok(())
    })
}
