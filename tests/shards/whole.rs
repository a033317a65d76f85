//! Shards are one server: what holds for a server holds for all of them together.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use farcall::{Code, Limits, Outcome};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_socket};
use futures::future::try_join_all;

use crate::desk::{Clerk, DeskClient, Guest, GuestClient, clients_of, shard_names, thread_name, threads};

/// A limit that the peers at one address may use up.
const LIMIT: usize = 3;

async fn calls_are_limited_in_all(transport: Transport) -> TestResult {
    let clerk = Clerk::new();
    let limits = Limits::default().max_server_calls(LIMIT);
    let site = transport.serve(clerk.server(2).limits(limits)).await?;
    let clients = clients_of(&site, 16).await?;
    let (mut held, mut refused) = (Vec::new(), 0);
    for (index, client) in clients.iter().enumerate() {
        let mut call = tokio::spawn(client.hold());
        tokio::select! {
            () = clerk.gate.entered() => held.push((index, call)),
            ended = &mut call => {
                assert_fails(ended?, Code::ResourceExhausted, Outcome::NotExecuted, &["max_server_calls"]);
                refused += 1;
            }
        }
        assert_eq!(site.server().running_calls(), held.len());
    }
    assert_eq!((held.len(), refused), (LIMIT, 16 - LIMIT));
    clerk.gate.open(LIMIT);
    for (index, call) in held {
        let thread = call.await??;
        assert_eq!(thread, clients[index].thread().await?);
    }
    Ok(())
}

async fn connections_are_limited_in_all(transport: Transport) -> TestResult {
    let limits = Limits::default().max_connections(LIMIT);
    let site = transport.serve(Clerk::new().server(2).limits(limits)).await?;
    let mut all = clients_of(&site, LIMIT - 1).await?;
    all.push(DeskClient::new(site.channel.clone()));
    threads(&all).await?;
    let error = clients_of(&site, 1).await.map(|_| ()).expect_err("there is no room");
    assert!(error.to_string().contains("max_connections"), "{error}");
    Ok(())
}

async fn hooks_hear_of_every_connection(transport: Transport) -> TestResult {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let hears = Arc::clone(&heard);
    let server = Clerk::new()
        .server(2)
        .on_connection(move |_| hears.lock().expect("not poisoned").push(thread_name()));
    let site = transport.serve(server).await?;
    let mut all = clients_of(&site, 31).await?;
    all.push(DeskClient::new(site.channel.clone()));
    let mut ran = threads(&all).await?;
    let mut heard = heard.lock().expect("not poisoned").clone();
    ran.sort();
    heard.sort();
    assert_eq!(heard, ran);
    assert_eq!(ran.into_iter().collect::<BTreeSet<_>>(), shard_names(2));
    Ok(())
}

struct One;

impl Guest for One {
    async fn ring(&self) -> farcall::Result<u32> {
        Ok(1)
    }
}

async fn objects_of_clients_are_called_from_any_shard(transport: Transport) -> TestResult {
    let site = transport.serve(Clerk::new().server(2)).await?;
    let clients = clients_of(&site, 16).await?;
    for client in &clients {
        client.join(GuestClient::local(One)).await?;
    }
    let sums = try_join_all(clients.iter().map(DeskClient::ring)).await?;
    assert_eq!(sums, [16; 16]);
    Ok(())
}

over_every_socket!(
    calls_are_limited_in_all,
    connections_are_limited_in_all,
    hooks_hear_of_every_connection,
    objects_of_clients_are_called_from_any_shard,
);
