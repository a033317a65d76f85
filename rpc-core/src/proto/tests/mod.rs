//! The protocol core against itself, without I/O and with a clock of its own.

mod budgets;
mod calls;
mod cancel;
mod carriers;
mod claims;
mod deadlines;
mod garbled;
mod going_away;
mod golden;
mod hello;
mod ids;
mod landing;
mod liveness;
mod lost;
mod objects;
mod refusals;
mod streams;
mod turns;

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{
    Event, Limits, Lost,
    frame::{Kind, put_header},
};
use crate::Error;
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::proto::{PeerHead, RequestHead};

/// Two ends with default limits.
fn pair(seed: u64) -> ConnectionPair {
    with_limits(Limits::default(), seed)
}

fn with_limits(limits: Limits, seed: u64) -> ConnectionPair {
    ConnectionPair::new([limits.clone(), limits], None, seed, Instant::now())
}

fn content(length: usize) -> Bytes {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// Makes a call of the client that has no deadline.
fn start(pair: &mut ConnectionPair, content: &Bytes) -> u32 {
    pair.start(CLIENT, 7, content, None)
        .expect("the call is within the limits")
}

fn exchange(pair: &mut ConnectionPair) {
    pair.exchange().expect("both are honest");
}

/// The ids and bodies of the requests that came to the server, where nothing else happened.
fn requests(pair: &mut ConnectionPair) -> Vec<(u32, Bytes)> {
    let request = |event| match event {
        Event::Request { call, body, .. } => (call, body),
        other => panic!("{other:?} where a request was due"),
    };
    pair.events(SERVER).into_iter().map(request).collect()
}

/// The ids and answers that came to the client, where nothing else happened.
fn answers(pair: &mut ConnectionPair) -> Vec<(u32, Result<Bytes, Error>)> {
    let answer = |event| match event {
        Event::Reply { call, body, .. } => (call, Ok(body)),
        Event::Failed { call, error } => (call, Err(error)),
        other => panic!("{other:?} where an answer was due"),
    };
    pair.events(CLIENT).into_iter().map(answer).collect()
}

/// The one failure that came to the client.
fn failure(pair: &mut ConnectionPair) -> Error {
    let [(_, Err(error))] = &answers(pair)[..] else {
        panic!("a failure was due");
    };
    error.clone()
}

/// A frame as a hostile peer writes it.
fn frame(kind: Kind, more: bool, call: u32, payload: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    put_header(&mut frame, kind, more, call, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// A request's payload: method 7, no flags, the total if it goes on, the body.
fn request_payload(total: Option<u32>, body: &[u8]) -> Vec<u8> {
    let mut payload = vec![7, 0, 0, 0, 0, 0, 0, 0, 0];
    payload.extend(total.into_iter().flat_map(u32::to_le_bytes));
    payload.extend_from_slice(body);
    payload
}

/// What `end` makes of frames that its peer did not send.
fn inject(pair: &mut ConnectionPair, end: usize, mut frames: BytesMut) -> Result<(), Lost> {
    let now = pair.now;
    while pair.connection(end).handle_input(&mut frames, 16, now)? {}
    Ok(())
}

/// The text of the violation that frames are for `end`.
fn violation(pair: &mut ConnectionPair, end: usize, frames: BytesMut) -> String {
    match inject(pair, end, frames) {
        Err(Lost::Violation(violation)) => violation.to_string(),
        other => panic!("{other:?} where a violation was due"),
    }
}

/// One end looks at the clock.
fn time_out(pair: &mut ConnectionPair, end: usize) {
    let now = pair.now;
    pair.connection(end).handle_timeout(now).expect("nothing ends");
}

/// Nothing is in flight or held at either end.
fn assert_empty(pair: &mut ConnectionPair) {
    for end in [CLIENT, SERVER] {
        let connection = pair.connection(end);
        assert_eq!(connection.held(), super::connection::Usage::default());
        assert_eq!(
            (connection.outgoing(), connection.incoming(), connection.queued()),
            (0, 0, 0)
        );
        assert!(connection.is_drained());
    }
}

/// As the other side sees it.
fn came(head: RequestHead) -> PeerHead {
    PeerHead {
        method: head.method,
        target: head.target,
        timeout: head.timeout,
        metadata: head.metadata,
        claim: head.claim.cloned().map(Box::new),
        attachments: head.attachments,
    }
}
