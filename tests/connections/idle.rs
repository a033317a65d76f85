//! A server ends a connection that is not used, and no call fails because of that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall::{Limits, Server, testing::Network, transport::Connected};
use farcall_tests::{
    TestResult, Transport, over_every_transport,
    raw::{self, Peer},
};
use tokio::time::{Instant, sleep_until};

const IDLE: Duration = Duration::from_secs(60);

#[farcall::service]
trait Desk {
    async fn count(&self) -> farcall::Result<u32>;
    async fn open(&self) -> farcall::Result<SessionClient>;
}

#[farcall::service]
trait Session {
    async fn count(&self) -> farcall::Result<u32>;
}

/// Counts what ran.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicU32>);

impl Counter {
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Desk for Counter {
    async fn count(&self) -> farcall::Result<u32> {
        Ok(self.next())
    }

    async fn open(&self) -> farcall::Result<SessionClient> {
        Ok(SessionClient::local(self.clone()))
    }
}

impl Session for Counter {
    async fn count(&self) -> farcall::Result<u32> {
        Ok(self.next())
    }
}

fn server(idle: Duration) -> Server {
    Server::new()
        .service(DeskServer::new(Counter::default()))
        .limits(Limits::default().idle_timeout(idle))
}

/// The server wants to be rid of the connection all the time, so that every call crosses its word or comes just behind
/// it.
async fn no_call_meets_the_end_of_an_idle_connection(transport: Transport) -> TestResult {
    let site = transport.serve(server(Duration::ZERO)).await?;
    let desk = DeskClient::new(site.channel.clone());
    for call in 1..=200 {
        assert_eq!(desk.count().await?, call, "each runs once");
        if call % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

over_every_transport!(no_call_meets_the_end_of_an_idle_connection);

#[tokio::test(start_paused = true)]
async fn no_call_meets_the_end_whenever_it_is_made() -> TestResult {
    let server = server(IDLE).listen("mem://idle-crossing").await?;
    for early in 0..120 {
        let network = Network::seeded(early).delay(5..30);
        let desk = DeskClient::new(network.connect(&server).await?);
        let before = desk.count().await?;
        // From well before the server's word is written to well after it was read.
        sleep_until(Instant::now() + IDLE + Duration::from_millis(60) - Duration::from_millis(early)).await;
        let session = desk.open().await?;
        assert_eq!(
            session.count().await?,
            before + 1,
            "what came over the connection is of use"
        );
        assert_eq!(desk.count().await?, before + 2);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_is_no_reason_to_fail() -> TestResult {
    let server = server(IDLE).listen("mem://idle-jump").await?;
    let desk = DeskClient::connect(server.local_addr()).await?;
    for call in 1..10 {
        assert_eq!(desk.count().await?, call);
        tokio::time::advance(IDLE * call + Duration::from_secs(1)).await;
    }
    Ok(())
}

/// A peer that says much, none of which is a call, a stream or an object.
#[tokio::test(start_paused = true)]
async fn frames_about_nothing_do_not_keep_a_connection() -> TestResult {
    for nothing in [
        raw::frame(raw::CANCEL, 7, &[]),
        raw::frame(raw::REQUEST_ATTACH, 7, &[]),
        raw::frame(raw::GO_AWAY, 0, &[]),
        raw::frame(raw::UNUSED, 0, &[]),
        raw::frame(raw::PING, 0, &[]),
        raw::frame(raw::PONG, 0, &[]),
    ] {
        let server = server(IDLE).listen("mem://idle-nothing").await?;
        let (near, far) = Network::seeded(1).pair();
        server.serve(Connected::new(far, server.local_addr()));
        let mut peer = Peer::new(near);
        peer.open().await?;
        let opened = Instant::now();
        while peer.send(&nothing).await.is_ok() {
            assert!(opened.elapsed() < 3 * IDLE, "{nothing:?} keep it");
            sleep_until(Instant::now() + Duration::from_secs(1)).await;
        }
        server.shutdown(Duration::ZERO).await;
    }
    Ok(())
}

/// A peer that is asked to end the connection and does not is left, and told that nothing of its own ran.
#[tokio::test(start_paused = true)]
async fn a_peer_that_stays_all_the_same_is_left() -> TestResult {
    let server = server(IDLE).listen("mem://idle-stays").await?;
    let (near, far) = Network::seeded(1).pair();
    server.serve(Connected::new(far, server.local_addr()));
    let mut peer = Peer::new(near);
    peer.open().await?;
    let opened = Instant::now();
    loop {
        let frame = peer.next().await?;
        match frame.kind {
            raw::PING => peer.send(&raw::frame(raw::PONG, 0, &[])).await?,
            raw::UNUSED => assert_eq!(opened.elapsed().as_secs(), IDLE.as_secs()),
            raw::CLOSE => break,
            _ => {}
        }
    }
    let patience = IDLE + Duration::from_secs(15);
    assert_eq!(opened.elapsed().as_secs(), patience.as_secs());
    Ok(())
}
