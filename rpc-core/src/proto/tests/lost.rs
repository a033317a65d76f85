//! When the connection is lost: a call is said to have never run if and only if not all of its request was written.

use super::{answers, content, exchange, pair, requests, start};
use crate::harness::{CLIENT, SERVER};
use crate::{
    Outcome,
    proto::{Event, frame::PIECE},
};

#[test]
fn a_call_never_ran_exactly_if_some_of_it_was_not_written() {
    // With its header of 8 bytes and its head of 9, or the first piece's head of 13 and the header of another one.
    for (length, whole) in [(0, 17), (100, 117), (PIECE, PIECE + 17), (PIECE + 1, PIECE + 21 + 9)] {
        for written in [0, 1, 8, whole - 1, whole] {
            let mut pair = pair(1);
            start(&mut pair, &content(length));
            let mut left = written;
            while left > 0 {
                let step = pair.write(CLIENT, left);
                assert!(step > 0, "the request is shorter than {whole} bytes");
                left -= step;
            }
            assert_eq!(pair.connection(CLIENT).has_left(0), written == whole);
            pair.read(SERVER, usize::MAX).expect("both are honest");
            assert_eq!(
                requests(&mut pair).len(),
                usize::from(written == whole),
                "{written} of {whole}"
            );
            let outcome = if written == whole {
                Outcome::Unknown
            } else {
                Outcome::NotExecuted
            };
            drop(pair.connection(CLIENT).take_unsent());
            assert_eq!(
                pair.connection(CLIENT).drain_lost(),
                [(0, outcome)],
                "{written} of {whole}"
            );
        }
    }
}

#[test]
fn bytes_of_one_call_do_not_count_for_another() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    pair.write(CLIENT, 18);
    start(&mut pair, &content(1));
    pair.write(CLIENT, 17);
    let lost = pair.connection(CLIENT).drain_lost();
    assert_eq!(lost, [(0, Outcome::Unknown), (1, Outcome::NotExecuted)]);
}

#[test]
fn calls_that_ended_or_that_nobody_waits_for_are_not_lost() {
    let mut pair = pair(1);
    for _ in 0..4 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 0, &content(1));
    exchange(&mut pair);
    pair.connection(CLIENT).abandon(1);
    pair.connection(CLIENT).release(2);
    assert_eq!(answers(&mut pair).len(), 1);
    assert_eq!(pair.connection(CLIENT).drain_lost(), [(3, Outcome::Unknown)]);
    assert_eq!(pair.connection(CLIENT).drain_lost(), [], "once");
}

#[test]
fn commands_to_a_connection_that_was_drained_do_nothing() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    start(&mut pair, &content(20 * PIECE));
    pair.write(CLIENT, 10);
    assert_eq!(pair.connection(CLIENT).drain_lost().len(), 2);
    for id in [0, 1, 77] {
        pair.connection(CLIENT).abandon(id);
        pair.connection(CLIENT).release(id);
        pair.reply(CLIENT, id, &content(1));
        assert!(pair.connection(CLIENT).has_left(id));
    }
    pair.write(CLIENT, usize::MAX);
    assert_eq!(pair.connection(CLIENT).outgoing(), 0);
}

#[test]
fn whoever_waits_for_a_request_to_leave_is_told_once_and_when_it_has() {
    let mut pair = pair(1);
    for _ in 0..100 {
        let id = start(&mut pair, &content(1));
        pair.connection(CLIENT).watch_leaving(id);
        pair.connection(CLIENT).watch_leaving(id);
    }
    let large = start(&mut pair, &content(20 * PIECE));
    pair.connection(CLIENT).watch_leaving(large);
    let mut told = Vec::new();
    loop {
        let written = pair.write(CLIENT, 100);
        for event in pair.events(CLIENT) {
            let Event::Left { call } = event else {
                panic!("{event:?}")
            };
            assert!(pair.connection(CLIENT).has_left(call));
            told.push(call);
        }
        pair.read(SERVER, usize::MAX).expect("all is well");
        if written == 0 {
            break;
        }
    }
    assert_eq!(told, (0..=100).collect::<Vec<_>>());
}
