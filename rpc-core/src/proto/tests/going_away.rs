//! A side that goes away finishes what runs and refuses what is new, with a word that says it never ran.

use super::{answers, assert_empty, content, exchange, failure, pair, requests, start};
use crate::harness::{CLIENT, SERVER};
use crate::{
    Code, Error, Outcome,
    proto::{Event, Lost, frame::PIECE},
};

#[test]
fn calls_under_way_go_on_and_new_ones_are_refused_by_the_caller_itself() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    pair.connection(SERVER).go_away();
    pair.connection(SERVER).go_away();
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    assert!(matches!(events[..], [Event::GoAway]), "told once: {events:?}");
    let refused = pair
        .start(CLIENT, 7, &content(1), None)
        .expect_err("the server goes away");
    assert!(refused.is_retryable(), "{refused}");
    assert!(!pair.connection(SERVER).is_drained());
    pair.reply(SERVER, 0, &content(5));
    exchange(&mut pair);
    assert_eq!(answers(&mut pair), [(0, Ok(content(5)))]);
    assert!(pair.connection(SERVER).is_drained());
}

#[test]
fn a_call_that_crosses_with_the_word_is_refused_and_may_be_made_elsewhere() {
    for length in [1, 20 * PIECE] {
        for seed in 0..10 {
            let mut pair = pair(seed);
            start(&mut pair, &content(length));
            pair.connection(SERVER).go_away();
            exchange(&mut pair);
            assert!(pair.events(SERVER).is_empty(), "no handler starts");
            let mut events = pair.events(CLIENT);
            let Some(Event::Failed { error, .. }) = events.pop() else {
                panic!("{events:?} where a failure was due");
            };
            assert!(error.is_retryable(), "{error}");
            pair.connection(CLIENT).release(0);
            assert_empty(&mut pair);
        }
    }
}

#[test]
fn the_side_that_goes_away_may_still_call() {
    let mut pair = pair(1);
    pair.connection(SERVER).go_away();
    exchange(&mut pair);
    pair.events(CLIENT);
    pair.start(SERVER, 8, &content(1), None)
        .expect("the client did not go away");
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    assert!(matches!(events[..], [Event::Request { .. }]), "{events:?}");
}

#[test]
fn a_close_says_why() {
    let mut pair = pair(1);
    let why = Error::new(Code::Unavailable, "maintenance").with_outcome(Outcome::NotExecuted);
    pair.connection(SERVER).close(&why);
    match pair.exchange() {
        Err(Lost::Closed(error)) => assert_eq!(error, why),
        other => panic!("{other:?} where a close was due"),
    }
}

#[test]
fn what_came_before_a_close_is_an_answer() {
    let mut pair = pair(1);
    for _ in 0..2 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 0, &content(5));
    pair.connection(SERVER).close(&Error::unavailable("maintenance"));
    assert!(matches!(pair.exchange(), Err(Lost::Closed(_))));
    assert_eq!(answers(&mut pair), [(0, Ok(content(5)))]);
    assert_eq!(pair.connection(CLIENT).drain_lost(), [(1, Outcome::Unknown)]);
}

#[test]
fn a_call_that_crosses_the_last_word_of_a_peer_that_has_finished_never_ran() {
    let mut pair = pair(1);
    let finished = Error::unavailable("done").with_outcome(Outcome::NotExecuted);
    pair.connection(SERVER).close(&finished);
    start(&mut pair, &content(1));
    pair.write(CLIENT, usize::MAX);
    assert!(matches!(pair.exchange(), Err(Lost::Closed(_))));
    assert_eq!(pair.connection(CLIENT).drain_lost(), [(0, Outcome::NotExecuted)]);
}

#[test]
fn a_long_text_is_cut_between_letters() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    let error = Error::internal("ü".repeat(70_000));
    pair.connection(SERVER).reply(0, &bytes::Bytes::new(), Err(&error));
    exchange(&mut pair);
    assert_eq!(failure(&mut pair).message(), "ü".repeat(4096));
}
