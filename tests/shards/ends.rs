//! A server with shards ends as a whole, and its threads with it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall::{Channel, Code, Outcome, RunningServer, Server};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_socket, probe::ends, until};
use tokio::sync::Notify;

use crate::desk::{Clerk, DeskClient, clients, clients_of, threads};

const GRACE: Duration = Duration::from_secs(20);
/// Enough for a hash of addresses to hit both of two shards.
const CONNECTIONS: usize = 32;

async fn a_shutdown_lets_calls_on_all_shards_finish(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let site = transport.serve(clerk.server(2)).await?;
    let clients = clients_of(&site, CONNECTIONS).await?;
    let calls = clerk.hold_all(&clients).await;
    assert_eq!(
        (clerk.living_threads(), site.server().running_calls()),
        (2, CONNECTIONS)
    );
    let calls = async {
        // The shutdown has begun when a new call is refused.
        let refused = loop {
            match clients[0].thread().await {
                Ok(_) => tokio::task::yield_now().await,
                refused => break refused,
            }
        };
        assert_fails(refused, Code::Unavailable, Outcome::NotExecuted, &[]);
        clerk.gate.open(CONNECTIONS);
        for call in calls {
            call.await??;
        }
        TestResult::Ok(())
    };
    let ((), finished) = tokio::join!(site.server().shutdown(GRACE), calls);
    finished?;
    assert_eq!((clerk.living_threads(), site.server().running_calls()), (0, 0));
    ends("wait", site.server().wait()).await;
    Ok(())
}

async fn a_shutdown_cuts_what_takes_longer_on_all_shards(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let site = transport.serve(clerk.server(2)).await?;
    let clients = clients_of(&site, CONNECTIONS).await?;
    let calls = clerk.hold_all(&clients).await;
    site.server().shutdown(Duration::ZERO).await;
    assert_eq!((clerk.gate.stopped_count(), clerk.living_threads()), (CONNECTIONS, 0));
    for call in calls {
        assert_fails(
            call.await?,
            Code::Unavailable,
            Outcome::Unknown,
            &["the server shut down"],
        );
    }
    Ok(())
}

async fn a_server_that_is_dropped_ends_its_threads(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let mut site = transport.serve(clerk.server(2)).await?;
    let clients = clients_of(&site, CONNECTIONS).await?;
    let calls = clerk.hold_all(&clients).await;
    site.stop_server();
    assert_eq!((clerk.gate.stopped_count(), clerk.living_threads()), (CONNECTIONS, 0));
    for call in calls {
        assert_fails(
            call.await?,
            Code::Unavailable,
            Outcome::Unknown,
            &["the server was stopped"],
        );
    }
    Ok(())
}

async fn the_address_is_free_after_a_shutdown(transport: Transport) -> TestResult {
    let site = transport.serve(Clerk::new().server(2)).await?;
    let address = site.server().local_addr();
    let server = || transport.secured(Clerk::new().server(2));
    let taken = server().listen(address.clone()).await;
    assert_eq!(taken.expect_err("it is taken").code(), Code::AlreadyExists);
    site.server().shutdown(GRACE).await;
    let next = server().listen(address.clone()).await?;
    assert_eq!(next.local_addr(), address);
    Ok(())
}

over_every_socket!(
    a_shutdown_lets_calls_on_all_shards_finish,
    a_shutdown_cuts_what_takes_longer_on_all_shards,
    a_server_that_is_dropped_ends_its_threads,
    the_address_is_free_after_a_shutdown,
);

/// Threads that were started for a server that does not run end, too.
#[tokio::test]
async fn a_server_that_cannot_listen_leaves_nothing() -> TestResult {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let clerk = Clerk::new();
    let server = clerk.server(2).start()?;
    let channel = Channel::builder().loopback(clerk.server(2));
    let error = server.listen(taken.local_addr()?).await.expect_err("it is taken");
    assert_eq!(error.code(), Code::AlreadyExists);
    // It runs all the same.
    server.listen("tcp://127.0.0.1:0").await?;
    let own = clients(&server, 2).await?;
    threads(&own).await?;
    DeskClient::new(channel.clone()).thread().await?;
    assert_eq!(clerk.living_threads(), 3);
    drop((server, channel));
    until(|| clerk.living_threads() == 0).await;
    Ok(())
}

/// A drop does not wait for ever for a handler that blocks its thread, which may wait for the dropping task.
#[tokio::test]
async fn a_handler_that_blocks_its_thread_does_not_hold_a_drop() -> TestResult {
    let clerk = Clerk::new();
    let server = clerk.server(2).listen("tcp://127.0.0.1:0").await?;
    let clients = clients(&server, 2).await?;
    threads(&clients).await?;
    let call = tokio::spawn(clients[0].block());
    clerk.gate.entered().await;
    drop(server);
    assert_eq!(clerk.living_threads(), 1);
    clerk.barrier.wait();
    // What it answers then still reaches the caller, or the connection is gone.
    let _ = call.await?;
    until(|| clerk.living_threads() == 0).await;
    Ok(())
}

#[farcall::service]
trait Owner {
    /// Drops the server.
    async fn drop_it(&self) -> farcall::Result<()>;
    /// Shuts the server down.
    async fn shut_down(&self, grace: Duration) -> farcall::Result<()>;
}

#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Option<RunningServer>>>, Arc<Notify>);

impl Owner for Keeper {
    async fn drop_it(&self) -> farcall::Result<()> {
        drop(self.0.lock().expect("not poisoned").take());
        self.1.notify_one();
        Ok(())
    }

    async fn shut_down(&self, grace: Duration) -> farcall::Result<()> {
        let server = self.0.lock().expect("not poisoned").take();
        if let Some(server) = server {
            let done = Arc::clone(&self.1);
            // It is cut when the grace is over, and what it owns is dropped on a shard.
            let _told = ToldWhenDropped(done);
            server.shutdown(grace).await;
        }
        Ok(())
    }
}

struct ToldWhenDropped(Arc<Notify>);

impl Drop for ToldWhenDropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

async fn kept() -> TestResult<(Keeper, OwnerClient)> {
    let keeper = Keeper::default();
    let server = Server::new().service(OwnerServer::new(keeper.clone())).shards(2);
    let server = server.listen("tcp://127.0.0.1:0").await?;
    let client = OwnerClient::connect(server.local_addr()).await?;
    *keeper.0.lock().map_err(|_| "poisoned")? = Some(server);
    Ok((keeper, client))
}

#[tokio::test]
async fn a_handler_may_drop_its_server() -> TestResult {
    let (keeper, client) = kept().await?;
    client.drop_it().await?;
    ends("the drop", keeper.1.notified()).await;
    client.drop_it().await.expect_err("the server is gone");
    Ok(())
}

#[tokio::test]
async fn a_handler_may_shut_its_server_down() -> TestResult {
    let (keeper, client) = kept().await?;
    let error = client.shut_down(Duration::ZERO).await.expect_err("it was cut");
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    ends("the end of the server", keeper.1.notified()).await;
    Ok(())
}
