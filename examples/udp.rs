//! The same trait over UDP: only the address changes. What does not fit a datagram transport is refused with the way
//! out.
//!
//! UDP is neither encrypted nor authenticated: keep it inside a trusted network or a tunnel.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::atomic::{AtomicU64, Ordering};

use farcall::{Code, Outcome, Server};
use tokio::task::JoinSet;

/// Meters report what they count.
#[farcall::service]
pub trait Readings {
    /// Adds to the total. Running it twice would count twice, and it never does, however often the network loses or
    /// repeats it.
    async fn add(&self, count: u64) -> farcall::Result<u64>;

    /// Takes a day's worth at once.
    async fn upload(&self, log: &[u8]) -> farcall::Result<usize>;
}

#[derive(Default)]
struct Meter(AtomicU64);

impl Readings for Meter {
    async fn add(&self, count: u64) -> farcall::Result<u64> {
        Ok(self.0.fetch_add(count, Ordering::Relaxed) + count)
    }

    async fn upload(&self, log: &[u8]) -> farcall::Result<usize> {
        Ok(log.len())
    }
}

#[tokio::main]
async fn main() -> farcall::Result<()> {
    let server = Server::new()
        .service(ReadingsServer::new(Meter::default()))
        .listen("udp://127.0.0.1:0")
        .await?;
    // One server may listen on both; they share the services.
    let tcp = server.listen("tcp://127.0.0.1:0").await?;
    println!("listening on {} and {tcp}", server.local_addr());

    // A thousand calls at once: those to one server share datagrams.
    let readings = ReadingsClient::connect(server.local_addr()).await?;
    let calls: JoinSet<_> = (1..=1000).map(|count| readings.add(count)).collect();
    for added in calls.join_all().await {
        added?;
    }
    let total = readings.add(0).await?;
    assert_eq!(total, 500_500);
    println!("the meters counted {total}");

    // A message of several hundred datagrams arrives whole.
    let log = vec![7; 500_000];
    assert_eq!(readings.upload(&log).await?, log.len());

    // Beyond `max_udp_message` the call is refused before anything is sent, and the error says what to do.
    let log = vec![7; 2_000_000];
    let error = readings.upload(&log).await.expect_err("too large for udp");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    println!("{error}");
    let over_tcp = ReadingsClient::connect(tcp).await?;
    assert_eq!(over_tcp.upload(&log).await?, log.len());
    Ok(())
}
