//! The peers at one address never take all of a server: peers at other addresses still get in.

use farcall::{Code, Limits, RunningServer, transport::Connected};
use farcall_tests::{
    TestResult,
    probe::{Prober, ends},
    raw::{self, Peer},
};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
};

type Client = Peer<DuplexStream>;

/// A server whose peers are where a test says, and what it says of those that it did not let in.
async fn run(
    prober: &Prober,
    limits: Limits,
    name: &str,
) -> TestResult<(RunningServer, mpsc::UnboundedReceiver<String>)> {
    let (heard, told) = mpsc::unbounded_channel();
    let server = prober.server().limits(limits).on_failed_connection(move |_, why| {
        let _ = heard.send(why.to_owned());
    });
    Ok((server.listen(format!("mem://shares-{name}")).await?, told))
}

/// A client at `address` that has said nothing yet.
fn dial(server: &RunningServer, address: &str) -> TestResult<Client> {
    let (here, there) = duplex(64 << 10);
    server.serve(Connected::new(Box::new(there), address.parse()?));
    Ok(Peer::new(here))
}

async fn join(server: &RunningServer, address: &str) -> TestResult<Client> {
    let mut peer = dial(server, address)?;
    peer.open().await?;
    Ok(peer)
}

/// Whether a client gets in and gets an answer.
async fn is_served(peer: &mut Client) -> TestResult {
    peer.send(&raw::request(0, "add", &(1_u64, 2_u64))).await?;
    let frame = ends("an answer", peer.next()).await?;
    assert_eq!(frame.kind, raw::REPLY, "{}", frame.text());
    Ok(())
}

#[tokio::test]
async fn calls_that_sleep_leave_room_for_another_address() -> TestResult {
    let prober = Prober::new();
    let (server, _told) = run(&prober, Limits::default().max_server_calls(16), "calls").await?;
    let mut sleepers = Vec::new();
    for port in 0..16 {
        let mut peer = join(&server, &format!("tcp://192.0.2.1:{port}")).await?;
        for call in 0..2 {
            peer.send(&raw::request(call, "hold", &(0_u64,))).await?;
        }
        sleepers.push(peer);
    }
    // The last of them is refused, and told whose limit that is.
    let refused = ends("a refusal", sleepers[15].next()).await?;
    assert_eq!(refused.payload[0], Code::ResourceExhausted as u8);
    assert!(
        refused.text().contains("12 calls from this address") && refused.text().contains("`max_server_calls`"),
        "{}",
        refused.text()
    );
    assert_eq!(prober.counts().running, 12);
    for peer in ["tcp://192.0.2.2:1", "udp://[2001:db8::1]:1", "unix:///tmp/socket"] {
        is_served(&mut join(&server, peer).await?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn connections_leave_room_for_another_address() -> TestResult {
    let prober = Prober::new();
    let (server, mut told) = run(&prober, Limits::default().max_connections(16), "connections").await?;
    let mut inside = Vec::new();
    for port in 0..12 {
        inside.push(join(&server, &format!("tcp://192.0.2.1:{port}")).await?);
    }
    for port in 12..20 {
        let mut refused = dial(&server, &format!("tcp://192.0.2.1:{port}"))?;
        assert!(refused.send(&raw::client_hello()).await.is_err() || refused.last_word().await.is_none());
        let why = ends("a reason", told.recv()).await.ok_or("the server is gone")?;
        assert!(
            why.contains("12 connections from this address") && why.contains("`max_connections`"),
            "{why}"
        );
    }
    is_served(&mut join(&server, "tcp://192.0.2.2:1").await?).await?;
    for peer in &mut inside {
        is_served(peer).await?;
    }
    // A connection that ends makes room.
    drop(inside);
    let mut again = None;
    while again.is_none() {
        again = join(&server, "tcp://192.0.2.1:1").await.ok();
    }
    Ok(())
}

/// Those who only take places are the oldest soon.
#[tokio::test]
async fn who_does_not_say_hello_gives_way() -> TestResult {
    let prober = Prober::new();
    let limits = Limits::default().max_connections(4);
    let (server, mut told) = run(&prober, limits, "half-open").await?;
    let mut honest = join(&server, "tcp://192.0.2.2:1").await?;
    let mut silent = Vec::new();
    for port in 0..50 {
        silent.push(dial(&server, &format!("tcp://192.0.2.1:{port}"))?);
        silent.push(dial(&server, &format!("tcp://192.0.2.{}:1", 100 + port))?);
    }
    for peer in ["tcp://192.0.2.1:60", "tcp://192.0.2.3:1", "unix:///tmp/socket"] {
        let mut late = join(&server, peer).await?;
        is_served(&mut late).await?;
        drop(late);
    }
    // An open connection keeps its place.
    is_served(&mut honest).await?;
    let why = ends("a reason", told.recv()).await.ok_or("the server is gone")?;
    assert!(
        why.contains("still being opened this one was the oldest") && why.contains("`max_connections`"),
        "{why}"
    );
    let mut oldest = silent.swap_remove(0);
    assert!(ends("the end", oldest.last_word()).await.is_none());
    Ok(())
}
