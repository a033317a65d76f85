//! Long messages are read to where they stay.

use std::time::Duration;

use bytes::{BufMut, BytesMut};

use super::{answers, assert_empty, content, exchange, frame, pair, request_payload, requests, start, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::proto::{
    Event, Landing, Limits, Lost,
    frame::{HEADER, Kind, MAX_PAYLOAD, PIECE},
};

/// A seed with which a pair lands long messages.
const LANDS: u64 = 0;
const LONG: usize = 16 << 10;

/// Moves bytes in steps of that many until there are none.
fn step(pair: &mut ConnectionPair, bytes: usize) {
    loop {
        let mut moved = 0;
        for end in [CLIENT, SERVER] {
            moved += pair.write(end, bytes);
            moved += pair.read(end, bytes).expect("both are honest");
        }
        if moved == 0 {
            return;
        }
    }
}

#[test]
fn a_body_of_any_length_comes_as_it_was_sent() {
    let borders = [LONG, PIECE, 2 * PIECE, 4 * PIECE, MAX_PAYLOAD];
    let lengths = borders.iter().flat_map(|border| border - 24..border + 4);
    for (seed, length) in (0..).step_by(2).zip(lengths) {
        let mut pair = pair(seed);
        let body = content(length);
        let call = start(&mut pair, &body);
        exchange(&mut pair);
        assert_eq!(requests(&mut pair), [(call, body.clone())], "{length}");
        pair.reply(SERVER, call, &body);
        exchange(&mut pair);
        assert_eq!(answers(&mut pair), [(call, Ok(body))], "{length}");
        pair.connection(CLIENT).release(call);
        assert_empty(&mut pair);
    }
}

#[test]
fn it_does_not_matter_where_reads_end() {
    for bytes in [1, 7, 8, 9, 100, 4093, PIECE - 1, PIECE + HEADER, 100_000] {
        let mut pair = pair(LANDS);
        let bodies = [
            content(LONG),
            content(10),
            content(PIECE),
            content(3 * PIECE + 1),
            content(0),
        ];
        let calls: Vec<_> = bodies
            .iter()
            .map(|body| (start(&mut pair, body), body.clone()))
            .collect();
        step(&mut pair, bytes);
        let mut came = requests(&mut pair);
        came.sort_by_key(|(call, _)| *call);
        assert_eq!(came, calls, "{bytes}");
    }
}

/// Gives the server what comes next, and where it reads then.
fn give(
    pair: &mut ConnectionPair,
    mut bytes: BytesMut,
    landing: &mut Option<Landing>,
    input: &mut BytesMut,
) -> Result<(), Lost> {
    let now = pair.now;
    while !bytes.is_empty() {
        match landing {
            Some(landing) => {
                let mut room = landing.room();
                let length = room.remaining_mut().min(bytes.len());
                room.put(bytes.split_to(length));
            }
            None => input.unsplit(bytes.split()),
        }
        while pair.connection(SERVER).handle_read(input, landing, 16, now)? {}
    }
    Ok(())
}

#[test]
fn a_message_is_not_copied_once_its_head_has_come() {
    let (mut pair, mut landing, mut input) = (pair(LANDS), None, BytesMut::new());
    let body = content(60_000);
    let mut begun = frame(Kind::Request, false, 0, &request_payload(None, &body));
    let rest = begun.split_off(100);
    give(&mut pair, begun, &mut landing, &mut input).expect("it is honest");
    let place = landing
        .as_mut()
        .expect("the rest is to be read")
        .room()
        .get_ref()
        .as_ptr();
    give(&mut pair, rest, &mut landing, &mut input).expect("it is honest");
    let [(0, came)] = &requests(&mut pair)[..] else {
        panic!("a request was due");
    };
    assert_eq!((came, came.as_ptr()), (&body, place));
}

#[test]
fn memory_follows_what_has_come_however_much_is_announced() {
    // No other test has messages of this length, so no buffer is kept for them.
    const TOTAL: usize = 39 << 20;
    let limits = Limits::default().max_message(TOTAL).max_buffered(TOTAL);
    let (mut pair, mut landing, mut input) = (with_limits(limits, LANDS), None, BytesMut::new());
    let first = request_payload(Some(TOTAL as u32), &content(MAX_PAYLOAD - 13));
    let mut begun = frame(Kind::Request, true, 0, &first);
    let rest = begun.split_off(100);
    let mut capacity = |bytes| {
        give(&mut pair, bytes, &mut landing, &mut input).expect("nothing is wrong yet");
        let landing = landing.as_mut().expect("there is more to read");
        landing.room().get_ref().capacity()
    };
    let frame_and_rounding = MAX_PAYLOAD + (16 << 10);
    let announced = capacity(begun);
    assert!(announced <= frame_and_rounding, "{announced} bytes for 100");
    let mut further = rest;
    further.extend_from_slice(&frame(Kind::RequestData, true, 0, &content(MAX_PAYLOAD))[..=HEADER]);
    let announced = capacity(further);
    assert!(
        announced <= 4 * MAX_PAYLOAD + frame_and_rounding,
        "{announced} bytes for {MAX_PAYLOAD}"
    );
}

#[test]
fn an_answer_that_nobody_waits_for_is_dropped_where_it_lands() {
    let mut pair = pair(LANDS);
    let call = start(&mut pair, &content(1));
    exchange(&mut pair);
    requests(&mut pair);
    pair.reply(SERVER, call, &content(3 * PIECE));
    pair.write(SERVER, PIECE + 1000);
    pair.read(CLIENT, PIECE + 1000).expect("both are honest");
    pair.connection(CLIENT).abandon(call);
    exchange(&mut pair);
    assert_eq!(answers(&mut pair), []);
    pair.events(SERVER);
    assert_empty(&mut pair);
}

#[test]
fn a_request_that_is_late_is_dropped_where_it_lands() {
    let mut pair = pair(LANDS);
    let timeout = Duration::from_millis(10);
    pair.start(CLIENT, 7, &content(3 * PIECE), Some(timeout))
        .expect("it is within the limits");
    pair.write(CLIENT, PIECE + 1000);
    pair.read(SERVER, PIECE + 1000).expect("both are honest");
    pair.pass(timeout).expect("both are honest");
    assert!(pair.events(SERVER).is_empty(), "no handler starts");
    assert!(matches!(pair.events(CLIENT)[..], [Event::Failed { call: 0, .. }]));
    pair.connection(CLIENT).release(0);
    assert_empty(&mut pair);
}
