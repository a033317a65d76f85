//! One caller takes no more than its part: of calls in a second, of connections, of handshakes.

use std::time::Duration;

use farcall::{
    Code, Identity, Limits, RunningServer,
    transport::{Address, Connected},
};
use farcall_tests::{
    TestResult,
    probe::{Prober, ends},
    raw::{self, FAILURE, Peer, REPLY},
};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
    time::advance,
};

type Client = Peer<DuplexStream>;

/// A client at `address`, with this identity if it is named, that has said nothing yet.
fn dial(server: &RunningServer, address: &str, identity: &str) -> TestResult<Client> {
    let (here, there) = duplex(64 << 10);
    let connected = Connected::new(Box::new(there), address.parse::<Address>()?);
    server.serve(match identity {
        "" => connected,
        name => connected.with_identity(Identity::new([name])),
    });
    Ok(Peer::new(here))
}

async fn join(server: &RunningServer, address: &str, identity: &str) -> TestResult<Client> {
    let mut client = dial(server, address, identity)?;
    client.open().await?;
    Ok(client)
}

/// The code of a refusal and its text; `None` for an answer.
async fn call(client: &mut Client, bytes: usize) -> TestResult<Option<(u8, u8, String)>> {
    client.send(&raw::request(0, "echo", &(vec![7_u8; bytes],))).await?;
    let frame = client.next().await?;
    match frame.kind {
        REPLY => Ok(None),
        kind => {
            assert_eq!(kind, FAILURE);
            Ok(Some((frame.payload[0], frame.payload[1], frame.text())))
        }
    }
}

