//! A service of which each connection has one for itself.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use farcall::{Context, Result, Server};
use farcall_tests::{TestResult, Transport, over_every_socket};
use tokio::sync::mpsc;

#[farcall::service]
trait Counter {
    async fn next(&self) -> Result<u32>;
    async fn is_mine(&self) -> Result<bool>;
}

#[farcall::service]
trait Common {
    async fn number(&self) -> Result<u32>;
}

/// Tells when it is dropped.
struct Own {
    count: AtomicU32,
    peer: String,
    dropped: mpsc::UnboundedSender<u32>,
}

impl Counter for Own {
    async fn next(&self) -> Result<u32> {
        Ok(self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn is_mine(&self) -> Result<bool> {
        Ok(Context::current().peer().map(ToString::to_string) == Some(self.peer.clone()))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.dropped.send(self.count.load(Ordering::Relaxed));
    }
}

struct Everybodys(u32);

impl Common for Everybodys {
    async fn number(&self) -> Result<u32> {
        Ok(self.0)
    }
}

fn server() -> (Server, mpsc::UnboundedReceiver<u32>) {
    let (dropped, drops) = mpsc::unbounded_channel();
    let server = Server::new()
        .service(CommonServer::new(Arc::new(Everybodys(1))))
        .named_service("other", CommonServer::new(Everybodys(2)))
        .service_per_connection(move |peer| {
            CounterServer::new(Own {
                count: AtomicU32::new(0),
                peer: peer.to_string(),
                dropped: dropped.clone(),
            })
        });
    (server, drops)
}

over_every_socket!(each_connection_has_its_own_and_drops_it, what_is_shared_is_there_too);

async fn each_connection_has_its_own_and_drops_it(transport: Transport) -> TestResult {
    let (server, mut drops) = server();
    let site = transport.serve(server).await?;
    let first = CounterClient::new(site.channel.clone());
    let second = CounterClient::new(site.connect().await?);
    assert_eq!(first.next().await?, 1);
    assert_eq!(first.next().await?, 2);
    assert_eq!(second.next().await?, 1);
    assert!(first.is_mine().await? && second.is_mine().await?);
    drop(second);
    assert_eq!(
        drops.recv().await,
        Some(1),
        "the second connection's is dropped with it"
    );
    assert_eq!(first.next().await?, 3);
    Ok(())
}

async fn what_is_shared_is_there_too(transport: Transport) -> TestResult {
    let (server, _drops) = server();
    let server = server.service_per_connection(|_| CommonServer::new(Everybodys(3)));
    let site = transport.serve(server).await?;
    let common = CommonClient::new(site.channel.clone());
    assert_eq!(common.number().await?, 3, "the connection's own hides the shared one");
    let other = site.server().local_addr().with_instance("other");
    let other = CommonClient::new(site.client().connect(other).await?);
    assert_eq!(other.number().await?, 2);
    Ok(())
}

#[tokio::test]
async fn one_that_cannot_be_made_ends_its_connection_alone() -> TestResult {
    let made = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&made);
    let server = Server::new()
        .service_per_connection(move |_| {
            assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "the first is refused");
            CommonServer::new(Everybodys(1))
        })
        .listen("mem://per-connection")
        .await?;
    if let Ok(unlucky) = CommonClient::connect(server.local_addr()).await {
        // It fails, or was not sent before the client noticed and dialled again.
        let _ = unlucky.number().await;
    }
    assert!(made.load(Ordering::Relaxed) > 0);
    assert_eq!(CommonClient::connect(server.local_addr()).await?.number().await?, 1);
    Ok(())
}
