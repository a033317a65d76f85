//! The bytes on the wire are frozen: peers of different versions must understand each other.
//!
//! `tests/wire/protocol.txt` holds one message a line, its name and its bytes in hex; `docs/protocol.md` explains some
//! of them. A changed line breaks the wire. To add messages, append them to [`messages`] and run `FARCALL_BLESS=1 cargo
//! test -p farcall --lib golden`.

use std::{collections::VecDeque, fmt::Write as _, fs, path::PathBuf, time::Duration};

use bytes::{Bytes, BytesMut};
use thin_vec::{ThinVec, thin_vec};

use super::{answers, came, content, exchange, frame, inject, pair, request_payload, requests, start};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::{
    Code, Error, Metadata, Outcome,
    contract::{Claim, Fingerprint},
    proto::{
        Announced, Attachment, Body, Carrier, ClientHello, Connection, Event, Features, Flow, HelloError, Limits,
        Received, RequestHead, ServerHello, StreamId, Target, attachment::put_list, encode_metadata, frame::Kind,
    },
    proto::{fnv1a, method_id},
};

/// `("apple",)` and `Ok(3)` in bincode.
const APPLE: &[u8] = b"\x05apple";
const THREE: &[u8] = &[0, 3];

fn path(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(of)
}

fn hello() -> ClientHello {
    ClientHello {
        codec: 1,
        limits: Announced::over(Carrier::Stream, &Limits::default()),
        features: Features { checks: true },
    }
}

fn accepted() -> ServerHello {
    ServerHello::Accepted {
        codec: 1,
        limits: Announced::over(Carrier::Stream, &Limits::default().max_calls(256)),
        features: Features { checks: true },
    }
}

fn refused() -> ServerHello {
    ServerHello::Rejected(Error::refused(Code::ResourceExhausted, "full"))
}

fn head() -> RequestHead {
    RequestHead {
        method: method_id("Inventory", "stock"),
        ..RequestHead::default()
    }
}

fn checked() -> RequestHead {
    RequestHead {
        claim: Some(claim(None)),
        ..head()
    }
}

fn typed() -> RequestHead {
    RequestHead {
        claim: Some(claim(Some(b"types"))),
        metadata: tenant(),
        ..head()
    }
}

