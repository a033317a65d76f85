//! Long bodies are copied only where they must be, and leave no more memory than a process keeps.

use std::time::Duration;

use bytes::Bytes;
use farcall::{Limits, Result, Server};
use farcall_tests::TestResult;
use tokio::runtime::Builder;

use crate::{HEAP, alone, alone_on};

const MIB: usize = 1 << 20;
/// What calls of any length take beside their bodies.
const BESIDE: usize = 64 << 10;

#[farcall::service]
trait Store {
    async fn length(&self, body: &[u8]) -> Result<usize>;
    async fn fill(&self, length: usize) -> Result<Bytes>;
}

struct Zeros;

impl Store for Zeros {
    async fn length(&self, body: &[u8]) -> Result<usize> {
        Ok(body.len())
    }
    async fn fill(&self, length: usize) -> Result<Bytes> {
        Ok(vec![0; length].into())
    }
}

fn limits() -> Limits {
    Limits::default().max_message(64 * MIB).max_buffered(64 * MIB)
}

async fn connect(address: &str) -> Result<(StoreClient, impl Sized)> {
    let server = Server::new().service(StoreServer::new(Zeros)).limits(limits());
    let server = server.listen(address).await?;
    let channel = farcall::Channel::builder()
        .limits(limits())
        .connect(server.local_addr())
        .await?;
    Ok((StoreClient::new(channel), server))
}

/// How much more memory was in use at one time while `work` ran than before.
async fn more_memory(work: impl Future<Output = TestResult>) -> TestResult<usize> {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    work.await?;
    Ok(HEAP.peak_usage().saturating_sub(before))
}

/// Once there are buffers, a call needs no others: what is sent and received lies in those that the process keeps.
#[test]
fn calls_like_the_ones_before_need_no_more_memory() -> TestResult {
    alone(async {
        for address in ["tcp://127.0.0.1:0", "mem://long-bodies"] {
            let (client, _server) = connect(address).await?;
            let body = vec![1; MIB];
            let call = async || {
                assert_eq!(client.length(&body).await?, MIB);
                // All that is allocated is what the handler makes.
                assert_eq!(client.fill(MIB).await?.len(), MIB);
                TestResult::Ok(())
            };
            for _ in 0..3 {
                call().await?;
            }
            let more = more_memory(call()).await?;
            assert!(more < MIB + BESIDE, "{more} bytes over {address}");
        }
        Ok(())
    })
}

/// The same over datagrams, which hold bodies in parts. What is under way may differ from call to call, so the least
/// counts.
#[test]
fn calls_over_datagrams_use_the_buffers_of_those_before() -> TestResult {
    const BODY: usize = 512 << 10;
    alone(async {
        let (client, _server) = connect("udp://127.0.0.1:0").await?;
        let body = vec![1; BODY];
        let mut least = usize::MAX;
        for _ in 0..20 {
            let more = more_memory(async {
                assert_eq!(client.length(&body).await?, BODY);
                Ok(())
            });
            least = least.min(more.await?);
        }
        assert!(least < BODY / 2, "{least} bytes");
        Ok(())
    })
}

#[test]
fn what_is_kept_for_long_bodies_goes_when_connections_are_idle() -> TestResult {
    alone_on(Builder::new_current_thread().start_paused(true), async {
        let client = StoreClient::loopback(Zeros);
        // The pipe between the ends keeps what it has grown to.
        client.fill(MIB).await?;
        let before = HEAP.current_usage();
        client.fill(8 * MIB).await?;
        let kept = HEAP.current_usage().saturating_sub(before);
        assert!(kept > 4 * MIB, "{kept} bytes: nothing was kept");
        // Longer than both ends need to notice that they are idle.
        tokio::time::sleep(Duration::from_secs(120)).await;
        let kept = HEAP.current_usage().saturating_sub(before);
        assert!(kept < BESIDE, "{kept} bytes are kept");
        Ok(())
    })
}
