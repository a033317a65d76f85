//! The bytes of datagrams are frozen: peers of different versions must understand each other.
//!
//! `tests/wire/datagrams.txt` holds one datagram or chunk a line, its name and its bytes in hex; `docs/protocol.md`
//! explains some of them. A changed line breaks the wire. To add lines, append them here and run `FARCALL_BLESS=1 cargo
//! test -p farcall --lib golden`.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use super::bytes;
use crate::proto::datagram::{
    chunk::{self, Chunk},
    packet::{COOKIE, Cookie, Datagram, HELLO, Refusal, VERSION},
    ranges::Ranges,
};

const NONCE: u64 = 0x0807_0605_0403_0201;
const SESSION: u64 = 0x1817_1615_1413_1211;
const TOKEN: u64 = 0x2122_2324_2526_2728;
const NONE: Cookie = [0; COOKIE];
/// What stands in a hello before its padding.
const HELLO_FIELDS: usize = 38;
/// A request without arguments, as it stands in its lane.
const REQUEST: &[u8] = b"\x09\0\0\x01\0\0\0\0\x58\x42\xfd\x33\xd4\x0a\x03\x95\0";

fn cookie() -> Cookie {
    std::array::from_fn(|index| 0xa0 + index as u8)
}

fn datagrams() -> Vec<(&'static str, Datagram<'static>)> {
    let hello = |cookie| Datagram::Hello {
        version: VERSION,
        nonce: NONCE,
        window: 1 << 20,
        cookie,
    };
    let refused = |reason| Datagram::Refused { nonce: NONCE, reason };
    vec![
        ("hello", hello(NONE)),
        ("hello with cookie", hello(cookie())),
        (
            "retry",
            Datagram::Retry {
                nonce: NONCE,
                cookie: cookie(),
            },
        ),
        (
            "welcome",
            Datagram::Welcome {
                nonce: NONCE,
                session: SESSION,
                window: 4 << 20,
            },
        ),
        ("refused, version", refused(Refusal::Version)),
        ("refused, full", refused(Refusal::Full)),
        ("reset", Datagram::Reset { session: SESSION }),
        (
            "packet",
            Datagram::Packet {
                session: SESSION,
                number: 0x0102_0304_0506,
                chunks: &[4],
            },
        ),
    ]
}

fn ack(ranges: &[(u64, u64)]) -> Vec<u8> {
    let mut received = Ranges::default();
    for &(first, last) in ranges {
        received.insert(first..last + 1);
    }
    put(|out| chunk::put_ack(out, &received, Duration::from_micros(1500)))
}

fn put(chunk: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    chunk(&mut out);
    out
}

fn data(after: Option<u64>) -> Chunk<'static> {
    Chunk::Data {
        lane: 1,
        offset: 100,
        after,
        bytes: REQUEST,
    }
}

fn chunks() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("chunk data", put(|out| chunk::put_data(out, 1, 100, None, REQUEST))),
        (
            "chunk last",
            put(|out| chunk::put_data(out, 1, 100, Some(70_000), REQUEST)),
        ),
        ("chunk ack", ack(&[(0, 7)])),
        ("chunk ack of three ranges", ack(&[(0, 2), (5, 5), (100, 3999)])),
        ("chunk ping", put(chunk::put_ping)),
        ("chunk challenge", put(|out| chunk::put_challenge(out, TOKEN))),
        ("chunk response", put(|out| chunk::put_response(out, TOKEN))),
        ("chunk close", put(chunk::put_close)),
    ]
}

fn lines() -> Vec<(&'static str, Vec<u8>)> {
    let datagrams = datagrams().into_iter().map(|(name, datagram)| (name, bytes(datagram)));
    datagrams.chain(chunks()).collect()
}

fn path(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(of)
}

/// The padding of a hello is left out.
fn hex(bytes: &[u8]) -> String {
    let shown = if bytes.len() == HELLO {
        HELLO_FIELDS
    } else {
        bytes.len()
    };
    bytes[..shown].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn file() -> String {
    fs::read_to_string(path("tests/wire/datagrams.txt")).expect("the golden file is there")
}

fn digits(name: &str) -> String {
    let line = file()
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned));
    line.unwrap_or_else(|| panic!("the golden file has no {name:?}"))
}

fn golden(name: &str) -> Vec<u8> {
    let digits = digits(name);
    let mut bytes: Vec<_> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
        .collect();
    if name.starts_with("hello") {
        bytes.resize(HELLO, 0);
    }
    bytes
}

#[test]
fn datagrams_and_chunks_have_their_golden_bytes() {
    let lines: Vec<_> = lines()
        .iter()
        .map(|(name, bytes)| format!("{name}: {}", hex(bytes)))
        .collect();
    if std::env::var_os("FARCALL_BLESS").is_some() {
        fs::write(path("tests/wire/datagrams.txt"), lines.join("\n") + "\n").expect("the golden file can be written");
    }
    assert_eq!(file().lines().collect::<Vec<_>>(), lines);
}

#[test]
fn golden_datagrams_are_understood() {
    for (name, datagram) in datagrams() {
        assert_eq!(Datagram::read(&golden(name)), Some(datagram), "{name}");
    }
}

#[test]
fn golden_chunks_are_understood() {
    for (name, expected) in [
        ("chunk data", data(None)),
        ("chunk last", data(Some(70_000))),
        ("chunk ping", Chunk::Ping),
        ("chunk challenge", Chunk::Challenge(TOKEN)),
        ("chunk response", Chunk::Response(TOKEN)),
        ("chunk close", Chunk::Close),
    ] {
        // Padding before it and nothing behind it.
        let mut packet = vec![0, 0];
        packet.extend(golden(name));
        let mut rest = &packet[..];
        assert_eq!(Chunk::take(&mut rest), Ok(Some(expected)), "{name}");
        assert!(rest.is_empty(), "{name}");
    }
    let packet = golden("chunk ack of three ranges");
    let Ok(Some(Chunk::Ack(ack))) = Chunk::take(&mut &packet[..]) else {
        panic!("an acknowledgement")
    };
    assert_eq!((ack.largest, ack.delay), (3999, Duration::from_micros(1500)));
    assert_eq!(ack.ranges().collect::<Vec<_>>(), [100..4000, 5..6, 0..3]);
}

#[test]
fn the_documents_examples_are_the_golden_bytes() {
    let document = fs::read_to_string(path("docs/protocol.md")).expect("the document is there");
    let mut examples = 0;
    for block in document.split("```datagram ").skip(1) {
        let (name, rest) = block.split_once('\n').expect("a name, then bytes");
        let (lines, _) = rest.split_once("```").expect("the block ends");
        let bytes: String = lines.lines().filter_map(|line| line.split(';').next()).collect();
        let bytes: String = bytes.split_whitespace().collect();
        assert_eq!(bytes, digits(name), "{name}");
        examples += 1;
    }
    assert!(examples >= 8, "{examples} examples");
}
