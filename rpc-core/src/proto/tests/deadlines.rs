//! Each side enforces deadlines, no matter what the other one does.

use std::time::Duration;

use bytes::Bytes;

use super::{assert_empty, content, exchange, failure, pair, requests, time_out, with_limits};
use crate::harness::{CLIENT, SERVER};
use crate::{
    Code, Error, Outcome,
    proto::{Event, Limits, Stop, frame::PIECE},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_caller_is_told_at_the_deadline_by_its_own_clock() {
    let mut pair = pair(1);
    pair.ends[SERVER].reads = false;
    pair.start(CLIENT, 7, &content(1), Some(SECOND))
        .expect("it is within the limits");
    exchange(&mut pair);
    pair.pass(SECOND.saturating_sub(Duration::from_millis(1)))
        .expect("nothing ends");
    assert!(pair.events(CLIENT).is_empty());
    pair.pass(Duration::from_millis(1)).expect("nothing ends");
    let error = failure(&mut pair);
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::DeadlineExceeded, Outcome::Unknown)
    );
}

#[test]
fn the_handler_is_stopped_at_the_deadline_by_the_servers_clock() {
    let mut pair = pair(1);
    pair.start(CLIENT, 7, &content(1), Some(SECOND))
        .expect("it is within the limits");
    exchange(&mut pair);
    requests(&mut pair);
    pair.now += SECOND;
    time_out(&mut pair, SERVER);
    let events = pair.events(SERVER);
    assert!(
        matches!(
            events[..],
            [Event::Stop {
                call: 0,
                why: Stop::Expired
            }]
        ),
        "{events:?}"
    );
    // The caller's own clock has not fired: it gets the server's word.
    let stopped = Error::cancelled("the handler was stopped").with_outcome(Outcome::Unknown);
    pair.connection(SERVER).reply(0, &Bytes::new(), Err(&stopped));
    exchange(&mut pair);
    let error = failure(&mut pair);
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::DeadlineExceeded, Outcome::Unknown)
    );
    pair.connection(CLIENT).release(0);
    assert_empty(&mut pair);
}

#[test]
fn a_request_that_comes_with_its_cancellation_has_its_deadline() {
    let mut pair = pair(1);
    pair.start(CLIENT, 7, &content(1), Some(SECOND))
        .expect("it is within the limits");
    while pair.write(CLIENT, usize::MAX) > 0 {}
    pair.connection(CLIENT).abandon(0);
    exchange(&mut pair);
    let deadline = pair.now + SECOND;
    let server = pair.connection(SERVER);
    assert!(matches!(server.poll_event(), Some(Event::Request { call: 0, .. })));
    assert_eq!(server.deadline(0), Some(deadline));
    assert!(matches!(server.poll_event(), Some(Event::Stop { call: 0, .. })));
}

#[test]
fn both_clocks_at_once_end_the_call_once() {
    let mut pair = pair(1);
    pair.start(CLIENT, 7, &content(1), Some(SECOND))
        .expect("it is within the limits");
    exchange(&mut pair);
    requests(&mut pair);
    pair.pass(SECOND).expect("nothing ends");
    assert_eq!(pair.events(SERVER).len(), 1, "the handler is told to stop");
    failure(&mut pair);
    pair.connection(CLIENT).release(0);
    pair.reply(SERVER, 0, &content(1));
    exchange(&mut pair);
    assert!(pair.events(CLIENT).is_empty());
    assert_empty(&mut pair);
}

#[test]
fn a_request_that_waits_for_room_expires_unsent() {
    let large = 4 * PIECE;
    let mut pair = with_limits(Limits::default().max_message(large).max_buffered(large), 1);
    pair.start(CLIENT, 7, &content(large), None)
        .expect("it is within the limits");
    pair.start(CLIENT, 7, &content(large), Some(SECOND))
        .expect("it is within the limits");
    exchange(&mut pair);
    requests(&mut pair);
    pair.pass(SECOND).expect("nothing ends");
    assert_eq!(failure(&mut pair).outcome(), Outcome::NotExecuted);
    pair.connection(CLIENT).release(1);
    assert_eq!(pair.connection(SERVER).incoming(), 1, "the server never heard of it");
    assert_eq!(pair.connection(CLIENT).outgoing(), 1);
}

#[test]
fn a_request_that_expires_on_its_way_never_runs() {
    for server_first in [true, false] {
        let mut pair = pair(1);
        pair.start(CLIENT, 7, &content(20 * PIECE), Some(SECOND))
            .expect("it is within the limits");
        pair.write(CLIENT, 2 * PIECE);
        pair.read(SERVER, usize::MAX).expect("both are honest");
        pair.now += SECOND;
        let first = if server_first { SERVER } else { CLIENT };
        for end in [first, 1 - first] {
            time_out(&mut pair, end);
        }
        exchange(&mut pair);
        assert!(pair.events(SERVER).is_empty(), "half a request started a handler");
        let error = failure(&mut pair);
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::DeadlineExceeded, Outcome::NotExecuted)
        );
        pair.connection(CLIENT).release(0);
        assert_empty(&mut pair);
    }
}

#[test]
fn a_server_that_gives_a_request_up_lets_the_rest_of_it_go_by() {
    let mut pair = pair(1);
    pair.start(CLIENT, 7, &content(20 * PIECE), Some(SECOND))
        .expect("it is within the limits");
    pair.write(CLIENT, 2 * PIECE);
    pair.read(SERVER, usize::MAX).expect("both are honest");
    pair.now += SECOND;
    time_out(&mut pair, SERVER);
    assert_eq!(pair.connection(SERVER).held().requests, 0, "its memory is free at once");
    exchange(&mut pair);
    assert_eq!(failure(&mut pair).outcome(), Outcome::NotExecuted);
    pair.connection(CLIENT).release(0);
    assert_empty(&mut pair);
    pair.start(CLIENT, 7, &content(3), None)
        .expect("it is within the limits");
    exchange(&mut pair);
    assert_eq!(requests(&mut pair), [(0, content(3))], "the id serves again");
}

#[test]
fn a_timeout_of_centuries_is_no_problem() {
    let mut pair = pair(1);
    let head = crate::proto::RequestHead {
        timeout: Some(Duration::MAX),
        ..Default::default()
    };
    pair.connection(CLIENT)
        .start(&head, crate::proto::Body::Small(&[]), None)
        .expect("it is within the limits");
    exchange(&mut pair);
    assert_eq!(requests(&mut pair).len(), 1);
}
