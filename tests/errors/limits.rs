//! Every limit is kept, is named in its error, and affects only the peer that exceeds it.

use std::sync::{Arc, Mutex};

use farcall::{Channel, Code, Limits, Metadata, Outcome, Result, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_socket, over_every_transport};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

#[farcall::service]
trait Depot {
    async fn length(&self, blob: &[u8]) -> Result<usize>;
    async fn blob(&self, length: usize) -> Result<Vec<u8>>;
    async fn wait(&self) -> Result<()>;
    async fn nest(&self, depth: u32) -> Result<Nest>;
    async fn depth(&self, nest: &Nest) -> Result<u32>;
    async fn names(&self, names: Vec<String>) -> Result<usize>;
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Nest(Option<Box<Nest>>);

impl Nest {
    fn of(depth: u32) -> Self {
        (0..depth).fold(Self(None), |inner, _| Self(Some(Box::new(inner))))
    }

    fn depth(&self) -> u32 {
        std::iter::successors(Some(self), |nest| nest.0.as_deref()).count() as u32 - 1
    }
}

struct Shed(Gate);

impl Depot for Shed {
    async fn length(&self, blob: &[u8]) -> Result<usize> {
        Ok(blob.len())
    }
    async fn blob(&self, length: usize) -> Result<Vec<u8>> {
        Ok(vec![1; length])
    }
    async fn wait(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
    async fn nest(&self, depth: u32) -> Result<Nest> {
        Ok(Nest::of(depth))
    }
    async fn depth(&self, nest: &Nest) -> Result<u32> {
        Ok(nest.depth())
    }
    async fn names(&self, names: Vec<String>) -> Result<usize> {
        Ok(names.len())
    }
}

fn shed(limits: Limits) -> (Server, Gate) {
    let gate = Gate::new();
    let server = Server::new().service(DepotServer::new(Shed(gate.clone())));
    (server.limits(limits), gate)
}

over_every_transport!(
    the_smaller_of_both_sides_bounds_a_message,
    the_last_byte_that_fits_arrives,
    a_large_message_waits_for_room_and_is_not_refused,
    giving_up_a_message_that_waits_lets_those_behind_it_go,
    a_full_connection_refuses_at_once_and_recovers,
    a_full_server_refuses_at_once_and_recovers,
    metadata_is_bounded_by_both_sides,
    nesting_is_bounded,
    what_a_message_builds_in_memory_is_bounded,
    a_burst_of_large_answers_reaches_a_peer_that_reads,
);

async fn the_smaller_of_both_sides_bounds_a_message(transport: Transport) -> TestResult {
    for (ours, theirs) in [(50_000, 100_000), (100_000, 50_000)] {
        let (server, _) = shed(Limits::default().max_message(theirs));
        let client = Channel::builder().limits(Limits::default().max_message(ours));
        let site = transport.serve_to(server, client).await?;
        let depot = DepotClient::new(site.channel.clone());
        let parts = [
            "Depot.length: ",
            "the arguments take 60003 bytes",
            "(`max_message`) is 50000",
        ];
        let result = depot.length(&vec![0; 60_000]).await;
        assert_fails(result, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
        let parts = [
            "Depot.blob: ",
            "the result takes 60004 bytes",
            "(`max_message`) is 50000",
        ];
        assert_fails(
            depot.blob(60_000).await,
            Code::ResourceExhausted,
            Outcome::Executed,
            &parts,
        );
        assert_eq!(depot.length(&vec![0; 40_000]).await?, 40_000);
    }
    Ok(())
}

/// Around the sizes at which a message goes another way: copied, alone in a frame, in pieces.
async fn the_last_byte_that_fits_arrives(transport: Transport) -> TestResult {
    for limit in [8 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20_usize] {
        let limits = || Limits::default().max_message(limit);
        let site = transport
            .serve_to(shed(limits()).0, Channel::builder().limits(limits()))
            .await?;
        let depot = DepotClient::new(site.channel.clone());
        // In front of the bytes stands their length, in 3 or 5 bytes, and before a result one byte for `Ok`.
        let most = limit - if limit > 65_538 { 5 } else { 3 };
        assert_eq!(depot.length(&vec![0; most]).await?, most);
        let result = depot.length(&vec![0; most + 1]).await;
        assert_fails(result, Code::ResourceExhausted, Outcome::NotExecuted, &["max_message"]);
        assert_eq!(depot.blob(most - 1).await?.len(), most - 1);
        let parts = ["max_message"];
        assert_fails(
            depot.blob(most).await,
            Code::ResourceExhausted,
            Outcome::Executed,
            &parts,
        );
    }
    Ok(())
}

async fn a_large_message_waits_for_room_and_is_not_refused(transport: Transport) -> TestResult {
    let limits = || Limits::default().max_message(100_000).max_buffered(100_000);
    let site = transport
        .serve_to(shed(limits()).0, Channel::builder().limits(limits()))
        .await?;
    let depot = DepotClient::new(site.channel.clone());
    let blob = vec![0; 90_000];
    let requests = futures::future::try_join_all((0..20).map(|_| depot.length(&blob))).await?;
    assert_eq!(requests, [90_000; 20]);
    let replies = futures::future::try_join_all((0..20).map(|_| depot.blob(90_000))).await?;
    assert!(replies.iter().all(|reply| reply.len() == 90_000));
    Ok(())
}

#[farcall::service]
trait Halls {
    async fn fill(&self, blob: &[u8]) -> Result<usize>;
}

struct Hall(Gate);

impl Halls for Hall {
    async fn fill(&self, blob: &[u8]) -> Result<usize> {
        self.0.pass().await;
        Ok(blob.len())
    }
}

/// A request keeps its room until its call has ended. The second has to wait for it, and the third for its turn behind
/// the second, although there is room for it.
async fn giving_up_a_message_that_waits_lets_those_behind_it_go(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let limits = Limits::default().max_message(100_000).max_buffered(100_000);
    let server = Server::new()
        .service(HallsServer::new(Hall(gate.clone())))
        .limits(limits);
    let site = transport.serve(server).await?;
    let halls = HallsClient::new(site.channel.clone());
    let first = tokio::spawn(halls.fill(&vec![0; 50_000]));
    gate.entered().await;
    let mut second = Box::pin(halls.fill(&vec![0; 60_000]));
    assert!(futures::poll!(&mut second).is_pending());
    let mut third = Box::pin(halls.fill(&vec![0; 40_000]));
    assert!(futures::poll!(&mut third).is_pending());
    drop(second);
    let third = tokio::spawn(third);
    gate.entered().await;
    gate.open(2);
    assert_eq!((first.await??, third.await??), (50_000, 40_000));
    Ok(())
}

async fn a_full_connection_refuses_at_once_and_recovers(transport: Transport) -> TestResult {
    let (server, gate) = shed(Limits::default().max_calls(3));
    let client = Channel::builder().limits(Limits::default().max_waiting_calls(0));
    let site = transport.serve_to(server, client).await?;
    let parts = ["3 calls are in flight", "`max_calls`"];
    refuses_and_recovers(DepotClient::new(site.channel.clone()), gate, &parts).await
}

async fn a_full_server_refuses_at_once_and_recovers(transport: Transport) -> TestResult {
    let (server, gate) = shed(Limits::default().max_server_calls(3));
    let site = transport.serve(server).await?;
    let parts = ["runs 3 calls already", "`max_server_calls`"];
    refuses_and_recovers(DepotClient::new(site.channel.clone()), gate, &parts).await
}

async fn refuses_and_recovers(depot: DepotClient, gate: Gate, parts: &[&str]) -> TestResult {
    for _ in 0..20 {
        let running: Vec<_> = (0..3).map(|_| tokio::spawn(depot.wait())).collect();
        for _ in 0..3 {
            gate.entered().await;
        }
        for _ in 0..3 {
            assert_fails(depot.wait().await, Code::ResourceExhausted, Outcome::NotExecuted, parts);
        }
        gate.open(3);
        for call in running {
            assert_eq!(call.await?, Ok(()));
        }
        // A call that has its answer has given its place back.
        assert_eq!(depot.length(&[]).await?, 0);
    }
    assert!(!gate.has_entered());
    Ok(())
}

async fn metadata_is_bounded_by_both_sides(transport: Transport) -> TestResult {
    for (ours, theirs) in [(100, 200), (200, 100)] {
        let (server, _) = shed(Limits::default().max_metadata(theirs));
        let client = Channel::builder().limits(Limits::default().max_metadata(ours));
        let site = transport.serve_to(server, client).await?;
        let depot = DepotClient::new(site.channel.clone());
        let result = depot.with_metadata("key", &"x".repeat(93)).length(&[]).await;
        let parts = [
            "Depot.length: ",
            "the metadata takes 101 bytes",
            "(`max_metadata`) is 100",
        ];
        assert_fails(result, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
        assert_eq!(depot.with_metadata("key", &"x".repeat(92)).length(&[]).await?, 0);
    }
    // More than fits into one frame is no limit at all.
    let limits = || Limits::default().max_metadata(usize::MAX);
    let site = transport
        .serve_to(shed(limits()).0, Channel::builder().limits(limits()))
        .await?;
    let depot = DepotClient::new(site.channel.clone());
    let mut most = Metadata::new();
    most.append("key", "x".repeat((16 << 10) - 8))?;
    let value = most.value("key").unwrap_or_default();
    assert_eq!(
        depot.with_metadata("key", value).length(&vec![0; 30 << 10]).await?,
        30 << 10
    );
    let result = depot.with_metadata("key", &format!("{value}x")).length(&[]).await;
    assert_fails(
        result,
        Code::ResourceExhausted,
        Outcome::NotExecuted,
        &["16385 bytes", "16384"],
    );
    Ok(())
}

async fn nesting_is_bounded(transport: Transport) -> TestResult {
    let limits = || Limits::default().max_depth(40);
    let site = transport
        .serve_to(shed(limits()).0, Channel::builder().limits(limits()))
        .await?;
    let depot = DepotClient::new(site.channel.clone());
    assert_eq!(depot.depth(&Nest::of(5)).await?, 5);
    assert_eq!(depot.nest(5).await?.depth(), 5);
    let result = depot.depth(&Nest::of(1000)).await;
    let parts = ["Depot.depth: ", "the arguments cannot be decoded", "max_depth", "40"];
    assert_fails(result, Code::InvalidArgument, Outcome::NotExecuted, &parts);
    let result = depot.nest(1000).await;
    let parts = ["Depot.nest: ", "the result cannot be decoded", "max_depth", "40"];
    assert_fails(result, Code::Internal, Outcome::Executed, &parts);
    Ok(())
}

async fn what_a_message_builds_in_memory_is_bounded(transport: Transport) -> TestResult {
    let (server, _) = shed(Limits::default().max_decoded(10_000));
    let site = transport.serve(server).await?;
    let depot = DepotClient::new(site.channel.clone());
    assert_eq!(depot.names(vec![String::new(); 100]).await?, 100);
    let result = depot.names(vec![String::new(); 10_000]).await;
    let parts = [
        "Depot.names: ",
        "the arguments cannot be decoded",
        "max_decoded",
        "10000",
    ];
    assert_fails(result, Code::InvalidArgument, Outcome::NotExecuted, &parts);
    Ok(())
}

async fn a_burst_of_large_answers_reaches_a_peer_that_reads(transport: Transport) -> TestResult {
    const LENGTH: usize = 1 << 18;
    let (server, _) = shed(Limits::default().max_message(4 * LENGTH).max_buffered(4 * LENGTH));
    let site = transport.serve(server).await?;
    let depot = DepotClient::new(site.channel.clone());
    let blobs = join_all((0..40).map(|_| depot.blob(LENGTH - 16))).await;
    for blob in blobs {
        assert_eq!(blob?.len(), LENGTH - 16);
    }
    Ok(())
}

over_every_socket!(a_full_house_turns_connections_away);

async fn a_full_house_turns_connections_away(transport: Transport) -> TestResult {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&told);
    let (server, _) = shed(Limits::default().max_connections(2));
    let server = server.on_failed_connection(move |_, why| log.lock().expect("nobody panics").push(why.to_owned()));
    let site = transport.serve(server).await?;
    let second = site.connect().await?;
    let parts = [
        "refused the connection",
        "has 2 connections already",
        "`max_connections`",
    ];
    for _ in 0..3 {
        assert_fails(
            site.connect().await,
            Code::ResourceExhausted,
            Outcome::NotExecuted,
            &parts,
        );
    }
    let told = told.lock().expect("nobody panics").clone();
    assert_eq!(
        told,
        ["the server has 2 connections already, its limit (`max_connections`)"; 3]
    );
    // Open connections notice nothing, and one that ends makes room.
    assert_eq!(DepotClient::new(second.clone()).length(&[1]).await?, 1);
    drop(second);
    loop {
        match site.connect().await {
            Ok(third) => break assert_eq!(DepotClient::new(third).length(&[1]).await?, 1),
            Err(error) => assert_eq!(error.code(), Code::ResourceExhausted, "{error}"),
        }
    }
    assert_eq!(DepotClient::new(site.channel.clone()).length(&[1]).await?, 1);
    Ok(())
}
