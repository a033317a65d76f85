//! A caller gives a call up, in any state of the call: the handler is told, and the id comes free once both ends are
//! done.

use bytes::Bytes;

use super::{assert_empty, content, exchange, pair, requests, start, time_out, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::{
    Error, Outcome,
    proto::{Event, Limits, Stop, frame::PIECE},
};

const LARGE: usize = 10 * PIECE;

/// The client gives call 0 up; what the server's application sees of it until all is quiet.
fn abandon(pair: &mut ConnectionPair) -> Vec<Event> {
    pair.connection(CLIENT).abandon(0);
    exchange(pair);
    assert!(pair.events(CLIENT).is_empty(), "the caller is gone");
    pair.events(SERVER)
}

#[test]
fn before_any_of_it_left_nothing_is_sent() {
    let mut pair = with_limits(Limits::default().max_message(LARGE).max_buffered(LARGE), 1);
    start(&mut pair, &content(LARGE));
    assert!(abandon(&mut pair).is_empty());
    assert_empty(&mut pair);
    assert_eq!(start(&mut pair, &content(1)), 0, "the id is free at once");
}

#[test]
fn while_its_request_leaves_no_handler_starts() {
    let mut pair = pair(1);
    start(&mut pair, &content(LARGE));
    pair.write(CLIENT, 2 * PIECE);
    pair.read(SERVER, usize::MAX).expect("both are honest");
    assert_eq!(pair.connection(SERVER).incoming(), 1);
    assert!(abandon(&mut pair).is_empty());
    assert_empty(&mut pair);
}

#[test]
fn while_its_handler_runs_the_id_is_taken_until_the_handler_has_stopped() {
    for large in [1, LARGE] {
        let mut pair = pair(1);
        start(&mut pair, &content(large));
        exchange(&mut pair);
        requests(&mut pair);
        let events = abandon(&mut pair);
        assert!(
            matches!(
                events[..],
                [Event::Stop {
                    call: 0,
                    why: Stop::Cancelled
                }]
            ),
            "{events:?}"
        );
        assert_eq!(pair.connection(CLIENT).outgoing(), 1);
        assert_eq!(start(&mut pair, &content(1)), 1, "the id of a call that still runs");
        let stopped = Error::cancelled("the handler was stopped");
        pair.connection(SERVER).reply(0, &Bytes::new(), Err(&stopped));
        exchange(&mut pair);
        assert_eq!(start(&mut pair, &content(1)), 0);
    }
}

#[test]
fn the_answer_and_the_cancellation_may_cross() {
    for length in [1, LARGE] {
        let mut pair = pair(1);
        start(&mut pair, &content(1));
        exchange(&mut pair);
        requests(&mut pair);
        pair.reply(SERVER, 0, &content(length));
        while pair.write(SERVER, usize::MAX) > 0 {}
        time_out(&mut pair, SERVER);
        assert!(abandon(&mut pair).is_empty(), "the call had ended");
        assert_empty(&mut pair);
    }
}

#[test]
fn while_its_reply_is_written_the_rest_of_it_is_not() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    // More than one turn, so that most of it has not left when the caller goes away.
    pair.reply(SERVER, 0, &content(8 << 20));
    pair.write(SERVER, 2 * PIECE);
    pair.read(CLIENT, usize::MAX).expect("both are honest");
    assert!(pair.connection(CLIENT).held().replies > 0);
    pair.connection(CLIENT).abandon(0);
    assert_eq!(pair.connection(CLIENT).held().replies, 0, "its memory is free at once");
    pair.write(CLIENT, usize::MAX);
    pair.read(SERVER, usize::MAX).expect("both are honest");
    let queued = pair.connection(SERVER).queued();
    assert!(queued < PIECE, "{queued} bytes still wait for a caller who is gone");
    exchange(&mut pair);
    assert_empty(&mut pair);
}

#[test]
fn an_answer_that_waits_for_its_caller_is_dropped_with_the_caller() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, 0, &content(1));
    exchange(&mut pair);
    assert!(abandon(&mut pair).is_empty());
    assert_empty(&mut pair);
}

#[test]
fn a_handler_that_runs_on_ends_its_call_as_cancelled_and_executed() {
    let mut pair = pair(1);
    start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    abandon(&mut pair);
    pair.reply(SERVER, 0, &content(LARGE));
    let queued = pair.connection(SERVER).queued();
    assert!(queued < 100, "{queued} bytes for a caller who is gone");
    exchange(&mut pair);
    assert_empty(&mut pair);
}

#[test]
fn many_calls_made_and_dropped_run_no_more_handlers_than_the_limit() {
    let mut pair = with_limits(Limits::default().max_calls(3), 1);
    let mut refused = 0;
    for _ in 0..20 {
        match pair.start(CLIENT, 7, &content(1), None) {
            Ok(id) => assert_eq!(
                pair.connection(CLIENT).abandon(id),
                Outcome::Unknown,
                "it may have left"
            ),
            Err(_) => refused += 1,
        }
        exchange(&mut pair);
    }
    assert_eq!((refused, pair.connection(SERVER).incoming()), (17, 3));
}
