//! How streams end: each once, on both sides, and then their numbers are free.

use super::*;
use crate::{Code, proto::tests::content};

#[test]
fn a_stream_without_items_ends_well() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    assert_eq!(receive(&mut pair, SERVER, to), (vec![], None));
    finish(&mut pair, CLIENT, from);
    exchange(&mut pair);
    assert!(matches!(&pair.events(SERVER)[..], [Event::Receivable { .. }]));
    assert_eq!(receive(&mut pair, SERVER, to), (vec![], Some(Ok(()))));
    stop(&mut pair, SERVER, to);
    assert_over(&mut pair);
}

#[test]
fn an_error_comes_first_or_behind_the_items_before_it() {
    for count in [0, 1, 300] {
        let mut pair = pair(1);
        let (from, to) = open(&mut pair, SERVER, Flow::Sends);
        for _ in 0..count {
            send(&mut pair, SERVER, from, &content(1000));
        }
        let error = Error::data_loss("half of it is gone");
        pair.connection(SERVER).end_stream(from, Err(&error));
        let (mut items, mut end) = (0, None);
        while end.is_none() {
            exchange(&mut pair);
            let received = receive(&mut pair, CLIENT, to);
            items += received.0.len();
            end = received.1;
        }
        assert_eq!((items, end), (count, Some(Err(error))));
        stop(&mut pair, CLIENT, to);
        assert_over(&mut pair);
    }
}

#[test]
fn a_receiver_that_stops_says_why_and_what_waits_is_dropped() {
    let why = Error::new(Code::OutOfRange, "enough");
    for (said, code) in [(Some(&why), Code::OutOfRange), (None, Code::Cancelled)] {
        let mut pair = pair(1);
        let (from, to) = open(&mut pair, CLIENT, Flow::Receives);
        for _ in 0..200 {
            send(&mut pair, SERVER, from, &content(1000));
        }
        exchange(&mut pair);
        assert!(pair.connection(CLIENT).held().arrived > 0);
        pair.connection(CLIENT).stop_stream(to, said);
        assert_eq!(pair.connection(CLIENT).held().arrived, 0);
        exchange(&mut pair);
        // Told without having asked: it may wait for something else.
        assert!(matches!(&pair.events(SERVER)[..], [Event::Sendable { stream }] if *stream == from));
        assert_eq!(stopped(&mut pair, SERVER, from).code(), code);
        send(&mut pair, SERVER, from, b"too late");
        assert!(!pair.connection(SERVER).wants_write());
        finish(&mut pair, SERVER, from);
        assert_over(&mut pair);
    }
}

#[test]
fn both_may_end_at_once() {
    for sent in [0, 1, 200] {
        let mut pair = pair(1);
        let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
        for _ in 0..sent {
            send(&mut pair, CLIENT, from, &content(1000));
        }
        finish(&mut pair, CLIENT, from);
        stop(&mut pair, SERVER, to);
        assert_over(&mut pair);
    }
}

#[test]
fn the_end_waits_for_the_receiver_to_take_what_came_before() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for _ in 0..200 {
        send(&mut pair, CLIENT, from, &content(1000));
    }
    finish(&mut pair, CLIENT, from);
    exchange(&mut pair);
    assert_eq!(pair.connection(CLIENT).streams(), []);
    assert!(!pair.connection(CLIENT).wants_write(), "nothing more may leave");
    assert!(!pair.connection(CLIENT).is_drained(), "something still must");
    let mut items = 0;
    let end = loop {
        let (some, end) = receive(&mut pair, SERVER, to);
        items += some.len();
        if let Some(end) = end {
            break end;
        }
        exchange(&mut pair);
    };
    assert_eq!((items, end), (200, Ok(())));
    // Until the receiver's user lets go, the number is in use.
    assert_eq!(pair.connection(SERVER).streams(), [to]);
    assert_eq!(pair.connection(CLIENT).held().streams, 1);
    stop(&mut pair, SERVER, to);
    assert_over(&mut pair);
}

#[test]
fn a_side_may_take_no_streams_at_all() {
    let mut pair = with_limits(Limits::default().max_streams(0), 1);
    let none = pair.connection(CLIENT).open_stream(Flow::Sends);
    assert_eq!(
        none.expect_err("none is taken").message(),
        "the message's receiver takes no streams on this connection: its limit (`max_streams`) is 0"
    );
}

#[test]
fn numbers_are_used_again_and_only_then() {
    let limits = Limits::default().max_streams(2);
    let mut pair = with_limits(limits, 1);
    let (first, received) = open(&mut pair, CLIENT, Flow::Sends);
    let (_, second) = open(&mut pair, CLIENT, Flow::Receives);
    let full = pair
        .connection(CLIENT)
        .open_stream(Flow::Sends)
        .expect_err("there are two");
    assert_eq!(full.code(), Code::ResourceExhausted);
    assert_eq!(
        full.message(),
        "the message's receiver takes no more streams on this connection: its limit (`max_streams`) is 2"
    );
    // The other side numbers its own.
    open(&mut pair, SERVER, Flow::Sends);
    finish(&mut pair, CLIENT, first);
    exchange(&mut pair);
    assert!(
        pair.connection(CLIENT).open_stream(Flow::Sends).is_err(),
        "its receiver has not let go"
    );
    stop(&mut pair, SERVER, received);
    exchange(&mut pair);
    let (_, again) = open(&mut pair, CLIENT, Flow::Receives);
    assert_eq!(again, first);
    assert_ne!(again, second);
}

#[test]
fn a_stream_that_no_message_carried_leaves_no_trace() {
    let mut pair = pair(1);
    let stream = pair.connection(CLIENT).open_stream(Flow::Sends).expect("there are few");
    pair.connection(CLIENT).discard_stream(stream);
    assert_over(&mut pair);
}

#[test]
fn what_came_before_the_connection_was_lost_can_be_taken() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    send(&mut pair, CLIENT, from, b"item");
    exchange(&mut pair);
    pair.connection(CLIENT).close(&Error::unavailable("maintenance"));
    pair.exchange().expect_err("the connection is closed");
    assert_eq!(pair.connection(SERVER).streams(), [to]);
    assert_eq!(
        receive(&mut pair, SERVER, to),
        (vec![Bytes::from_static(b"item")], None)
    );
    stop(&mut pair, SERVER, to);
    assert_eq!(pair.connection(SERVER).streams(), []);
}
