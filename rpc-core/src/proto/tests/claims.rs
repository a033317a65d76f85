//! What a caller says of a method, and until when it says that.

use bytes::Bytes;

use super::{exchange, failure, pair};
use crate::harness::{CLIENT, ConnectionPair, SERVER, body};
use crate::{
    Code, Error, Metadata, Outcome,
    contract::{self, Claim, Fingerprint},
    proto::{Attachment, Body, Event, RequestHead, Target},
};

/// What this side means by its method with this number.
fn claim(number: u32) -> &'static Claim {
    Box::leak(Box::new(Claim {
        number,
        fingerprint: Fingerprint::from_bytes([number as u8; 16]),
        types: None,
    }))
}

fn start(pair: &mut ConnectionPair, target: Target, number: u32) -> Result<u32, Error> {
    let head = RequestHead {
        target,
        claim: Some(claim(number)),
        ..RequestHead::default()
    };
    pair.connection(CLIENT).start(&head, body(&Bytes::new()), None)
}

/// The fingerprint that comes with a call.
fn came(pair: &mut ConnectionPair) -> Option<Fingerprint> {
    exchange(pair);
    match &pair.events(SERVER)[..] {
        [Event::Request { head, .. }] => head.claim.as_ref().map(|claim| claim.fingerprint),
        other => panic!("{other:?} where a request was due"),
    }
}

/// Whether a call has a claim. It is answered well.
fn claims(pair: &mut ConnectionPair, target: Target, number: u32) -> bool {
    let id = start(pair, target, number).expect("within the limits");
    let came = came(pair);
    assert!(came.is_none_or(|came| came == claim(number).fingerprint));
    pair.reply(SERVER, id, &Bytes::new());
    exchange(pair);
    assert!(matches!(pair.events(CLIENT)[..], [Event::Reply { .. }]));
    pair.connection(CLIENT).release(id);
    came.is_some()
}

fn fail(pair: &mut ConnectionPair, id: u32, error: &Error) -> Error {
    pair.connection(SERVER).reply(id, &Bytes::new(), Err(error));
    exchange(pair);
    let error = failure(pair);
    pair.connection(CLIENT).release(id);
    error
}

/// As a side refuses that means something else.
fn refusal() -> Error {
    let mut metadata = Metadata::new();
    metadata.append_bin(contract::KEY, Vec::new()).expect("a key");
    Error::failed_precondition("another version")
        .with_outcome(Outcome::NotExecuted)
        .with_metadata(metadata)
}

#[test]
fn a_claim_comes_until_an_answer_has_come() {
    let mut pair = pair(1);
    let first = start(&mut pair, Target::Service, 70).expect("within the limits");
    assert!(came(&mut pair).is_some());
    let second = start(&mut pair, Target::Service, 70).expect("within the limits");
    assert!(came(&mut pair).is_some(), "the first call has no answer yet");
    for id in [first, second] {
        pair.reply(SERVER, id, &Bytes::new());
    }
    exchange(&mut pair);
    assert_eq!(pair.events(CLIENT).len(), 2);
    for id in [first, second] {
        pair.connection(CLIENT).release(id);
    }
    assert!(!claims(&mut pair, Target::Service, 70));
    assert!(claims(&mut pair, Target::Service, 71), "another method");
    let object = given(&mut pair);
    for target in [Target::Instance(3), Target::Object(object)] {
        assert!(claims(&mut pair, target, 70), "another target");
        assert!(!claims(&mut pair, target, 70));
    }
}

#[test]
fn a_failure_that_ran_is_an_answer_and_another_one_is_not() {
    let mut pair = pair(1);
    for outcome in [Outcome::NotExecuted, Outcome::Unknown] {
        let id = start(&mut pair, Target::Service, 5).expect("within the limits");
        assert!(came(&mut pair).is_some());
        fail(&mut pair, id, &Error::unavailable("busy").with_outcome(outcome));
    }
    let id = start(&mut pair, Target::Service, 5).expect("within the limits");
    assert!(came(&mut pair).is_some());
    fail(&mut pair, id, &Error::not_found("no such sku"));
    assert!(!claims(&mut pair, Target::Service, 5));
}

#[test]
fn a_refused_method_is_not_called_again() {
    let mut pair = pair(1);
    let id = start(&mut pair, Target::Service, 5).expect("within the limits");
    assert!(came(&mut pair).is_some());
    fail(&mut pair, id, &refusal());
    for _ in 0..2 {
        let again = start(&mut pair, Target::Service, 5).expect_err("it was refused");
        assert_eq!(
            (again.code(), again.outcome()),
            (Code::FailedPrecondition, Outcome::NotExecuted)
        );
        exchange(&mut pair);
        assert!(pair.events(SERVER).is_empty(), "the call went out");
    }
    assert!(claims(&mut pair, Target::Instance(1), 5), "another target");
    assert!(claims(&mut pair, Target::Service, 6), "another method");
}

/// The handler's own error with the same code is no refusal.
#[test]
fn an_error_without_types_is_no_refusal() {
    let mut pair = pair(1);
    let id = start(&mut pair, Target::Service, 5).expect("within the limits");
    came(&mut pair);
    fail(
        &mut pair,
        id,
        &Error::failed_precondition("not now").with_outcome(Outcome::NotExecuted),
    );
    assert!(claims(&mut pair, Target::Service, 5));
}

/// The server gives the client an object.
fn given(pair: &mut ConnectionPair) -> u32 {
    let object = pair.connection(SERVER).export(None).expect("there are few");
    let head = RequestHead {
        attachments: [Attachment::Object { object, service: 1 }][..].into(),
        ..RequestHead::default()
    };
    let id = pair
        .connection(SERVER)
        .start(&head, body(&Bytes::new()), None)
        .expect("within the limits");
    exchange(pair);
    assert!(matches!(pair.events(CLIENT)[..], [Event::Request { .. }]));
    pair.reply(CLIENT, id, &Bytes::new());
    exchange(pair);
    assert!(matches!(pair.events(SERVER)[..], [Event::Reply { .. }]));
    pair.connection(SERVER).release(id);
    object
}

/// The next object may get its number and be of another service.
#[test]
fn what_is_known_of_an_object_goes_with_it() {
    let mut pair = pair(1);
    let object = given(&mut pair);
    assert!(claims(&mut pair, Target::Object(object), 5));
    assert!(!claims(&mut pair, Target::Object(object), 5));
    pair.connection(CLIENT).release_object(object, 2);
    exchange(&mut pair);
    pair.events(SERVER);
    assert_eq!(given(&mut pair), object, "the number is free again");
    assert!(claims(&mut pair, Target::Object(object), 5));
}

/// As of a call for whose answer nobody waits.
#[test]
fn an_answer_that_comes_after_its_object_has_gone_says_nothing_of_the_next() {
    for refuses in [false, true] {
        let mut pair = pair(1);
        let object = given(&mut pair);
        let id = start(&mut pair, Target::Object(object), 5).expect("within the limits");
        assert!(came(&mut pair).is_some());
        pair.connection(CLIENT).release_object(object, 1);
        let refusal = refusal();
        let answer = if refuses { Err(&refusal) } else { Ok(Body::Small(&[])) };
        pair.connection(SERVER).reply(id, &Bytes::new(), answer);
        exchange(&mut pair);
        pair.events(SERVER);
        pair.events(CLIENT);
        pair.connection(CLIENT).release(id);
        assert_eq!(given(&mut pair), object, "the number is free again");
        assert!(claims(&mut pair, Target::Object(object), 5));
    }
}
