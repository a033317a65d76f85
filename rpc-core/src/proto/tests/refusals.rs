//! What a peer would refuse is refused before it is sent, and costs the one call only.

use std::time::Instant;

use bytes::Bytes;

use super::{
    answers, assert_empty, content, exchange, failure, frame, pair, request_payload, requests, start, violation,
    with_limits,
};
use crate::harness::{CLIENT, ConnectionPair, SERVER, body};
use crate::{
    Code, Metadata, Outcome,
    proto::{
        Announced, Carrier, Connection, Event, Limits, RequestHead, Settings, Target, encode_metadata,
        frame::{HEADER, Kind, MAX_PAYLOAD},
    },
};

fn metadata(length: usize) -> Bytes {
    let mut metadata = Metadata::new();
    metadata.append("key", "x".repeat(length)).expect("a key");
    encode_metadata(&metadata)
}

#[test]
fn the_smaller_of_both_limits_on_messages_holds_for_requests() {
    let (low, high) = (Limits::default().max_message(1000), Limits::default());
    for limits in [[low.clone(), high.clone()], [high, low]] {
        let mut pair = ConnectionPair::new(limits, None, 1, Instant::now());
        start(&mut pair, &content(1000));
        let refused = pair.start(CLIENT, 7, &content(1001), None).expect_err("too long");
        assert_eq!(
            (refused.code(), refused.outcome()),
            (Code::ResourceExhausted, Outcome::NotExecuted)
        );
        assert!(
            refused.message().contains("1001") && refused.message().contains("max_message"),
            "{refused}"
        );
        exchange(&mut pair);
        assert_eq!(requests(&mut pair).len(), 1);
    }
}

#[test]
fn a_result_that_is_too_long_fails_its_call_and_says_that_it_ran() {
    let mut pair = with_limits(Limits::default().max_message(1000), 1);
    for _ in 0..2 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 0, &content(1001));
    pair.reply(SERVER, 1, &content(1000));
    exchange(&mut pair);
    let answers = answers(&mut pair);
    let [(0, Err(error)), (1, Ok(_))] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::Executed)
    );
    assert!(error.message().contains("max_message"), "{error}");
    for (call, _) in answers {
        pair.connection(CLIENT).release(call);
    }
    assert_empty(&mut pair);
}

#[test]
fn one_call_more_than_the_limit_is_refused_until_one_has_ended() {
    let mut pair = with_limits(Limits::default().max_calls(2), 1);
    for _ in 0..2 {
        start(&mut pair, &content(1));
    }
    let refused = pair.start(CLIENT, 7, &content(1), None).expect_err("one too many");
    assert!(
        refused.is_retryable() && refused.message().contains("max_calls"),
        "{refused}"
    );
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 1, &content(1));
    exchange(&mut pair);
    answers(&mut pair);
    pair.connection(CLIENT).release(1);
    assert_eq!(start(&mut pair, &content(1)), 1);
}

#[test]
fn metadata_that_is_too_long_is_refused() {
    let mut pair = with_limits(Limits::default().max_metadata(100), 1);
    for (length, refused) in [(92, false), (93, true)] {
        let head = RequestHead {
            metadata: metadata(length),
            ..RequestHead::default()
        };
        let started = pair.connection(CLIENT).start(&head, body(&content(1)), None);
        assert_eq!(started.is_err(), refused, "{started:?}");
    }
    exchange(&mut pair);
    requests(&mut pair);
    pair.connection(SERVER).reply(0, &metadata(93), Ok(body(&content(1))));
    exchange(&mut pair);
    let error = failure(&mut pair);
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::Executed)
    );
}

#[test]
fn a_failures_metadata_is_left_out_where_it_is_too_long() {
    let mut pair = with_limits(Limits::default().max_metadata(10), 1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    let mut metadata = Metadata::new();
    metadata.append("key", "a long value").expect("a key");
    let error = crate::Error::aborted("no").with_metadata(metadata);
    pair.connection(SERVER).reply(0, &Bytes::new(), Err(&error));
    exchange(&mut pair);
    let failure = failure(&mut pair);
    assert_eq!((failure.message(), failure.metadata().len()), ("no", 0));
}

#[test]
fn a_peer_that_announces_endless_metadata_gets_what_fits_into_a_frame() {
    let limits = Limits::default();
    let peer = Announced {
        max_metadata: u32::MAX,
        ..Announced::over(Carrier::Stream, &limits)
    };
    let mut pair = pair(1);
    let settings = Settings {
        ours: limits,
        peer,
        carrier: Carrier::Stream,
        idle: None,
    };
    pair.ends[SERVER].connection = Connection::new(settings, pair.now);
    for _ in 0..2 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    requests(&mut pair);
    pair.connection(SERVER)
        .reply(0, &metadata(MAX_PAYLOAD), Ok(body(&content(1))));
    let mut many = Metadata::new();
    many.append("key", "x".repeat(MAX_PAYLOAD)).expect("a key");
    let error = crate::Error::aborted("no").with_metadata(many);
    pair.connection(SERVER).reply(1, &Bytes::new(), Err(&error));
    exchange(&mut pair);
    let codes: Vec<_> = answers(&mut pair)
        .into_iter()
        .map(|(_, answer)| answer.expect_err("both fail").code())
        .collect();
    assert_eq!(codes, [Code::ResourceExhausted, Code::Aborted]);
}

#[test]
fn the_longest_head_and_first_piece_fit_into_one_frame() {
    let mut pair = pair(1);
    for length in [8 << 10, 32 << 10, 100 << 10] {
        let head = RequestHead {
            method: 1,
            target: Target::Instance(2),
            timeout: Some(std::time::Duration::from_secs(1)),
            metadata: metadata((16 << 10) - 8),
            ..RequestHead::default()
        };
        pair.connection(CLIENT)
            .start(&head, body(&content(length)), None)
            .expect("it is within the limits");
    }
    exchange(&mut pair);
    assert_eq!(requests(&mut pair).len(), 3);
}

#[test]
fn a_peer_that_ignores_the_limits_is_cut_off() {
    let limits = Limits::default().max_message(1000).max_buffered(1000).max_metadata(10);
    for (what, more, payload) in [
        ("`max_message`", false, request_payload(None, &[1; 1001])),
        ("`max_message`", true, request_payload(Some(1001), &[1; 10])),
        (
            "11 bytes of metadata",
            false,
            vec![7, 0, 0, 0, 0, 0, 0, 0, 4, 11, 0, 0, 0],
        ),
    ] {
        let mut pair = with_limits(limits.clone(), 1);
        let text = violation(&mut pair, SERVER, frame(Kind::Request, more, 0, &payload));
        assert!(text.contains(what), "{text:?} says nothing of {what:?}");
    }
    for (more, payload) in [(false, vec![0; 1002]), (true, vec![0, 0xe9, 3, 0, 0, 1])] {
        let mut pair = with_limits(limits.clone(), 1);
        start(&mut pair, &content(1));
        exchange(&mut pair);
        let text = violation(&mut pair, CLIENT, frame(Kind::Reply, more, 0, &payload));
        assert!(text.contains("a reply of 1001 bytes"), "{text}");
    }
}

#[test]
fn a_frame_without_payload_is_eight_bytes() {
    let mut pair = pair(1);
    pair.connection(CLIENT).go_away();
    assert_eq!(pair.connection(CLIENT).queued(), HEADER);
    exchange(&mut pair);
    assert!(matches!(pair.events(SERVER)[..], [Event::GoAway]));
}
