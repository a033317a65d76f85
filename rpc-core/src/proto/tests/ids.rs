//! An id is used again only after both ends are done with it, and an answer never reaches another call.

use bytes::{BufMut, BytesMut};

use super::{
    answers, assert_empty, content, exchange, frame, inject, pair, request_payload, requests, start, violation,
};
use crate::harness::{CLIENT, SERVER};
use crate::proto::frame::{Kind, PIECE};

#[test]
fn ids_are_dense_and_used_again() {
    let mut pair = pair(1);
    for round in 0..3 {
        let ids: Vec<_> = (0..5).map(|_| start(&mut pair, &content(round))).collect();
        assert_eq!(ids.iter().max(), Some(&4), "round {round}: {ids:?}");
        exchange(&mut pair);
        for (call, body) in requests(&mut pair) {
            pair.reply(SERVER, call, &body);
        }
        exchange(&mut pair);
        for (call, _) in answers(&mut pair) {
            pair.connection(CLIENT).release(call);
        }
        assert_empty(&mut pair);
    }
}

#[test]
fn an_answer_that_its_caller_did_not_take_keeps_the_id() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 0, &content(1));
    exchange(&mut pair);
    assert_eq!(start(&mut pair, &content(2)), 1);
    assert_eq!(answers(&mut pair).len(), 1);
    assert_eq!(
        start(&mut pair, &content(2)),
        2,
        "taken from the events, and not by the caller yet"
    );
    pair.connection(CLIENT).release(0);
    assert_eq!(start(&mut pair, &content(2)), 0);
}

#[test]
fn an_answer_among_the_events_never_reaches_the_next_call() {
    let mut pair = pair(1);
    for abandon in [true, false] {
        let first = start(&mut pair, &content(1));
        exchange(&mut pair);
        requests(&mut pair);
        pair.reply(SERVER, first, &content(1));
        exchange(&mut pair);
        // The answer has come and the event was not taken; meanwhile its caller goes away and another call is made.
        if abandon {
            pair.connection(CLIENT).abandon(first);
        } else {
            pair.connection(CLIENT).release(first);
        }
        let second = start(&mut pair, &content(2));
        assert_ne!(first, second);
        assert_eq!(answers(&mut pair), [], "an answer for another call");
        exchange(&mut pair);
        requests(&mut pair);
        pair.reply(SERVER, second, &content(2));
        exchange(&mut pair);
        assert_eq!(answers(&mut pair), [(second, Ok(content(2)))]);
        pair.connection(CLIENT).release(second);
    }
    assert_empty(&mut pair);
}

#[test]
fn a_handler_answers_once() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 0, &content(1));
    pair.reply(SERVER, 0, &content(2));
    exchange(&mut pair);
    assert_eq!(answers(&mut pair), [(0, Ok(content(1)))]);
}

#[test]
fn answers_to_calls_that_are_not_in_flight_end_the_connection() {
    let mut failure = BytesMut::new();
    failure.put_slice(&[5, 0, 0]);
    for (kind, more, payload) in [
        (Kind::Reply, false, &[0][..]),
        (Kind::ReplyData, false, &[]),
        (Kind::Failure, false, &failure),
    ] {
        let mut pair = pair(1);
        let text = violation(&mut pair, CLIENT, frame(kind, more, 3, payload));
        assert!(text.contains("call 3"), "{text}");
    }
}

#[test]
fn an_answer_to_what_was_not_sent_ends_the_connection_and_the_caller_is_told() {
    for length in [1, 20 * PIECE] {
        let mut pair = pair(1);
        start(&mut pair, &content(length));
        let text = violation(&mut pair, CLIENT, frame(Kind::Reply, false, 0, &[0]));
        assert!(text.contains("before any of its request was sent"), "{text}");
        assert_eq!(pair.connection(CLIENT).drain_lost(), [(0, crate::Outcome::NotExecuted)]);
    }
}

