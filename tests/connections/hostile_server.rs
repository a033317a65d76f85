//! A server may send anything: the calls of its client end with a clear error, and the next call dials again.

use std::{error::Error, time::Duration};

use farcall::{Address, Channel, Code, Limits, Outcome};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, ends},
    raw::{self, CANCEL, CLOSE, FAILURE, GO_AWAY, MORE, PING, PONG, Peer, REPLY, REPLY_DATA, REQUEST, REQUEST_DATA},
};
use tokio::net::TcpListener;

type Sum = Result<u64, farcall::Error>;

const MAX_MESSAGE: u32 = 100_000;
const MAX_BUFFERED: u32 = 150_000;

/// A place for servers that are written by hand, and a client of it.
async fn bed() -> Result<(TcpListener, ProbeClient), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let limits = Limits::default()
        .max_message(MAX_MESSAGE as usize)
        .max_buffered(MAX_BUFFERED as usize)
        .max_calls(64);
    let channel = Channel::builder()
        .limits(limits)
        .no_timeout()
        .connect_lazily(Address::from(listener.local_addr()?))?;
    Ok((listener, ProbeClient::new(channel)))
}

/// Answers one call as it should be.
async fn serve_one(listener: &TcpListener) -> std::io::Result<Peer> {
    let mut peer = Peer::accept(listener).await?;
    let request = peer.next_of(REQUEST).await?;
    peer.send(&raw::reply(request.call, &Sum::Ok(3))).await?;
    Ok(peer)
}

/// The next call is not affected.
async fn recovers(listener: &TcpListener, client: &ProbeClient) -> TestResult {
    let (peer, sum) = tokio::join!(serve_one(listener), ends("the next call", client.add(1, 2)));
    assert_eq!(sum?, 3);
    drop(peer?);
    Ok(())
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_calls_with_a_reason() -> TestResult {
    use raw::{begin_reply, frame, header};

    let good = || raw::reply(0, &Sum::Ok(3));
    let piece = &[7; 1000];
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("call 5, which is not in flight", raw::reply(5, &Sum::Ok(3))),
        (
            "call 4294967295, which is not in flight",
            raw::reply(u32::MAX, &Sum::Ok(3)),
        ),
        ("call 5, which is not in flight", frame(REPLY_DATA, 5, &[1])),
        (
            "call 5, which is not in flight",
            raw::failure(FAILURE, 5, Code::Internal, Outcome::Unknown, ""),
        ),
        ("never began", frame(REPLY_DATA, 0, &[1])),
        ("two replies to call 0", [begin_reply(0, 5000, piece), good()].concat()),
        ("a reply of 100001 bytes", begin_reply(0, MAX_MESSAGE + 1, piece)),
        ("a reply of 4294967295 bytes", begin_reply(0, u32::MAX, piece)),
        (
            "more unfinished replies",
            [begin_reply(0, MAX_MESSAGE, piece), begin_reply(1, MAX_MESSAGE, piece)].concat(),
        ),
        ("more of a message than it announced", begin_reply(0, 999, piece)),
        (
            "less of a message than it announced",
            [begin_reply(0, 5000, piece), frame(REPLY_DATA, 0, piece)].concat(),
        ),
        ("an empty piece", begin_reply(0, 0, &[])),
        (
            "an empty piece",
            [begin_reply(0, 5000, piece), frame(REPLY_DATA | MORE, 0, &[])].concat(),
        ),
        ("ends early", frame(REPLY, 0, &[])),
        ("ends early", frame(REPLY | MORE, 0, &[0])),
        ("ends early", frame(REPLY, 0, &[4, 100, 0, 0, 0])),
        ("bytes of metadata", frame(REPLY, 0, &[4, 0, 0, 1, 0])),
        ("unknown flags 0x80", frame(REPLY, 0, &[0x80])),
        ("ends early", frame(FAILURE, 0, &[14])),
        ("unknown code 0", frame(FAILURE, 0, &[0, 0, 0])),
        ("unknown outcome 3", frame(FAILURE, 0, &[14, 3, 0])),
        ("not UTF-8", frame(FAILURE, 0, &[14, 0, 0, 0xff])),
        ("a frame of 65537 bytes", header(REPLY, 0, 65_537)),
        ("unknown kind 0x2a", frame(42, 0, &[])),
        ("call id 64", frame(REQUEST, 64, &raw::head("add"))),
        ("call id 4294967295", frame(CANCEL, u32::MAX, &[])),
        ("never began", frame(REQUEST_DATA, 0, &[])),
        ("ends early", frame(CLOSE, 0, &[])),
    ];
    for (expected, bytes) in attacks {
        let (listener, client) = bed().await?;
        let calls = [tokio::spawn(client.hold(1)), tokio::spawn(client.hold(2))];
        let mut peer = Peer::accept(&listener).await?;
        for _ in &calls {
            ends("a request", peer.next_of(REQUEST)).await?;
        }
        peer.send(&bytes).await?;
        for call in calls {
            let error = ends(expected, call).await?.expect_err("the server broke the protocol");
            assert_eq!(
                (error.code(), error.outcome()),
                (Code::Internal, Outcome::Unknown),
                "{error}"
            );
            assert!(error.message().contains(expected), "{error}, not {expected}");
        }
        let word = ends("the last word", peer.last_word()).await.ok_or("a last word")?;
        assert!(word.contains(expected), "{word}, not {expected}");
        recovers(&listener, &client).await?;
    }
    Ok(())
}

