//! Strangers are recognised, told what they can understand, and never hold a place for long.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use farcall::{
    Address, Channel, Code, Error, Limits, Outcome, RunningServer, codec::Format, testing::Network,
    transport::Connected,
};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober, ends},
    raw::{self, Peer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

/// A server, and what it says of connections that failed.
async fn server(limits: Limits, address: &str) -> farcall::Result<(RunningServer, UnboundedReceiver<String>)> {
    let (told, heard) = unbounded_channel();
    let server = Prober::new()
        .server()
        .limits(limits)
        .on_failed_connection(move |_, why| {
            // The test may have ended.
            let _ = told.send(why.to_owned());
        })
        .listen(address)
        .await?;
    Ok((server, heard))
}

/// What a server answers to `bytes` before it closes, and what it says about it.
async fn answer(bytes: &[u8]) -> Result<(Vec<u8>, String), Box<dyn StdError>> {
    let (server, mut heard) = server(Limits::default(), "tcp://127.0.0.1:0").await?;
    let honest = ProbeClient::connect(server.local_addr()).await?;
    let mut peer = Peer::dial(&server.local_addr()).await?;
    peer.send(bytes).await?;
    let mut answer = Vec::new();
    ends("the connection", peer.stream.read_to_end(&mut answer)).await?;
    let why = ends("the reason", heard.recv()).await.ok_or("the server is gone")?;
    assert_eq!(honest.add(1, 2).await?, 3);
    ProbeClient::connect(server.local_addr()).await?;
    Ok((answer, why))
}

#[tokio::test]
async fn an_http_client_is_answered_in_http() -> TestResult {
    for request in [
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let (answer, why) = answer(request.as_bytes()).await?;
        let answer = String::from_utf8(answer)?;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("a body")?;
        assert!(body.contains("farcall"), "{body}");
        assert!(
            answer.contains(&format!("content-length: {}\r\n", body.len())),
            "{answer}"
        );
        assert!(why.contains("HTTP"), "{why}");
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_speaks_tls_gets_an_alert() -> TestResult {
    let begins = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    let (answer, why) = answer(&[&begins[..], &[7; 500]].concat()).await?;
    assert_eq!(
        answer,
        [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a],
        "fatal, `unexpected_message`"
    );
    assert!(why.contains("TLS"), "{why}");
    Ok(())
}

#[tokio::test]
async fn strangers_are_named_and_get_silence() -> TestResult {
    for (bytes, expected) in [
        (&[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28][..], "TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak farcall"),
        (b"farcall!", "does not speak farcall"),
        (&vec![0; 100_000][..], "does not speak farcall"),
    ] {
        let (answer, why) = answer(bytes).await?;
        assert!(answer.is_empty(), "{answer:?}");
        assert!(why.contains(expected), "{why}");
    }
    Ok(())
}

/// The status of a rejection and its text.
fn rejection(mut answer: Vec<u8>) -> (Option<Code>, String) {
    assert!(answer.starts_with(b"farcall\0"), "{answer:?}");
    let text = answer.split_off(14);
    (
        Code::from_number(answer[9]),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[tokio::test]
async fn a_client_that_does_not_fit_is_told_why() -> TestResult {
    let allows_nothing = raw::limits([1, 0, 1, 1]);
    for (hello, expected) in [
        (
            raw::hello(raw::CLIENT, 2, 9, 1, &raw::limits(raw::LIMITS)),
            "versions 2 to 9",
        ),
        (
            raw::hello(raw::CLIENT, 1, 1, 99, &raw::limits(raw::LIMITS)),
            "unknown format (number 99)",
        ),
        (raw::hello(raw::CLIENT, 1, 1, 1, &[0; 3]), "hello that ends early"),
        (raw::hello(raw::CLIENT, 1, 1, 1, &[0; 2000]), "a hello of 2000 bytes"),
        (
            raw::hello(raw::CLIENT, 1, 1, 1, &allows_nothing),
            "limits that allow no call",
        ),
        (raw::server_hello(), "hello as a server does"),
        (raw::hello(7, 1, 1, 1, &raw::limits(raw::LIMITS)), "unknown role 7"),
    ] {
        let (answer, why) = answer(&hello).await?;
        let (code, text) = rejection(answer);
        assert_eq!(code, Some(Code::FailedPrecondition), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(why.contains(expected), "{why}");
    }
    Ok(())
}

#[tokio::test]
async fn a_later_version_that_knows_this_one_is_welcome() -> TestResult {
    let (server, _heard) = server(Limits::default(), "tcp://127.0.0.1:0").await?;
    let mut peer = Peer::dial(&server.local_addr()).await?;
    let more = [raw::limits(raw::LIMITS), b"what a later version adds".to_vec()].concat();
    peer.send(&raw::hello(raw::CLIENT, 1, 3, 1, &more)).await?;
    let answer = peer.take(raw::server_hello().len()).await?;
    assert_eq!(answer[9], 0, "accepted");
    peer.send(&raw::request(0, "add", &(1_u64, 2_u64))).await?;
    assert_eq!(peer.next().await?.kind, raw::REPLY);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_finish_is_cut() -> TestResult {
    const TIME: Duration = Duration::from_secs(5);
    let limits = Limits::default().handshake_timeout(TIME);
    let (server, mut heard) = server(limits, "mem://handshake-silent").await?;
    for beginning in [&[][..], b"G", b"farcall", &raw::client_hello()[..29]] {
        let (near, far) = Network::seeded(1).pair();
        let mut peer = Peer::new(near);
        let start = Instant::now();
        server.serve(Connected::new(far, server.local_addr()));
        peer.send(beginning).await?;
        let why = heard.recv().await.ok_or("the server is gone")?;
        assert!(why.contains("within 5s"), "{why}");
        assert!(start.elapsed() >= TIME && start.elapsed() < TIME + Duration::from_millis(10));
        peer.stream.read_u8().await.expect_err("it is closed");
    }
    Ok(())
}

#[tokio::test]
async fn a_peer_that_leaves_during_the_handshake_is_noticed() -> TestResult {
    let (server, mut heard) = server(Limits::default(), "tcp://127.0.0.1:0").await?;
    let mut peer = Peer::dial(&server.local_addr()).await?;
    peer.send(b"farc").await?;
    drop(peer);
    let why = ends("the reason", heard.recv()).await.ok_or("the server is gone")?;
    assert!(why.contains("end of file"), "{why}");
    Ok(())
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() -> TestResult {
    let (server, mut heard) = server(Limits::default().max_connections(2), "tcp://127.0.0.1:0").await?;
    let first = ProbeClient::connect(server.local_addr()).await?;
    let _second = ProbeClient::connect(server.local_addr()).await?;
    let error = ProbeClient::connect(server.local_addr())
        .await
        .expect_err("one too many");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert!(error.message().contains("max_connections"), "{error}");
    assert!(error.is_retryable());
    let why = ends("the reason", heard.recv()).await.ok_or("the server is gone")?;
    assert!(why.contains("has 2 connections already"), "{why}");
    assert_eq!(first.add(1, 2).await?, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_place_is_free_again_when_its_connection_has_ended() -> TestResult {
    let (server, _heard) = server(Limits::default().max_connections(1), "mem://handshake-places").await?;
    let network = Network::seeded(1).delay(1..3);
    for _ in 0..5 {
        let client = ProbeClient::new(network.connect(&server).await?);
        assert_eq!(client.add(1, 2).await?, 3);
        network.connect(&server).await.expect_err("one too many");
        drop(client);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// What a client says of a server that answers its hello with `bytes` and closes.
async fn stranger(bytes: Vec<u8>) -> Result<Error, Box<dyn StdError>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = Address::from(listener.local_addr()?);
    let stranger = tokio::spawn(async move {
        let mut peer = Peer::new(listener.accept().await?.0);
        peer.take(raw::client_hello().len()).await?;
        peer.send(&bytes).await?;
        peer.stream.shutdown().await
    });
    let error = ends("connecting", Channel::connect(&address))
        .await
        .err()
        .ok_or("an error")?;
    stranger.await??;
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert!(error.message().contains(&address.to_string()), "{error}");
    Ok(error)
}

#[tokio::test]
async fn a_client_recognises_strangers() -> TestResult {
    let precondition = Code::FailedPrecondition;
    for (answer, code, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), precondition, "HTTP"),
        (vec![0x16, 0x03, 0x01, 0x00], precondition, "TLS"),
        (vec![0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x32], precondition, "TLS"),
        (
            b"220 mail.example.org ESMTP\r\n".to_vec(),
            precondition,
            "does not speak farcall",
        ),
        (
            raw::hello(raw::SERVER, 2, 0, 1, &raw::limits(raw::LIMITS)),
            precondition,
            "version",
        ),
        (
            raw::hello(raw::SERVER, 1, 0, 2, &raw::limits(raw::LIMITS)),
            precondition,
            "answers in postcard and not in bincode",
        ),
        (
            raw::hello(raw::SERVER, 1, 0, 1, &[0; 4]),
            precondition,
            "hello that ends early",
        ),
        (
            raw::hello(raw::SERVER, 1, 0, 1, &raw::limits([9, 3, 1, 1])),
            precondition,
            "limits that allow no call",
        ),
        (
            raw::hello(raw::SERVER, 1, 14, 0, b"come back later"),
            Code::Unavailable,
            "come back later",
        ),
        (raw::hello(raw::SERVER, 1, 200, 0, b"\xff"), Code::Unknown, ""),
        // It is a client as well, or an echo service.
        (raw::client_hello(), precondition, "hello as a client does"),
        (
            raw::hello(raw::CLIENT, 1, 14, 0, b"come back later"),
            precondition,
            "sends back what it receives",
        ),
        (
            raw::hello(0, 1, 0, 1, &raw::limits(raw::LIMITS)),
            precondition,
            "unknown role 0",
        ),
        (vec![], Code::Unavailable, "closed it during the handshake"),
        (
            raw::server_hello()[..20].to_vec(),
            Code::Unavailable,
            "closed it during the handshake",
        ),
    ] {
        let error = stranger(answer).await?;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(expected), "{error}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_wait_long_for_a_silent_server() -> TestResult {
    let kept = std::sync::Mutex::new(Vec::new());
    let accept = move |stream| kept.lock().expect("not poisoned").push(stream);
    let channel = Channel::builder()
        .limits(Limits::default().handshake_timeout(Duration::from_secs(3)))
        .connector(Network::seeded(1).connector(Arc::new(accept)));
    let start = Instant::now();
    let error = ProbeClient::new(channel).add(1, 2).await.expect_err("silence");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted)
    );
    assert!(error.message().contains("within 3s"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(3010), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_format_that_the_server_lacks_is_named() -> TestResult {
    let names = ["postcard", "json", "cbor", "an unknown format (number 5)"];
    for (number, name) in (2..).zip(names) {
        if Format::from_id(number).is_none() {
            let (_, why) = answer(&raw::hello(raw::CLIENT, 1, 1, number, &raw::limits(raw::LIMITS))).await?;
            assert!(why.contains(&format!("the client speaks {name}")), "{why}");
        }
    }
    Ok(())
}

/// Nothing was called, so nothing is said of that.
#[tokio::test]
async fn an_error_without_a_call_does_not_say_whether_one_ran() -> TestResult {
    let (server, _heard) = server(Limits::default(), "tcp://127.0.0.1:0").await?;
    let taken = Prober::new().server().listen(server.local_addr()).await;
    let unreadable = Channel::connect("nonsense").await;
    for error in [taken.err(), unreadable.err()] {
        let text = error.ok_or("it cannot work")?.to_string();
        assert!(!text.contains("executed"), "{text}");
    }
    Ok(())
}