#[test]
fn pieces_that_belong_to_nothing_end_the_connection() {
    let request = |more, total, body: &[u8]| frame(Kind::Request, more, 0, &request_payload(total, body));
    let data = |more, body: &[u8]| frame(Kind::RequestData, more, 0, body);
    for (what, frames) in [
        ("never began", vec![data(false, &[1])]),
        ("never began", vec![request(false, None, &[1]), data(false, &[1])]),
        ("in flight", vec![request(false, None, &[]), request(false, None, &[])]),
        (
            "in flight",
            vec![request(true, Some(9), &[1]), request(false, None, &[])],
        ),
        ("more of a message", vec![request(true, Some(2), &[1, 2, 3])]),
        (
            "more of a message",
            vec![request(true, Some(2), &[1]), data(true, &[1, 2])],
        ),
        (
            "less of a message",
            vec![request(true, Some(3), &[1]), data(false, &[2])],
        ),
        ("an empty piece", vec![request(true, Some(3), &[])]),
        ("an empty piece", vec![request(true, Some(3), &[1]), data(true, &[])]),
        ("ends early", vec![frame(Kind::Request, false, 0, &[7, 0, 0])]),
        (
            "unknown flags",
            vec![frame(Kind::Request, false, 0, &[7, 0, 0, 0, 0, 0, 0, 0, 64])],
        ),
        (
            "call id 1024",
            vec![frame(Kind::Request, false, 1024, &request_payload(None, &[]))],
        ),
        ("call id 4294967295", vec![frame(Kind::Cancel, false, u32::MAX, &[])]),
    ] {
        let mut pair = pair(1);
        let mut input = BytesMut::new();
        for frame in frames {
            input.unsplit(frame);
        }
        let text = violation(&mut pair, SERVER, input);
        assert!(text.contains(what), "{text:?} says nothing of {what:?}");
    }
}

#[test]
fn garbled_replies_end_the_connection() {
    for (what, kind, more, payload) in [
        ("ends early", Kind::Reply, false, &[][..]),
        ("unknown flags", Kind::Reply, false, &[1]),
        ("bytes of metadata", Kind::Reply, false, &[4, 1, 0, 1, 0]),
        ("never began", Kind::ReplyData, false, &[1]),
        ("unknown code", Kind::Failure, false, &[0, 0, 0]),
        ("unknown code", Kind::Failure, false, &[17, 0, 0]),
        ("unknown outcome", Kind::Failure, false, &[1, 3, 0]),
        ("unknown flags", Kind::Failure, false, &[1, 0, 2]),
        ("not UTF-8", Kind::Failure, false, &[1, 0, 0, 0xff]),
        ("`max_message`", Kind::Reply, true, &[0, 0xff, 0xff, 0xff, 0xff, 1]),
    ] {
        let mut pair = pair(1);
        start(&mut pair, &content(1));
        exchange(&mut pair);
        let text = violation(&mut pair, CLIENT, frame(kind, more, 0, payload));
        assert!(text.contains(what), "{text:?} says nothing of {what:?}");
        assert_eq!(pair.connection(CLIENT).drain_lost(), [(0, crate::Outcome::Unknown)]);
    }
}

#[test]
fn frames_that_are_none_end_the_connection_at_their_header() {
    for (what, header) in [
        ("unknown kind", [0, 0, 0, 0, 0, 0, 0, 0]),
        ("unknown kind", [0, 0, 0, 22, 0, 0, 0, 0]),
        ("65537 bytes", [1, 0, 1, 1, 0, 0, 0, 0]),
        ("16777215 bytes", [0xff, 0xff, 0xff, 1, 0, 0, 0, 0]),
    ] {
        let mut pair = pair(1);
        let text = violation(&mut pair, SERVER, BytesMut::from(&header[..]));
        assert!(text.contains(what), "{text:?} says nothing of {what:?}");
    }
    let mut pair = pair(1);
    inject(&mut pair, SERVER, BytesMut::from(&[0, 0, 1, 1, 0, 0, 0, 0][..])).expect("the longest frame, not there yet");
}