/// An answer counts although what comes behind it in the same breath ends the connection.
#[tokio::test]
async fn an_answer_before_the_end_is_an_answer() -> TestResult {
    let endings = [
        raw::frame(42, 0, &[]),
        raw::failure(CLOSE, 0, Code::Unavailable, Outcome::Unknown, "tired"),
        raw::reply(0, &Sum::Ok(3)),
    ];
    for ending in endings {
        let (listener, client) = bed().await?;
        let first = tokio::spawn(client.hold(1));
        let mut peer = Peer::accept(&listener).await?;
        ends("a request", peer.next_of(REQUEST)).await?;
        let second = tokio::spawn(client.hold(2));
        ends("a request", peer.next_of(REQUEST)).await?;
        peer.send(&[raw::reply(0, &Sum::Ok(11)), ending].concat()).await?;
        assert_eq!(ends("the answered call", first).await??, 11);
        ends("the other call", second).await?.expect_err("the connection ended");
        drop(peer);
        recovers(&listener, &client).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_leaves_at_any_byte_is_told_of() -> TestResult {
    let all = [
        raw::server_hello(),
        raw::begin_reply(0, 5000, &[7; 100]),
        raw::frame(PING, 0, &[]),
        raw::frame(GO_AWAY, 0, &[]),
        raw::frame(REPLY_DATA | MORE, 0, &[7; 100]),
    ]
    .concat();
    for length in (0..=all.len()).step_by(7) {
        let (listener, client) = bed().await?;
        let call = tokio::spawn(client.hold(1));
        let mut peer = Peer::new(listener.accept().await?.0);
        peer.take(raw::client_hello().len()).await?;
        let (hello, rest) = all[..length].split_at(length.min(raw::server_hello().len()));
        let opened = hello.len() == raw::server_hello().len();
        peer.send(hello).await?;
        if opened {
            ends("a request", peer.next_of(REQUEST)).await?;
            peer.send(rest).await?;
        }
        drop(peer);
        let error = ends("the call", call).await?.expect_err("the server left");
        let outcome = if opened { Outcome::Unknown } else { Outcome::NotExecuted };
        assert_eq!((error.code(), error.outcome()), (Code::Unavailable, outcome), "{error}");
        recovers(&listener, &client).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_result_that_is_none_fails_its_own_call() -> TestResult {
    let (listener, client) = bed().await?;
    let bodies: [&[u8]; 4] = [&[0], &[0, 9, 9, 9, 9, 9], &[0, 0, 0xff, 0xff, 0xff], &[0, 0, 1, 1]];
    let server = async {
        let mut peer = Peer::accept(&listener).await?;
        for body in bodies {
            let request = peer.next_of(REQUEST).await?;
            peer.send(&raw::frame(REPLY, request.call, body)).await?;
        }
        let request = peer.next_of(REQUEST).await?;
        peer.send(&raw::reply(request.call, &Sum::Ok(3))).await
    };
    let calls = async {
        for _ in bodies {
            let error = ends("a call", client.add(1, 2)).await.expect_err("no such result");
            assert_eq!(
                (error.code(), error.outcome()),
                (Code::Internal, Outcome::Executed),
                "{error}"
            );
            assert!(error.message().contains("cannot be decoded"), "{error}");
        }
        ends("a call", client.add(1, 2)).await
    };
    let (served, sum) = tokio::join!(server, calls);
    served?;
    assert_eq!(sum?, 3, "the same connection goes on");
    Ok(())
}

#[tokio::test]
async fn a_client_serves_nothing_and_says_so() -> TestResult {
    let (listener, client) = bed().await?;
    let call = tokio::spawn(client.hold(1));
    let mut peer = Peer::accept(&listener).await?;
    ends("a request", peer.next_of(REQUEST)).await?;
    for id in 0..64 {
        peer.send(&raw::request(id, "add", &(1_u64, 2_u64))).await?;
        let answer = ends("the answer", peer.next()).await?;
        assert_eq!((answer.kind, answer.call), (FAILURE, id));
        assert_eq!(Code::from_number(answer.payload[0]), Some(Code::Unimplemented));
    }
    peer.send(&raw::frame(PING, 0, &[])).await?;
    assert_eq!(ends("the answer", peer.next()).await?.kind, PONG);
    peer.send(&raw::reply(0, &Sum::Ok(1))).await?;
    assert_eq!(ends("the call", call).await??, 1);
    Ok(())
}

/// The server writes requests without end and reads no answer.
#[tokio::test]
async fn a_flood_of_requests_does_not_pile_up_in_the_client() -> TestResult {
    const ROUNDS: usize = 4000;
    let (listener, client) = bed().await?;
    let call = tokio::spawn(client.hold(1));
    let mut peer = Peer::accept(&listener).await?;
    ends("a request", peer.next_of(REQUEST)).await?;
    let flood = raw::request(0, "add", &(1_u64, 2_u64)).repeat(1000);
    let mut sent = 0;
    while sent < ROUNDS && ends("the flood", peer.send(&flood)).await.is_ok() {
        sent += 1;
    }
    assert!(sent < ROUNDS, "the client never had enough");
    ends("the call", call).await?.expect_err("the connection ended");
    recovers(&listener, &client).await
}

/// The server acknowledges no cancellation, so given-up calls keep their places: a call waits for one until its
/// deadline, and is told the limit.
#[tokio::test]
async fn places_that_are_never_given_back_are_told_of() -> TestResult {
    let (listener, client) = bed().await?;
    let hurried = client.with_timeout(Duration::from_millis(20));
    let calls: Vec<_> = (0..64).map(|id| tokio::spawn(hurried.hold(id))).collect();
    let _peer = Peer::accept(&listener).await?;
    for call in calls {
        let error = ends("a call", call).await?.expect_err("nobody answers");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::DeadlineExceeded, Outcome::Unknown),
            "{error}"
        );
    }
    let error = ends("one more call", hurried.add(1, 2)).await.expect_err("no place");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::DeadlineExceeded, Outcome::NotExecuted),
        "{error}"
    );
    assert!(error.message().contains("max_calls"), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_limits_of_a_server_are_kept() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = ProbeClient::new(Channel::builder().connect_lazily(Address::from(listener.local_addr()?))?);
    let server = async {
        let mut peer = Peer::new(listener.accept().await?.0);
        peer.take(raw::client_hello().len()).await?;
        peer.send(&raw::hello(raw::SERVER, 1, 0, 1, &raw::limits([100, 100, 1, 0])))
            .await?;
        let request = peer.next_of(REQUEST).await?;
        peer.send(&raw::reply(request.call, &Sum::Ok(1))).await?;
        std::io::Result::Ok(peer)
    };
    let call = tokio::spawn(client.hold(1));
    let _peer = server.await?;
    assert_eq!(call.await??, 1);
    let error = client.echo(&[0; 101]).await.expect_err("too large");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert!(error.message().contains("the limit (`max_message`) is 100"), "{error}");
    let error = client
        .with_metadata("key", "value")
        .add(1, 2)
        .await
        .expect_err("metadata");
    assert!(error.message().contains("the limit (`max_metadata`) is 0"), "{error}");
    Ok(())
}
