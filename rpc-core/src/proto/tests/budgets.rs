//! What is under way in large messages stays within `max_buffered`, and nothing waits for ever.

use bytes::Bytes;

use super::{answers, assert_empty, content, frame, inject, request_payload, requests, start, violation, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::proto::{
    Limits,
    frame::{Kind, PIECE},
};

const MESSAGE: usize = 100 << 10;
const BUFFERED: usize = 250 << 10;

fn narrow() -> Limits {
    Limits::default().max_message(MESSAGE).max_buffered(BUFFERED)
}

/// Moves bytes until there are none, and looks at both ends after each step.
fn watched(pair: &mut ConnectionPair) {
    loop {
        let mut moved = 0;
        for end in [CLIENT, SERVER] {
            moved += pair.write(end, 10_000);
            moved += pair.read(end, 10_000).expect("both are honest");
            let held = pair.connection(end).held();
            assert!(held.requests <= BUFFERED && held.replies <= BUFFERED, "{held:?}");
            assert!(held.spent.iter().all(|&spent| spent <= BUFFERED), "{held:?}");
        }
        if moved == 0 {
            return;
        }
    }
}

#[test]
fn more_large_calls_than_the_budget_holds_are_slow_and_all_end() {
    let mut pair = with_limits(narrow(), 1);
    let large = content(MESSAGE);
    for _ in 0..40 {
        start(&mut pair, &large);
    }
    let mut ended = 0;
    while ended < 40 {
        watched(&mut pair);
        let requests = requests(&mut pair);
        assert!(
            requests.len() <= BUFFERED / MESSAGE,
            "{} large requests at once",
            requests.len()
        );
        for (call, body) in requests {
            pair.reply(SERVER, call, &body);
        }
        watched(&mut pair);
        let answers = answers(&mut pair);
        assert!(!answers.is_empty(), "nothing moves after {ended} calls");
        for (call, answer) in answers {
            assert_eq!(answer.as_ref(), Ok(&large));
            pair.connection(CLIENT).release(call);
            ended += 1;
        }
    }
    assert_empty(&mut pair);
}

#[test]
fn small_calls_pass_large_ones_that_wait_for_room() {
    let mut pair = with_limits(narrow(), 1);
    for _ in 0..3 {
        start(&mut pair, &content(MESSAGE));
    }
    watched(&mut pair);
    assert_eq!(requests(&mut pair).len(), 2);
    for length in [10, PIECE] {
        start(&mut pair, &content(length));
    }
    watched(&mut pair);
    let lengths: Vec<_> = requests(&mut pair).iter().map(|(_, body)| body.len()).collect();
    assert_eq!(lengths, [10, PIECE]);
}

#[test]
fn requests_do_not_take_room_from_replies() {
    let mut pair = with_limits(narrow(), 1);
    for _ in 0..2 {
        start(&mut pair, &content(MESSAGE));
    }
    pair.start(SERVER, 8, &content(1), None)
        .expect("it is within the limits");
    watched(&mut pair);
    pair.events(CLIENT);
    pair.reply(CLIENT, 0, &content(MESSAGE));
    watched(&mut pair);
    let answered = pair
        .events(SERVER)
        .iter()
        .any(|event| matches!(event, crate::proto::Event::Reply { .. }));
    assert!(answered, "the reply waits behind requests");
}

#[test]
fn giving_up_what_waits_gives_room_at_once() {
    let mut pair = with_limits(narrow(), 1);
    let ids: Vec<_> = (0..4).map(|_| start(&mut pair, &content(MESSAGE))).collect();
    for id in &ids[..3] {
        pair.connection(CLIENT).abandon(*id);
    }
    watched(&mut pair);
    assert_eq!(requests(&mut pair), [(ids[3], content(MESSAGE))]);
}

#[test]
fn a_peer_that_sends_more_than_it_may_is_cut_off() {
    let mut pair = with_limits(narrow(), 1);
    for call in 0..2 {
        let payload = request_payload(Some(MESSAGE as u32), &[1; 10]);
        inject(&mut pair, SERVER, frame(Kind::Request, true, call, &payload)).expect("it is within the budget");
    }
    let memory = pair.connection(SERVER).held().assembled;
    assert!(
        memory < 200,
        "memory follows what has come and not what was announced: {memory}"
    );
    let payload = request_payload(Some(MESSAGE as u32), &[1; 10]);
    let text = violation(&mut pair, SERVER, frame(Kind::Request, true, 2, &payload));
    assert!(text.contains("max_buffered"), "{text}");
}

#[test]
fn a_peer_that_replies_with_more_than_it_may_is_cut_off() {
    let mut pair = with_limits(narrow(), 1);
    for _ in 0..3 {
        start(&mut pair, &content(1));
    }
    watched(&mut pair);
    let reply = |call| {
        let mut payload = vec![0];
        payload.extend((MESSAGE as u32).to_le_bytes());
        payload.push(1);
        frame(Kind::Reply, true, call, &payload)
    };
    for call in 0..2 {
        inject(&mut pair, CLIENT, reply(call)).expect("it is within the budget");
    }
    let text = violation(&mut pair, CLIENT, reply(2));
    assert!(text.contains("max_buffered"), "{text}");
}

#[test]
fn a_peer_that_does_not_read_makes_no_answers_pile_up() {
    let mut pair = with_limits(narrow().max_calls(4), 1);
    // Refused at once by the protocol itself, and its id is free again: the answer alone waits.
    let mut frames = frame(Kind::Request, true, 0, &request_payload(Some(1000), &[1; 10]));
    frames.unsplit(frame(Kind::Cancel, false, 0, &[]));
    inject(&mut pair, SERVER, frames.clone()).expect("this is how a caller gives up");
    let queued = pair.connection(SERVER).queued();
    assert!(queued > 0);
    let text = violation(&mut pair, SERVER, frames);
    assert!(text.contains("in flight"), "{text}");
    assert_eq!(pair.connection(SERVER).queued(), queued);

    pair.connection(SERVER).go_away();
    for call in 1..4 {
        inject(
            &mut pair,
            SERVER,
            frame(Kind::Request, false, call, &request_payload(None, &[])),
        )
        .expect("its first use");
        violation(
            &mut pair,
            SERVER,
            frame(Kind::Request, false, call, &request_payload(None, &[])),
        );
    }
}

#[test]
fn any_number_of_pings_is_answered_by_one_pong() {
    let mut pair = with_limits(narrow(), 1);
    for _ in 0..1000 {
        inject(&mut pair, SERVER, frame(Kind::Ping, false, 0, &[])).expect("pings are welcome");
    }
    assert_eq!(pair.connection(SERVER).queued(), 8);
    let mut chunks = std::collections::VecDeque::<Bytes>::new();
    pair.connection(SERVER).poll_transmit(&mut chunks);
    inject(&mut pair, SERVER, frame(Kind::Ping, false, 0, &[])).expect("pings are welcome");
    assert_eq!(pair.connection(SERVER).queued(), 8);
}
