//! The connections of a server with shards are spread over its threads, and each stays on one.

use std::collections::BTreeSet;

use farcall::{
    Channel, OrFail,
    transport::{Connected, bind},
};
use farcall_tests::{TestResult, Transport, over_every_socket, over_every_transport, probe::ends};
use tokio::sync::mpsc;

use crate::desk::{Clerk, DeskClient, shard_names, threads};

/// Enough for a hash of addresses to hit both of two shards.
const CONNECTIONS: usize = 32;

/// So many clients of one server.
async fn clients(transport: Transport, shards: usize, count: usize) -> TestResult<(impl Sized, Vec<DeskClient>)> {
    let site = transport.serve(Clerk::new().server(shards)).await?;
    assert_eq!(site.server().local_addrs(), [site.server().local_addr()]);
    let mut clients = vec![DeskClient::new(site.channel.clone())];
    while clients.len() < count {
        clients.push(DeskClient::new(site.connect().await?));
    }
    Ok((site, clients))
}

async fn each_connection_stays_on_one_thread(transport: Transport) -> TestResult {
    let (_site, clients) = clients(transport, 2, CONNECTIONS).await?;
    let first = threads(&clients).await?;
    assert_eq!(first.iter().cloned().collect::<BTreeSet<_>>(), shard_names(2));
    for _ in 0..10 {
        assert_eq!(threads(&clients).await?, first);
    }
    if transport != Transport::Udp || cfg!(not(target_os = "linux")) {
        let zero = first.iter().filter(|name| *name == "farcall-0").count();
        assert_eq!(zero, CONNECTIONS / 2);
    }
    Ok(())
}

over_every_socket!(each_connection_stays_on_one_thread);

async fn one_shard_is_a_thread_of_its_own(transport: Transport) -> TestResult {
    let site = transport.serve(Clerk::new().server(1)).await?;
    let client = DeskClient::new(site.channel.clone());
    assert_eq!(client.thread().await?, "farcall-0");
    Ok(())
}

over_every_transport!(one_shard_is_a_thread_of_its_own);

#[tokio::test]
async fn without_a_number_there_is_a_shard_for_each_core() -> TestResult {
    let cores = std::thread::available_parallelism()?.get();
    let (_site, clients) = clients(Transport::Tcp, 0, 2 * cores).await?;
    let seen: BTreeSet<_> = threads(&clients).await?.into_iter().collect();
    assert_eq!(seen, shard_names(cores));
    Ok(())
}

/// Turns would put all clients that stay on one shard.
#[tokio::test]
async fn a_connection_goes_where_the_fewest_are() -> TestResult {
    let (gone, mut leaving) = mpsc::unbounded_channel();
    let server = Clerk::new().server(2).on_disconnection(move |_, _| {
        let _ = gone.send(());
    });
    let server = server.listen("tcp://127.0.0.1:0").await?;
    let on_each = crate::desk::clients(&server, 2).await?;
    let mut staying = Vec::new();
    for _ in 0..8 {
        let mut two = crate::desk::clients(&server, 2).await?;
        drop(two.pop());
        staying.extend(two);
        ends("the connection", leaving.recv()).await;
        // What runs on its thread next runs when its place is free.
        threads(&on_each).await?;
    }
    let staying = threads(&staying).await?;
    assert_eq!(staying.iter().filter(|name| *name == "farcall-0").count(), 4);
    Ok(())
}

#[tokio::test]
async fn streams_that_a_program_accepts_are_spread_too() -> TestResult {
    let server = Clerk::new().server(2).start()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let dialled = Channel::connect(listener.local_addr()?);
        let accepted = async {
            let (stream, peer) = listener.accept().await.or_internal()?;
            server.serve(Connected::new(Box::new(stream), peer.into()));
            Ok(())
        };
        let (channel, ()) = tokio::try_join!(dialled, accepted)?;
        clients.push(DeskClient::new(channel));
    }
    let mut seen = threads(&clients).await?;
    seen.sort();
    assert_eq!(seen, ["farcall-0", "farcall-0", "farcall-1", "farcall-1"]);
    Ok(())
}

/// As on systems that do not spread clients over the sockets of an address.
#[tokio::test]
async fn sessions_of_a_single_socket_are_spread_too() -> TestResult {
    let server = Clerk::new().server(2).start()?;
    server.listen_on(bind(&"udp://127.0.0.1:0".parse()?).await?)?;
    let clients = crate::desk::clients(&server, 4).await?;
    let mut seen = threads(&clients).await?;
    seen.sort();
    assert_eq!(seen, ["farcall-0", "farcall-0", "farcall-1", "farcall-1"]);
    Ok(())
}