fn claim(types: Option<&'static [u8]>) -> &'static Claim {
    let bytes = std::array::from_fn(|index| index as u8);
    Box::leak(Box::new(Claim {
        number: 0,
        fingerprint: Fingerprint::from_bytes(bytes),
        types: types.map(Bytes::from_static),
    }))
}

fn tenant() -> Bytes {
    let mut metadata = Metadata::new();
    metadata.append("tenant", "eu").expect("a key");
    metadata.append_bin("proof-bin", vec![0, 255]).expect("a key");
    encode_metadata(&metadata)
}

/// What a client writes for one call with this head.
fn request(head: &RequestHead) -> Bytes {
    written(|client| {
        client
            .start(head, Body::Small(APPLE), None)
            .expect("it is within the limits");
    })
}

/// What a server writes as the answer to one call.
fn answer(metadata: &Bytes, answer: Result<Body<'_>, &Error>) -> Bytes {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    pair.connection(SERVER).reply(0, metadata, answer);
    transmit(pair.connection(SERVER))
}

fn written(act: impl FnOnce(&mut Connection)) -> Bytes {
    let mut pair = pair(1);
    act(pair.connection(CLIENT));
    transmit(pair.connection(CLIENT))
}

fn transmit(connection: &mut Connection) -> Bytes {
    let mut chunks = VecDeque::new();
    connection.poll_transmit(&mut chunks);
    Bytes::from(Vec::from(chunks).concat())
}

fn messages() -> Vec<(&'static str, Bytes)> {
    let timeout = Some(Duration::from_millis(1500));
    let target = Target::Instance(fnv1a("warehouse/eu"));
    let not_found = Error::not_found("no such sku");
    let mut retry = Metadata::new();
    retry.append("retry-after", "3").expect("a key");
    let busy = Error::new(Code::Unavailable, "busy")
        .with_outcome(Outcome::NotExecuted)
        .with_metadata(retry);
    let lost = Error::data_loss("größer").with_outcome(Outcome::Unknown);
    vec![
        ("client hello", hello().encode()),
        ("server hello", accepted().encode()),
        ("server refusal", refused().encode()),
        (
            "server refusal of a version",
            HelloError::Version { oldest: 2, newest: 3 }.answer(),
        ),
        ("request", request(&head())),
        ("request with timeout", request(&RequestHead { timeout, ..head() })),
        ("request with instance", request(&RequestHead { target, ..head() })),
        (
            "request with metadata",
            request(&RequestHead {
                metadata: tenant(),
                ..head()
            }),
        ),
        (
            "request with everything",
            request(&RequestHead {
                timeout,
                target,
                metadata: tenant(),
                ..head()
            }),
        ),
        (
            "request, first piece",
            frame(Kind::Request, true, 0, &request_payload(Some(6), b"\x05a")).freeze(),
        ),
        ("request, piece", frame(Kind::RequestData, true, 0, b"pp").freeze()),
        (
            "request, last piece",
            frame(Kind::RequestData, false, 0, b"le").freeze(),
        ),
        ("reply", answer(&Bytes::new(), Ok(Body::Small(THREE)))),
        ("reply with metadata", answer(&tenant(), Ok(Body::Small(THREE)))),
        (
            "reply, first piece",
            frame(Kind::Reply, true, 0, &[0, 2, 0, 0, 0, 0]).freeze(),
        ),
        ("reply, last piece", frame(Kind::ReplyData, false, 0, &[3]).freeze()),
        ("failure, executed", answer(&Bytes::new(), Err(&not_found))),
        (
            "failure, not executed, with metadata",
            answer(&Bytes::new(), Err(&busy)),
        ),
        ("failure, outcome unknown", answer(&Bytes::new(), Err(&lost))),
        ("cancel", cancel()),
        ("ping", ping()),
        ("pong", pong()),
        ("go away", written(Connection::go_away)),
        (
            "close",
            written(|client| client.close(&Error::unavailable("maintenance"))),
        ),
        (
            "request with an object",
            request(&RequestHead {
                target: Target::Object(5),
                ..head()
            }),
        ),
        ("request with a list", listed()),
        ("list of a reply", list(Kind::ReplyAttach)),
        ("list of an item", list(Kind::ItemAttach)),
        ("list, cleared", frame(Kind::RequestAttach, false, 0, &[]).freeze()),
        ("items", items()),
        (
            "items, with more to come",
            frame(Kind::Items, true, 1 << 31, &[3, 0, 0, 0x80, 7]).freeze(),
        ),
        ("end", end(Ok(()))),
        ("end with a failure", end(Err(&not_found))),
        ("credit", frame(Kind::Credit, false, 0, &[0, 0, 1, 0]).freeze()),
        ("stop", stop(None)),
        ("stop with a failure", stop(Some(&not_found))),
        ("release", written(|client| client.release_object(5, 2))),
        ("unused", frame(Kind::Unused, false, 0, &[]).freeze()),
        ("watch", written(|client| client.watch_object(5, 1))),
        ("revoked", written(|client| client.tell_revoked(1))),
        ("request with a check", request(&checked())),
        ("request with types", request(&typed())),
    ]
}

/// A list with an entry of each kind.
fn attachments(client: &mut Connection) -> ThinVec<Attachment> {
    let mut list: ThinVec<_> = [Flow::Sends, Flow::Receives]
        .map(|flow| Attachment::Stream {
            stream: client.open_stream(flow).expect("there are few"),
            flow,
        })
        .into();
    let object = client.export(None).expect("there are few");
    let service = (method_id("Inventory", "stock") >> 32) as u32;
    list.extend([
        Attachment::Object { object, service },
        Attachment::Returned { object: 5 },
    ]);
    list
}

fn listed() -> Bytes {
    written(|client| {
        let head = RequestHead {
            attachments: attachments(client),
            ..head()
        };
        let started = client.start(&head, Body::Small(&[0]), None);
        started.expect("it is within the limits");
    })
}

fn list(kind: Kind) -> Bytes {
    let mut pair = pair(1);
    let list = attachments(pair.connection(CLIENT));
    let mut frame = BytesMut::new();
    put_list(&mut frame, kind, 0, &list);
    frame.freeze()
}

/// A stream that the client announced and sends on, or receives from.
fn opened(flow: Flow) -> (ConnectionPair, StreamId) {
    let mut pair = pair(1);
    let client = pair.connection(CLIENT);
    let stream = client.open_stream(flow).expect("there are few");
    let head = RequestHead {
        attachments: thin_vec![Attachment::Stream { stream, flow }],
        ..head()
    };
    client
        .start(&head, Body::Small(&[]), None)
        .expect("it is within the limits");
    exchange(&mut pair);
    (pair, stream)
}

fn items() -> Bytes {
    let (mut pair, stream) = opened(Flow::Sends);
    for item in [APPLE, THREE] {
        let sent = pair.connection(CLIENT).send_item(stream, &[], Body::Small(item));
        sent.expect("it is within the limits");
    }
    transmit(pair.connection(CLIENT))
}

fn end(how: Result<(), &Error>) -> Bytes {
    let (mut pair, stream) = opened(Flow::Sends);
    pair.connection(CLIENT).end_stream(stream, how);
    transmit(pair.connection(CLIENT))
}

fn stop(why: Option<&Error>) -> Bytes {
    let (mut pair, stream) = opened(Flow::Receives);
    pair.connection(CLIENT).stop_stream(stream, why);
    transmit(pair.connection(CLIENT))
}

fn cancel() -> Bytes {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    pair.connection(CLIENT).abandon(0);
    transmit(pair.connection(CLIENT))
}

fn ping() -> Bytes {
    let mut pair = pair(1);
    let later = pair.now + Duration::from_secs(15);
    pair.connection(CLIENT).handle_timeout(later).expect("nothing ends");
    transmit(pair.connection(CLIENT))
}

fn pong() -> Bytes {
    let mut pair = pair(1);
    inject(&mut pair, SERVER, BytesMut::from(&ping()[..])).expect("pings are welcome");
    transmit(pair.connection(SERVER))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn golden(name: &str) -> BytesMut {
    let text = fs::read_to_string(path("tests/wire/protocol.txt")).expect("the golden file is there");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let digits = line.unwrap_or_else(|| panic!("the golden file has no {name:?}"));
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn messages_have_their_golden_bytes() {
    let lines: Vec<_> = messages()
        .iter()
        .map(|(name, bytes)| format!("{name}: {}", hex(bytes)))
        .collect();
    let found = lines.join("\n") + "\n";
    if std::env::var_os("FARCALL_BLESS").is_some() {
        fs::write(path("tests/wire/protocol.txt"), &found).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(path("tests/wire/protocol.txt")).expect("the golden file is there");
    for (golden, found) in golden.lines().zip(found.lines()) {
        assert_eq!(golden, found);
    }
    assert_eq!(golden.lines().count(), found.lines().count());
}

#[test]
fn golden_hellos_are_understood() {
    assert_eq!(ClientHello::take(&mut golden("client hello")), Ok(Some(hello())));
    assert_eq!(ServerHello::take(&mut golden("server hello")), Ok(Some(accepted())));
    assert_eq!(ServerHello::take(&mut golden("server refusal")), Ok(Some(refused())));
}

#[test]
fn golden_requests_are_understood() {
    let timeout = Some(Duration::from_millis(1500));
    let target = Target::Instance(fnv1a("warehouse/eu"));
    for (name, expected) in [
        ("request", head()),
        ("request with timeout", RequestHead { timeout, ..head() }),
        ("request with instance", RequestHead { target, ..head() }),
        ("request with a check", checked()),
        ("request with types", typed()),
        (
            "request with metadata",
            RequestHead {
                metadata: tenant(),
                ..head()
            },
        ),
        (
            "request with everything",
            RequestHead {
                timeout,
                target,
                metadata: tenant(),
                ..head()
            },
        ),
    ] {
        let mut pair = pair(1);
        inject(&mut pair, SERVER, golden(name)).expect(name);
        let events = pair.events(SERVER);
        let [
            Event::Request {
                call: 0, head, body, ..
            },
        ] = &events[..]
        else {
            panic!("{name}: {events:?}");
        };
        assert_eq!((head, &body[..]), (&came(expected), APPLE), "{name}");
    }
    let mut pair = pair(1);
    for name in ["request, first piece", "request, piece", "request, last piece"] {
        inject(&mut pair, SERVER, golden(name)).expect(name);
    }
    assert_eq!(requests(&mut pair), [(0, Bytes::from_static(APPLE))]);
}

#[test]
fn golden_answers_are_understood() {
    let three = || Ok(Bytes::from_static(THREE));
    let retryable = |error: Error| assert!(error.is_retryable() && error.metadata().value("retry-after") == Some("3"));
    for (names, check) in [
        (&["reply"][..], None),
        (&["reply with metadata"], None),
        (&["reply, first piece", "reply, last piece"], None),
        (
            &["failure, executed"],
            Some((|error| assert_eq!(error, Error::not_found("no such sku"))) as fn(Error)),
        ),
        (&["failure, not executed, with metadata"], Some(retryable)),
        (
            &["failure, outcome unknown"],
            Some(|error| assert_eq!(error.message(), "größer")),
        ),
    ] {
        let mut pair = pair(1);
        start(&mut pair, &content(1));
        exchange(&mut pair);
        for name in names {
            inject(&mut pair, CLIENT, golden(name)).expect(name);
        }
        match (check, answers(&mut pair).pop()) {
            (None, answer) => assert_eq!(answer, Some((0, three())), "{names:?}"),
            (Some(check), Some((0, Err(error)))) => check(error),
            (_, other) => panic!("{names:?}: {other:?}"),
        }
    }
}

#[test]
fn golden_lists_and_items_are_understood() {
    let mut pair = pair(1);
    // What comes back is an object that went.
    for _ in 0..6 {
        pair.connection(SERVER).export(None).expect("there are few");
    }
    inject(&mut pair, SERVER, golden("request with a list")).expect("an honest list");
    let events = pair.events(SERVER);
    let [Event::Request { head, .. }] = &events[..] else {
        panic!("{events:?}");
    };
    let service = (method_id("Inventory", "stock") >> 32) as u32;
    let (receives, sends) = (StreamId(1 << 31), StreamId(1 << 31 | 1));
    let list = [
        Attachment::Stream {
            stream: receives,
            flow: Flow::Receives,
        },
        Attachment::Stream {
            stream: sends,
            flow: Flow::Sends,
        },
        Attachment::Object { object: 0, service },
        Attachment::Returned { object: 5 },
    ];
    assert_eq!(head.attachments, list);
    inject(&mut pair, SERVER, golden("items")).expect("honest items");
    let Received::Items(batch) = pair.connection(SERVER).receive(receives) else {
        panic!("items had come");
    };
    assert_eq!(batch.items, [&[6, 0, 0, 0][..], APPLE, &[2, 0, 0, 0], THREE].concat());
    inject(&mut pair, SERVER, golden("end with a failure")).expect("an honest end");
    let Received::Failed(error) = pair.connection(SERVER).receive(receives) else {
        panic!("the end had come");
    };
    assert_eq!(error, Error::not_found("no such sku"));
    inject(&mut pair, SERVER, golden("release")).expect("an honest release");
}

#[test]
fn the_documents_examples_are_the_golden_bytes() {
    let document = fs::read_to_string(path("docs/protocol.md")).expect("the document is there");
    let mut examples = 0;
    for block in document.split("```hex ").skip(1) {
        let (name, rest) = block.split_once('\n').expect("a name, then bytes");
        let (lines, _) = rest.split_once("```").expect("the block ends");
        let bytes: String = lines.lines().filter_map(|line| line.split(';').next()).collect();
        let bytes: String = bytes.split_whitespace().collect();
        assert_eq!(bytes, hex(&golden(name)), "{name}");
        examples += 1;
    }
    assert!(examples >= 4, "{examples} examples");
    for (what, value) in [
        ("FNV-1a of `Inventory`", fnv1a("Inventory")),
        ("FNV-1a of `stock`", fnv1a("stock")),
        ("the method id of `Inventory.stock`", method_id("Inventory", "stock")),
        ("the instance id of `warehouse/eu`", fnv1a("warehouse/eu")),
    ] {
        let text = format!("0x{value:016x}");
        assert!(
            document.contains(&text),
            "{what} is {text}, which the document does not say"
        );
    }
}