/// How many small calls pass until one is refused, and the refusal.
async fn passes(client: &mut Client, bytes: usize) -> TestResult<(usize, String)> {
    for passed in 0..1000 {
        if let Some((code, outcome, text)) = call(client, bytes).await? {
            assert_eq!(
                (code, outcome),
                (Code::ResourceExhausted as u8, farcall::Outcome::NotExecuted as u8)
            );
            return Ok((passed, text));
        }
    }
    Err("no call was refused".into())
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_second_are_those_of_all_connections_of_a_caller() -> TestResult {
    let prober = Prober::new();
    let server = prober.server().limits(Limits::default().max_call_rate(10)).start()?;
    let mut first = join(&server, "tcp://192.0.2.1:1", "").await?;
    let (passed, text) = passes(&mut first, 1).await?;
    assert_eq!(passed, 10);
    assert!(
        text.contains("10 calls in a second") && text.contains("`max_call_rate`"),
        "{text}"
    );
    assert!(text.contains("try again in 100ms"), "{text}");

    // Another connection is the same caller, and so is the next one when no connection is left.
    let mut second = join(&server, "udp://192.0.2.1:2", "").await?;
    assert_eq!(passes(&mut second, 1).await?.0, 0);
    drop((first, second));
    while server.running_calls() > 0 {
        tokio::task::yield_now().await;
    }
    let mut third = join(&server, "tcp://192.0.2.1:3", "").await?;
    assert_eq!(passes(&mut third, 1).await?.0, 0);

    // Other callers have their own: another address, and identities wherever they are.
    assert_eq!(
        passes(&mut join(&server, "tcp://192.0.2.2:1", "").await?, 1).await?.0,
        10
    );
    assert_eq!(
        passes(&mut join(&server, "tcp://192.0.2.1:4", "dns:a").await?, 1)
            .await?
            .0,
        10
    );
    assert_eq!(
        passes(&mut join(&server, "tcp://192.0.2.3:1", "dns:a").await?, 1)
            .await?
            .0,
        0
    );
    advance(Duration::from_millis(300)).await;
    assert_eq!(passes(&mut third, 1).await?.0, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn bytes_in_a_second_are_those_of_the_arguments() -> TestResult {
    let prober = Prober::new();
    let server = prober
        .server()
        .limits(Limits::default().max_byte_rate(10_000))
        .start()?;
    let mut client = join(&server, "tcp://192.0.2.1:1", "").await?;
    let (passed, text) = passes(&mut client, 1000).await?;
    assert_eq!(passed, 9, "each argument has its length in front");
    assert!(
        text.contains("10000 bytes of calls in a second") && text.contains("`max_byte_rate`"),
        "{text}"
    );
    advance(Duration::from_secs(2)).await;
    // Longer than a second's worth, when nothing is used up: it passes, and is paid off.
    assert_eq!(call(&mut client, 30_000).await?, None);
    advance(Duration::from_millis(2900)).await;
    assert_eq!(passes(&mut client, 1000).await?.0, 8);
    Ok(())
}

#[tokio::test]
async fn calls_at_one_time_of_an_identity_leave_room_for_others() -> TestResult {
    let prober = Prober::new();
    let server = prober.server().limits(Limits::default().max_server_calls(16)).start()?;
    let mut peers = Vec::new();
    for host in 1..=16 {
        let mut peer = join(&server, &format!("tcp://192.0.2.{host}:1"), "dns:a").await?;
        peer.send(&raw::request(0, "hold", &(0_u64,))).await?;
        peers.push(peer);
    }
    let refused = ends("a refusal", peers[15].next()).await?;
    assert!(
        refused.text().contains("12 calls of this identity"),
        "{}",
        refused.text()
    );
    for (address, identity) in [("tcp://192.0.2.1:2", "dns:b"), ("tcp://192.0.2.1:3", "")] {
        assert_eq!(call(&mut join(&server, address, identity).await?, 1).await?, None);
    }
    prober.release();
    Ok(())
}

#[tokio::test]
async fn connections_of_an_identity_leave_room_for_others() -> TestResult {
    let prober = Prober::new();
    let (heard, mut told) = mpsc::unbounded_channel();
    let server = prober.server().limits(Limits::default().max_connections(16));
    let server = server.on_failed_connection(move |_, why| heard.send(why.to_owned()).expect("the test listens"));
    let server = server.start()?;
    let mut inside = Vec::new();
    for host in 1..=12 {
        inside.push(join(&server, &format!("tcp://192.0.2.{host}:1"), "dns:a").await?);
    }
    let mut refused = dial(&server, "tcp://192.0.2.99:1", "dns:a")?;
    refused.send(&raw::client_hello()).await?;
    let why = ends("a reason", told.recv()).await.ok_or("the server is gone")?;
    assert!(
        why.contains("12 connections of this identity") && why.contains("`max_connections`"),
        "{why}"
    );
    for (address, identity) in [("tcp://192.0.2.1:2", "dns:b"), ("tcp://192.0.2.2:3", "")] {
        assert_eq!(call(&mut join(&server, address, identity).await?, 1).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn the_oldest_handshake_gives_way_to_a_new_one() -> TestResult {
    let prober = Prober::new();
    let (heard, mut told) = mpsc::unbounded_channel();
    let server = prober.server().limits(Limits::default().max_handshakes(4));
    let server = server.on_failed_connection(move |peer, why| {
        heard
            .send((peer.to_string(), why.to_owned()))
            .expect("the test listens");
    });
    let server = server.start()?;
    // An open connection is not in the way.
    let mut open = Vec::new();
    for host in 1..=8 {
        open.push(join(&server, &format!("tcp://192.0.2.{host}:1"), "").await?);
    }
    let mut silent = Vec::new();
    for host in 11..=18 {
        silent.push(dial(&server, &format!("tcp://192.0.2.{host}:1"), "")?);
    }
    for host in 11..=14 {
        let (peer, why) = ends("a reason", told.recv()).await.ok_or("the server is gone")?;
        assert_eq!(peer, format!("tcp://192.0.2.{host}:1"));
        assert!(why.contains("`max_handshakes`") && why.contains("the oldest"), "{why}");
    }
    assert_eq!(
        call(&mut join(&server, "tcp://192.0.2.20:1", "").await?, 1).await?,
        None
    );
    for peer in &mut open {
        assert_eq!(call(peer, 1).await?, None);
    }
    // One address alone has a part of them, and its own oldest gives way.
    let many: Vec<_> = (0..6)
        .map(|port| dial(&server, &format!("tcp://192.0.2.30:{port}"), ""))
        .collect();
    assert_eq!(many.len(), 6);
    assert_eq!(
        call(&mut join(&server, "tcp://192.0.2.21:1", "").await?, 1).await?,
        None
    );
    Ok(())
}
