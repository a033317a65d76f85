//! Code of a user that panics takes no shard down; a shard that goes down all the same takes the server with it.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use farcall::{Code, Outcome, Server};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_socket, probe::ends};

use crate::desk::{Clerk, DeskServer, clients_of, threads};

async fn a_panic_ends_its_call_alone(transport: Transport) -> TestResult {
    let site = transport.serve(Clerk::new().server(2)).await?;
    let clients = clients_of(&site, 16).await?;
    let before = threads(&clients).await?;
    for client in &clients {
        assert_fails(client.panic().await, Code::Internal, Outcome::Unknown, &["Desk.panic"]);
        assert!(client.panic_aside().await?);
    }
    assert_eq!(threads(&clients).await?, before);
    Ok(())
}

#[farcall::service]
trait Bomb {
    /// Waits with a waker that panics: outside of any task, since the runtime wakes it.
    async fn set(&self) -> farcall::Result<()>;
}

struct Bomber;

struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("a waker of a test");
    }
}

impl Bomb for Bomber {
    async fn set(&self) -> farcall::Result<()> {
        let waker = Waker::from(Arc::new(PanickingWaker));
        let mut sleep = pin!(tokio::time::sleep(Duration::from_millis(1)));
        poll_fn(|_| {
            let _ = sleep.as_mut().poll(&mut Context::from_waker(&waker));
            Poll::<()>::Pending
        })
        .await;
        Ok(())
    }
}

async fn a_panic_outside_of_tasks_stops_the_server(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let server = Server::new()
        .service(BombServer::new(Bomber))
        .service(DeskServer::new(clerk.clone()))
        .shards(2);
    let site = transport.serve(server).await?;
    let clients = clients_of(&site, 16).await?;
    threads(&clients).await?;
    let calls = clerk.hold_all(&clients).await;
    let bomb = BombClient::new(site.channel.clone());
    let error = bomb.set().await.expect_err("its thread is gone");
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    ends("the server", site.server().wait()).await;
    let mut told = 0;
    for call in calls {
        let error = call.await?.expect_err("it was cut");
        assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
        told += usize::from(error.to_string().contains("a thread of the server panicked"));
    }
    assert!(told > 0, "those on the other thread are told");
    let error = site.server().listen("tcp://127.0.0.1:0").await.expect_err("it is over");
    assert_eq!(error.code(), Code::FailedPrecondition);
    site.server().shutdown(Duration::from_secs(10)).await;
    assert_eq!(clerk.living_threads(), 0);
    Ok(())
}

over_every_socket!(a_panic_ends_its_call_alone, a_panic_outside_of_tasks_stops_the_server,);
