//! Items longer than their windows.

use super::*;
use crate::{
    Code, Outcome,
    proto::{frame::PIECE, tests::content},
};

const MESSAGE: usize = 1 << 20;

fn limits() -> Limits {
    Limits::default()
        .max_message(MESSAGE)
        .max_buffered(2 * MESSAGE)
        .stream_window(16 << 10)
        .max_stream_window(16 << 10)
}

#[test]
fn an_item_longer_than_the_window_gets_the_room_that_it_lacks_and_gives_it_back() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for length in [(16 << 10) - 4, (16 << 10) - 3, PIECE, PIECE + 1, MESSAGE] {
        send(&mut pair, CLIENT, from, &content(length));
        exchange(&mut pair);
        let beyond = (length + 4).saturating_sub(16 << 10);
        assert_eq!(pair.connection(SERVER).held().beyond, beyond);
        assert_eq!(receive(&mut pair, SERVER, to), (vec![content(length)], None));
        assert_eq!(pair.connection(SERVER).held().beyond, 0);
        exchange(&mut pair);
    }
}

/// What is used up of a window is too little for a credit of its own, until an item begins that needs it.
#[test]
fn an_item_shorter_than_the_window_gets_the_rest_of_it() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for length in [3000, 15_000] {
        send(&mut pair, CLIENT, from, &content(length));
        exchange(&mut pair);
        assert_eq!(receive(&mut pair, SERVER, to), (vec![content(length)], None));
        assert_eq!(receive(&mut pair, SERVER, to), (Vec::new(), None));
        exchange(&mut pair);
    }
}

#[test]
fn short_and_long_items_follow_each_other() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    let lengths = [
        10,
        100_000,
        100_000,
        3,
        16 << 10,
        MESSAGE,
        0,
        0,
        40_000,
        5000,
        5000,
        5000,
        5000,
    ];
    let mut received = Vec::new();
    for length in lengths {
        while !has_room(&mut pair, CLIENT, from) {
            exchange(&mut pair);
            received.extend(receive(&mut pair, SERVER, to).0);
        }
        send(&mut pair, CLIENT, from, &content(length));
    }
    finish(&mut pair, CLIENT, from);
    loop {
        exchange(&mut pair);
        let (items, end) = receive(&mut pair, SERVER, to);
        received.extend(items);
        if end.is_some() {
            break;
        }
    }
    assert_eq!(received, lengths.map(content));
    stop(&mut pair, SERVER, to);
    assert_over(&mut pair);
}

#[test]
fn without_room_the_next_one_waits_until_one_is_used_up() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..5).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, _) in &streams {
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    exchange(&mut pair);
    assert!(pair.connection(SERVER).held().beyond <= 2 * MESSAGE);
    assert!(pair.connection(SERVER).held().arrived <= 2 * MESSAGE + 5 * (16 << 10));
    let mut waiting = streams.clone();
    while !waiting.is_empty() {
        let before = waiting.len();
        // One that was used up makes room for the next.
        waiting.retain(|&(_, to)| receive(&mut pair, SERVER, to).0.is_empty());
        assert!(waiting.len() < before, "{before} streams wait for each other");
        exchange(&mut pair);
    }
    assert_eq!(pair.connection(SERVER).held().beyond, 0);
}

#[test]
fn a_stream_that_stops_gives_its_room_to_the_next() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..3).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, _) in &streams {
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    exchange(&mut pair);
    // Two of three have room; the third gets it from the one that goes, or goes itself without taking any along.
    stop(&mut pair, SERVER, streams[0].1);
    exchange(&mut pair);
    for &(_, to) in &streams[1..] {
        assert_eq!(receive(&mut pair, SERVER, to).0, [content(MESSAGE)]);
    }
    for (from, to) in streams {
        finish(&mut pair, CLIENT, from);
        stop(&mut pair, SERVER, to);
    }
    assert_over(&mut pair);
}

#[test]
fn an_item_that_the_receiver_would_not_take_is_not_sent() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    let long = content(MESSAGE + 1);
    let connection = pair.connection(CLIENT);
    let error = connection
        .send_item(from, &[], body(&long))
        .expect_err("it is too long");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert!(error.message().contains("the item takes 1048577 bytes"), "{error}");
    assert!(connection.replace_items(from, body(&long)).is_err());
    send(&mut pair, CLIENT, from, b"next");
    exchange(&mut pair);
    assert_eq!(receive(&mut pair, SERVER, to).0, [Bytes::from_static(b"next")]);
}
