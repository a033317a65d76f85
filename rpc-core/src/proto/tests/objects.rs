//! References to objects: an object is let go when every reference has come back and every message that named it was
//! read.

use bytes::{Bytes, BytesMut};

use super::{answers, assert_empty, exchange, failure, frame, inject, pair, violation, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER, body};
use crate::{
    Code, Outcome,
    proto::{Attachment, Event, Limits, RequestHead, Target, frame::Kind},
};

const SERVICE: u32 = 0x9503_0ad4;

/// A call of `from` to an object, or to none, that carries a list.
fn call(pair: &mut ConnectionPair, from: usize, object: Option<u32>, list: &[Attachment], length: usize) -> u32 {
    let head = RequestHead {
        target: object.map_or(Target::Service, Target::Object),
        attachments: list.into(),
        ..RequestHead::default()
    };
    let content = Bytes::from(vec![1; length]);
    let started = pair.connection(from).start(&head, body(&content), None);
    started.expect("it is within the limits")
}

/// The client gives the server so many references to one object of its own, each with a call that has ended.
fn given(pair: &mut ConnectionPair, references: usize) -> u32 {
    let mut object = None;
    for _ in 0..references {
        let exported = pair.connection(CLIENT).export(object).expect("there are few");
        assert!(object.is_none_or(|object| object == exported));
        object = Some(exported);
        let list = [Attachment::Object {
            object: exported,
            service: SERVICE,
        }];
        let id = call(pair, CLIENT, None, &list, 0);
        exchange(pair);
        let events = pair.events(SERVER);
        let [Event::Request { head, .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(head.attachments, list);
        end(pair, CLIENT, id);
    }
    object.expect("at least one")
}

fn end(pair: &mut ConnectionPair, caller: usize, id: u32) {
    pair.reply(1 - caller, id, &Bytes::new());
    exchange(pair);
    let events = pair.events(caller);
    assert!(matches!(&events[..], [Event::Reply { .. }]), "{events:?}");
    pair.connection(caller).release(id);
}

fn released(pair: &mut ConnectionPair) -> bool {
    exchange(pair);
    let events = pair.events(CLIENT);
    match &events[..] {
        [] => false,
        [Event::Released { .. }] => true,
        _ => panic!("{events:?}"),
    }
}

#[test]
fn an_object_goes_with_its_last_reference() {
    let mut pair = pair(1);
    let object = given(&mut pair, 3);
    for _ in 0..2 {
        pair.connection(SERVER).release_object(object, 0);
        assert!(!released(&mut pair));
    }
    pair.connection(SERVER).release_object(object, 0);
    assert!(released(&mut pair));
    assert_empty(&mut pair);
}

#[test]
fn an_object_is_called_by_its_reference() {
    let mut pair = pair(1);
    let object = given(&mut pair, 1);
    for length in [0, 100_000] {
        let id = call(&mut pair, SERVER, Some(object), &[], length);
        exchange(&mut pair);
        let events = pair.events(CLIENT);
        assert!(
            matches!(&events[..], [Event::Request { head, .. }] if head.target == Target::Object(object)),
            "{events:?}"
        );
        end(&mut pair, SERVER, id);
    }
    pair.connection(SERVER).release_object(object, 2);
    assert!(released(&mut pair));
    assert_empty(&mut pair);
}

#[test]
fn a_release_that_overtakes_a_call_keeps_the_object_until_the_call_has_come() {
    let mut pair = pair(1);
    let object = given(&mut pair, 1);
    let mut request = BytesMut::from(&[0; 8][..]);
    request.extend_from_slice(&[8]);
    request.extend_from_slice(&object.to_le_bytes());
    inject(
        &mut pair,
        CLIENT,
        frame(Kind::Release, false, object, &[1, 0, 0, 0, 0, 0, 0, 0]),
    )
    .expect("a release");
    assert!(pair.events(CLIENT).is_empty());
    inject(&mut pair, CLIENT, frame(Kind::Request, false, 0, &request)).expect("a call");
    let events = pair.events(CLIENT);
    assert!(
        matches!(&events[..], [Event::Request { .. }, Event::Released { .. }]),
        "{events:?}"
    );
}

#[test]
fn a_reference_that_comes_back_in_a_list_names_its_object() {
    let mut pair = pair(1);
    let object = given(&mut pair, 1);
    let id = call(&mut pair, SERVER, None, &[Attachment::Returned { object }], 0);
    pair.connection(SERVER).release_object(object, 1);
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    let [Event::Request { head, .. }, Event::Released { .. }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(head.attachments, [Attachment::Returned { object }]);
    end(&mut pair, SERVER, id);
}

#[test]
fn a_reference_that_is_sent_while_the_last_one_comes_back_keeps_the_object() {
    let mut pair = pair(1);
    let object = given(&mut pair, 1);
    pair.connection(SERVER).release_object(object, 0);
    let again = pair.connection(CLIENT).export(Some(object));
    assert_eq!(again.expect("it is there"), object);
    call(
        &mut pair,
        CLIENT,
        None,
        &[Attachment::Object {
            object,
            service: SERVICE,
        }],
        0,
    );
    assert!(!released(&mut pair));
    // The release has come, and its event was not taken yet.
    pair.connection(SERVER).release_object(object, 0);
    exchange(&mut pair);
    assert_eq!(
        pair.connection(CLIENT).export(Some(object)).expect("it is there"),
        object
    );
    assert!(!released(&mut pair));
    pair.connection(CLIENT).unexport(object);
    assert!(released(&mut pair));
}

#[test]
fn a_call_that_is_withdrawn_is_counted_all_the_same() {
    let limits = Limits::default().max_message(1 << 20).max_buffered(1 << 20);
    let mut pair = with_limits(limits, 1);
    let object = given(&mut pair, 1);
    let first = call(&mut pair, SERVER, None, &[], 1 << 20);
    let waits = call(
        &mut pair,
        SERVER,
        Some(object),
        &[Attachment::Returned { object }],
        1 << 20,
    );
    assert_eq!(pair.connection(SERVER).abandon(waits), Outcome::NotExecuted);
    pair.connection(SERVER).release_object(object, 2);
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    assert!(
        events.iter().any(|event| matches!(event, Event::Released { .. })),
        "{events:?}"
    );
    end(&mut pair, SERVER, first);
    assert_empty(&mut pair);
}

#[test]
fn calls_that_go_nowhere_are_counted() {
    for cancelled in [false, true] {
        let mut pair = pair(1);
        let object = given(&mut pair, 1);
        if !cancelled {
            pair.connection(CLIENT).go_away();
        }
        let id = call(&mut pair, SERVER, Some(object), &[], 1 << 20);
        for _ in 0..3 {
            pair.write(SERVER, 40_000);
            pair.read(CLIENT, 40_000).expect("both are honest");
        }
        if cancelled {
            pair.connection(SERVER).abandon(id);
        }
        pair.connection(SERVER).release_object(object, 1);
        assert!(released(&mut pair));
        pair.connection(SERVER).release(id);
        pair.events(SERVER);
        assert_empty(&mut pair);
    }
}

#[test]
fn references_that_nobody_takes_come_back() {
    let mut pair = pair(1);
    let object = pair.connection(CLIENT).export(None).expect("there are few");
    let list = [Attachment::Object {
        object,
        service: SERVICE,
    }];
    pair.connection(SERVER).go_away();
    let id = call(&mut pair, CLIENT, None, &list, 0);
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    let gone = events
        .iter()
        .any(|event| matches!(event, Event::Released { object: gone } if *gone == object));
    assert!(gone, "{events:?}");
    pair.connection(CLIENT).release(id);
    assert_empty(&mut pair);
}

#[test]
fn a_call_to_an_object_that_is_not_there_never_runs() {
    let mut pair = pair(1);
    call(&mut pair, CLIENT, Some(5), &[], 0);
    exchange(&mut pair);
    let error = failure(&mut pair);
    assert_eq!((error.code(), error.outcome()), (Code::NotFound, Outcome::NotExecuted));
    assert!(answers(&mut pair).is_empty());
}

#[test]
fn there_are_as_many_objects_as_allowed() {
    let mut pair = with_limits(Limits::default().max_objects(2), 1);
    let client = pair.connection(CLIENT);
    let first = client.export(None).expect("it is the first");
    client.export(None).expect("it is the second");
    let error = client.export(None).expect_err("there are two");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert_eq!(
        error.message(),
        "the message's sender gives away no more objects on this connection: its limit (`max_objects`) is 2"
    );
    client.export(Some(first)).expect("it is not a new one");
}

#[test]
fn more_releases_than_references_end_the_connection() {
    let mut pair = pair(1);
    let object = given(&mut pair, 1);
    let release = || frame(Kind::Release, false, object, &[0; 8]);
    inject(&mut pair, CLIENT, release()).expect("there is one reference");
    let text = violation(&mut pair, CLIENT, release());
    assert!(text.contains("more releases"), "{text}");
}

#[test]
fn a_watch_is_answered_while_there_is_a_reference() {
    let mut pair = pair(1);
    let object = given(&mut pair, 1);
    pair.connection(SERVER).watch_object(object, 7);
    pair.connection(SERVER).release_object(object, 0);
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    assert!(
        matches!(
            events[..],
            [Event::Watched { object: watched, watch: 7 }, Event::Released { .. }] if watched == object
        ),
        "{events:?}"
    );
    pair.connection(CLIENT).tell_revoked(7);
    exchange(&mut pair);
    let events = pair.events(SERVER);
    assert!(matches!(events[..], [Event::Revoked { watch: 7 }]), "{events:?}");
    assert_empty(&mut pair);
}

/// Each may be answered, and the answers pile up if the peer does not read them.
#[test]
fn more_watches_than_references_end_the_connection() {
    let mut pair = pair(2);
    let object = given(&mut pair, 2);
    let watch = || frame(Kind::Watch, false, object, &[0; 8]);
    inject(&mut pair, CLIENT, watch()).expect("one for each");
    inject(&mut pair, CLIENT, watch()).expect("one for each");
    let text = violation(&mut pair, CLIENT, watch());
    assert!(text.contains("a watch of object"), "{text}");
}

#[test]
fn more_names_than_can_be_counted_end_the_connection() {
    let mut pair = pair(2);
    let object = given(&mut pair, 2);
    let release = || frame(Kind::Release, false, object, &[0xff; 8]);
    inject(&mut pair, CLIENT, release()).expect("they may still come");
    let text = violation(&mut pair, CLIENT, release());
    assert!(text.contains("2^64"), "{text}");
}

#[test]
fn a_connection_with_references_or_streams_is_not_idle() {
    use std::time::{Duration, Instant};
    let idle = Some(Duration::from_secs(60));
    let limits = Limits::default().keepalive(Duration::from_secs(600));
    let mut pair = ConnectionPair::new([limits.clone(), limits], idle, 1, Instant::now());
    let object = given(&mut pair, 1);
    pair.pass(Duration::from_secs(500)).expect("both answer");
    let now = pair.now;
    assert!(!pair.connection(CLIENT).is_idle(now) && !pair.connection(SERVER).is_idle(now));
    assert!(pair.events(SERVER).is_empty(), "nobody goes away");
    pair.connection(SERVER).release_object(object, 0);
    assert!(released(&mut pair));
    pair.pass(Duration::from_secs(61)).expect("both answer");
    assert!(matches!(pair.events(CLIENT)[..], [Event::GoAway]));
}
