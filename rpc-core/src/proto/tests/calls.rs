//! A call from its request to its answer.

use std::time::Duration;

use bytes::Bytes;

use super::{answers, assert_empty, came, content, exchange, pair, requests, start};
use crate::harness::{CLIENT, SERVER, body};
use crate::{
    Code, Error, Metadata, Outcome,
    proto::{Body, Event, RequestHead, Target, encode_metadata, frame::PIECE, parse_metadata},
};

#[test]
fn bodies_of_every_length_come_whole_however_the_stream_is_cut() {
    let lengths = [
        0,
        1,
        100,
        8 << 10,
        (8 << 10) + 1,
        PIECE - 1,
        PIECE,
        PIECE + 1,
        2 * PIECE,
        300_000,
    ];
    for seed in 0..20 {
        let mut pair = pair(seed);
        let mut ids: Vec<_> = lengths
            .iter()
            .map(|&length| start(&mut pair, &content(length)))
            .collect();
        exchange(&mut pair);
        for (call, body) in requests(&mut pair) {
            let index = ids.iter().position(|&id| id == call).expect("it is one of the calls");
            assert_eq!(body, content(lengths[index]));
            pair.reply(SERVER, call, &body);
        }
        exchange(&mut pair);
        for (call, answer) in answers(&mut pair) {
            let index = ids.iter().position(|&id| id == call).expect("it is one of the calls");
            assert_eq!(answer, Ok(content(lengths[index])));
            pair.connection(CLIENT).release(call);
            ids[index] = u32::MAX;
        }
        assert!(ids.iter().all(|&id| id == u32::MAX), "calls that were not answered");
        assert_empty(&mut pair);
    }
}

#[test]
fn both_ends_may_call_with_the_same_id() {
    let mut pair = pair(1);
    let from_client = start(&mut pair, &content(3));
    let from_server = pair
        .start(SERVER, 8, &content(5), None)
        .expect("it is within the limits");
    assert_eq!(from_client, from_server);
    exchange(&mut pair);
    for (end, method, length) in [(SERVER, 7, 3), (CLIENT, 8, 5)] {
        let events = pair.events(end);
        let [
            Event::Request {
                call: 0, head, body, ..
            },
        ] = &events[..]
        else {
            panic!("{events:?} where one request was due");
        };
        assert_eq!((head.method, body), (method, &content(length)));
    }
}

#[test]
fn a_head_comes_as_it_was_sent() {
    let mut metadata = Metadata::new();
    metadata.append("tenant", "eu").expect("a key");
    metadata.append_bin("proof-bin", vec![0, 255]).expect("a key");
    for timeout in [None, Some(Duration::from_millis(1500))] {
        for target in [Target::Service, Target::Instance(u64::MAX)] {
            for metadata in [Bytes::new(), encode_metadata(&metadata)] {
                for length in [10, PIECE + 1] {
                    let sent = RequestHead {
                        method: 99,
                        target,
                        timeout,
                        metadata: metadata.clone(),
                        ..RequestHead::default()
                    };
                    let mut pair = pair(1);
                    let content = content(length);
                    pair.connection(CLIENT)
                        .start(&sent, body(&content), None)
                        .expect("it is within the limits");
                    exchange(&mut pair);
                    let events = pair.events(SERVER);
                    let [Event::Request { call, head, body }] = &events[..] else {
                        panic!("{events:?} where one request was due");
                    };
                    assert_eq!((head, body), (&came(sent), &content));
                    let deadline = pair.connection(SERVER).deadline(*call);
                    assert_eq!(deadline, timeout.map(|timeout| pair.now + timeout));
                }
            }
        }
    }
}

#[test]
fn a_failure_carries_code_outcome_text_and_metadata() {
    let mut metadata = Metadata::new();
    metadata.append("retry-after", "3").expect("a key");
    let sent = Error::new(Code::Aborted, "größer")
        .with_outcome(Outcome::Unknown)
        .with_metadata(metadata);
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    pair.connection(SERVER).reply(0, &Bytes::new(), Err(&sent));
    exchange(&mut pair);
    assert_eq!(answers(&mut pair), [(0, Err(sent))]);
}

#[test]
fn a_reply_carries_metadata_whatever_its_length() {
    let mut sent = Metadata::new();
    sent.append("served-by", "b7").expect("a key");
    for length in [1, PIECE + 1] {
        let mut pair = pair(1);
        start(&mut pair, &content(1));
        exchange(&mut pair);
        let content = content(length);
        pair.connection(SERVER)
            .reply(0, &encode_metadata(&sent), Ok(body(&content)));
        exchange(&mut pair);
        let events = pair.events(CLIENT);
        let [Event::Reply { metadata, body, .. }] = &events[..] else {
            panic!("{events:?} where one reply was due");
        };
        assert_eq!((parse_metadata(metadata), body), (Ok(sent.clone()), &content));
    }
}

#[test]
fn a_body_in_two_parts_is_one_message() {
    for length in PIECE - 4..PIECE + 2 {
        for seed in 0..2 {
            let mut pair = pair(seed);
            let (before, bytes) = (b"abc", content(length));
            let whole: Bytes = [&before[..], &bytes].concat().into();
            let part = || Body::Large {
                before,
                bytes: bytes.clone(),
            };
            let call = pair.connection(CLIENT).start(&RequestHead::default(), part(), None);
            let call = call.expect("it is within the limits");
            let cost = if whole.len() > PIECE { whole.len() } else { 0 };
            assert_eq!(pair.connection(CLIENT).held().spent, [cost, 0]);
            exchange(&mut pair);
            assert_eq!(requests(&mut pair), [(call, whole.clone())], "{length}");
            pair.connection(SERVER).reply(call, &Bytes::new(), Ok(part()));
            exchange(&mut pair);
            assert_eq!(answers(&mut pair), [(call, Ok(whole))], "{length}");
            pair.connection(CLIENT).release(call);
            assert_empty(&mut pair);
        }
    }
}
