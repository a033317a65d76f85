//! Handshakes run beside accepting, and end in time; a connection that is cut never passes for one that has ended.

use std::time::Duration;

use farcall::{Address, Channel, Code, Limits, Outcome, Server};
use farcall_tests::TestResult;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Instant,
};

use crate::support::{Counted, Party, VaultClient, VaultServer, connect, serve};

fn socket(address: &Address) -> String {
    address.to_string().trim_start_matches("tls://").to_owned()
}

#[tokio::test]
async fn stalled_handshakes_delay_nobody() -> TestResult {
    let party = Party::new()?;
    let server = serve(&Counted::default(), party.server_tls()).await?;
    let mut stalled = Vec::new();
    for said in 0..200 {
        let mut stream = TcpStream::connect(socket(&server.local_addr())).await?;
        // Some say nothing, some begin a record.
        stream.write_all(&[0x16, 0x03, 0x01][..said % 4]).await?;
        stalled.push(stream);
    }
    connect(&server, party.client_tls()).await?.open().await?;
    Ok(())
}

#[tokio::test]
async fn a_stalled_handshake_is_cut_when_its_time_is_over() -> TestResult {
    let (party, time) = (Party::new()?, Duration::from_millis(200));
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Server::new()
        .service(VaultServer::new(Counted::default()))
        .tls(party.server_tls())
        .limits(Limits::default().handshake_timeout(time))
        .on_failed_connection(move |_, why| told.send(why.to_owned()).expect("the test listens"))
        .listen("tls://127.0.0.1:0")
        .await?;
    let began = Instant::now();
    let mut stream = TcpStream::connect(socket(&server.local_addr())).await?;
    stream.write_all(&[0x16, 0x03, 0x01]).await?;
    assert_eq!(stream.read(&mut [0]).await?, 0, "it is closed");
    assert!(began.elapsed() >= time);
    assert_eq!(
        hears.recv().await.as_deref(),
        Some("the peer did not open its stream within 200ms")
    );
    assert!(format!("{:?}", Limits::default()).contains("handshake_timeout: 10s"));
    Ok(())
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up() -> TestResult {
    let (party, time) = (Party::new()?, Duration::from_millis(200));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address: Address = format!("tls://{}", listener.local_addr()?).parse()?;
    let channel = Channel::builder()
        .tls(party.client_tls())
        .limits(Limits::default().handshake_timeout(time));
    let error = channel.connect(&address).await.expect_err("nobody answers");
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert!(error.is_retryable(), "{error}");
    assert_eq!(
        error.message(),
        format!("cannot connect to {address}: there was no answer within 200ms")
    );
    Ok(())
}

/// The sender's end of a stream may be forged by whoever can write into the network: only TLS itself says that the
/// peer has ended.
#[tokio::test]
async fn an_answer_that_is_cut_is_an_error() -> TestResult {
    const BYTES: usize = 1 << 20;
    for passes in [3_000, BYTES / 2, BYTES] {
        let (party, vault) = (Party::new()?, Counted::default());
        let server = serve(&vault, party.server_tls()).await?;
        let relay = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("tls://{}", relay.local_addr()?);
        let to = socket(&server.local_addr());
        // Passes so many bytes of the server's on, and then ends the stream as the server would.
        let relaying = tokio::spawn(async move {
            let (mut client, _) = relay.accept().await?;
            let mut server = TcpStream::connect(to).await?;
            let (mut from_client, mut to_client) = client.split();
            let (from_server, mut to_server) = server.split();
            let mut from_server = from_server.take(passes as u64);
            let back = async {
                copy(&mut from_server, &mut to_client).await?;
                to_client.shutdown().await
            };
            let (_, cut) = tokio::join!(copy(&mut from_client, &mut to_server), back);
            cut
        });
        let channel = Channel::builder()
            .tls(party.client_tls())
            .connect(address.as_str())
            .await?;
        let error = VaultClient::new(channel)
            .echo(vec![7; BYTES])
            .await
            .expect_err("the answer was cut");
        assert_eq!(error.code(), Code::Unavailable, "{passes}: {error}");
        assert_eq!(error.outcome(), Outcome::Unknown, "{passes}: {error}");
        relaying.abort();
    }
    Ok(())
}

#[tokio::test]
async fn a_server_without_a_certificate_does_not_listen() -> TestResult {
    let server = Server::new().service(VaultServer::new(Counted::default()));
    let error = server
        .listen("tls://127.0.0.1:0")
        .await
        .expect_err("it has no certificate");
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    let text = "cannot listen on `tls://127.0.0.1:0`: the server has no certificate; give it one with `Server::tls`";
    assert_eq!(error.message(), text);
    Ok(())
}
