//! Opening a connection: what each side understands of the other's first bytes.

use bytes::{Bytes, BytesMut};

use crate::{
    Code, Error, Limits,
    proto::{Announced, Carrier, ClientHello, Features, HelloError, ServerHello},
};

fn hello() -> ClientHello {
    ClientHello {
        codec: 2,
        limits: Announced::over(Carrier::Stream, &Limits::default()),
        features: Features { checks: true },
    }
}

/// The client's hello with one byte changed.
fn changed(at: usize, to: u8) -> Vec<u8> {
    let mut bytes = hello().encode().to_vec();
    bytes[at] = to;
    bytes
}

fn read(bytes: &[u8]) -> Result<Option<ClientHello>, HelloError> {
    ClientHello::take(&mut BytesMut::from(bytes))
}

fn refused(bytes: &[u8]) -> HelloError {
    read(bytes).expect_err("this is no hello")
}

#[test]
fn what_follows_a_hello_is_left_alone() {
    let mut input = BytesMut::from(&hello().encode()[..]);
    input.extend_from_slice(b"frames");
    assert_eq!(ClientHello::take(&mut input), Ok(Some(hello())));
    assert_eq!(input, &b"frames"[..]);
}

#[test]
fn a_later_version_may_say_more_than_this_one_reads() {
    let mut bytes = changed(9, 5);
    bytes[12] += 3;
    bytes.extend_from_slice(b"new");
    assert_eq!(read(&bytes), Ok(Some(hello())));
}

#[test]
fn versions_that_leave_out_this_one_are_refused_with_both_named() {
    for (oldest, newest) in [(2, 3), (0, 0), (3, 1)] {
        let mut bytes = changed(8, oldest);
        bytes[9] = newest;
        let error = refused(&bytes);
        assert_eq!(error, HelloError::Version { oldest, newest });
        let answer = ServerHello::take(&mut BytesMut::from(&error.answer()[..]));
        let Ok(Some(ServerHello::Rejected(error))) = answer else {
            panic!("{answer:?} where a refusal was due");
        };
        assert_eq!(error.code(), Code::FailedPrecondition);
        assert!(
            error.message().contains(&format!("versions {oldest} to {newest}")),
            "{error}"
        );
        assert!(error.message().contains("version 1"), "{error}");
    }
}

#[test]
fn each_side_listens_to_the_other_one_only() {
    let answer = ServerHello::Accepted {
        codec: 2,
        limits: hello().limits,
        features: Features::default(),
    };
    for (role, expected) in [(2, "as a server does"), (0, "role 0"), (255, "role 255")] {
        let error = refused(&changed(11, role));
        assert_eq!(error, HelloError::Role(role));
        assert!(error.text("this server").contains(expected), "{error:?}");
        let told = ServerHello::take(&mut BytesMut::from(&error.answer()[..]));
        assert!(matches!(told, Ok(Some(ServerHello::Rejected(_)))), "{told:?}");
    }
    for refusal in [answer, ServerHello::Rejected(Error::unavailable("later"))] {
        let mut bytes = refusal.encode().to_vec();
        bytes[11] = 1;
        let read = ServerHello::take(&mut BytesMut::from(&bytes[..]));
        assert_eq!(read, Err(HelloError::Role(1)));
    }
    // What a client reads that meets itself.
    let own = ServerHello::take(&mut BytesMut::from(&hello().encode()[..]));
    assert_eq!(own, Err(HelloError::Role(1)));
}

#[test]
fn limits_that_allow_no_call_are_refused() {
    // `max_buffered` below `max_message`, and no calls at all.
    for bytes in [changed(17, 5), changed(23, 0)] {
        let error = refused(&bytes);
        assert!(error.text("this side").contains("limits"), "{error:?}");
    }
    let mut short = changed(12, 15);
    short.truncate(14 + 15);
    assert!(refused(&short).text("this side").contains("ends early"));
}

#[test]
fn a_length_without_bound_is_refused_before_it_is_waited_for() {
    let mut bytes = changed(12, 1);
    bytes[13] = 4;
    assert!(refused(&bytes[..14]).text("this side").contains("1025 bytes"));
}

#[test]
fn a_refusal_arrives_whatever_its_version_and_code() {
    let refusal = ServerHello::Rejected(Error::resource_exhausted("full")).encode();
    for (version, code, expected) in [
        (1, 8, Code::ResourceExhausted),
        (9, 8, Code::ResourceExhausted),
        (1, 99, Code::Unknown),
    ] {
        let mut bytes = refusal.to_vec();
        (bytes[8], bytes[9]) = (version, code);
        let answer = ServerHello::take(&mut BytesMut::from(&bytes[..]));
        let Ok(Some(ServerHello::Rejected(error))) = answer else {
            panic!("{answer:?} where a refusal was due");
        };
        assert_eq!((error.code(), error.message()), (expected, "full"));
        assert_eq!(error.outcome(), crate::Outcome::NotExecuted);
    }
}

#[test]
fn a_text_that_is_too_long_is_cut() {
    let refusal = ServerHello::Rejected(Error::unavailable("ü".repeat(1000))).encode();
    assert_eq!(refusal.len(), 14 + 1024);
    let answer = ServerHello::take(&mut BytesMut::from(&refusal[..]));
    assert!(matches!(answer, Ok(Some(ServerHello::Rejected(_)))), "{answer:?}");
}

#[test]
fn a_browser_is_told_in_its_own_language() {
    for request in [&b"GET / HTTP/1.1\r\n"[..], b"PRI * HTTP/2.0\r\n", b"POST "] {
        let error = refused(request);
        assert_eq!(error, HelloError::Http);
        let answer = error.answer();
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
        let (head, body) = std::str::from_utf8(&answer)
            .expect("text")
            .split_once("\r\n\r\n")
            .expect("a head and a body");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    }
    let error = ServerHello::take(&mut BytesMut::from("HTTP/1.1 404 Not Found\r\n"));
    assert_eq!(error, Err(HelloError::Http));
}

#[test]
fn strangers_get_silence() {
    for (bytes, expected) in [
        (&[0x15, 3, 3, 0, 2, 2, 10][..], HelloError::TlsAlert),
        (b"SSH-2.0-OpenSSH_9", HelloError::Stranger),
        (b"farcall!", HelloError::Stranger),
        (b"GETX", HelloError::Stranger),
        (&[0; 64], HelloError::Stranger),
    ] {
        let error = refused(bytes);
        assert_eq!(error, expected);
        assert_eq!(error.answer(), Bytes::new());
        assert!(!error.text("this side").is_empty(), "{error:?}");
    }
}

#[test]
fn a_tls_handshake_gets_an_alert() {
    let error = refused(&[0x16, 3, 1, 2, 0]);
    assert_eq!(error, HelloError::Tls);
    assert_eq!(error.answer()[..], [0x15, 3, 3, 0, 2, 2, 10]);
}

#[test]
fn what_may_still_become_something_is_waited_for() {
    for begun in [&b""[..], b"f", b"farcall\0", b"GE", b"HTT", &[0x16]] {
        assert_eq!(read(begun), Ok(None), "{begun:?}");
    }
    let whole = hello().encode();
    assert_eq!(read(&whole[..whole.len() - 1]), Ok(None));
}
