//! A sender waits for its receiver, and nothing else waits.

use super::*;
use crate::proto::{
    frame::PIECE,
    tests::{answers, content, start},
};

const WINDOW: usize = 64 << 10;

/// Sends as long as there is room and bytes move; says how many.
fn fill(pair: &mut ConnectionPair, end: usize, stream: StreamId, item: &[u8]) -> usize {
    let mut sent = 0;
    while has_room(pair, end, stream) {
        send(pair, end, stream, item);
        sent += item.len();
        exchange(pair);
    }
    sent
}

#[test]
fn items_come_in_order_and_whole_in_both_directions() {
    for opener in [CLIENT, SERVER] {
        for flow in [Flow::Sends, Flow::Receives] {
            let mut pair = pair(1);
            let (from, to) = open(&mut pair, opener, flow);
            let sender = if flow == Flow::Sends { opener } else { other(opener) };
            let items = [0, 1, 5, 300, 9000].map(content);
            for item in &items {
                send(&mut pair, sender, from, item);
            }
            finish(&mut pair, sender, from);
            exchange(&mut pair);
            assert_eq!(receive(&mut pair, other(sender), to), (items.to_vec(), Some(Ok(()))));
            stop(&mut pair, other(sender), to);
            assert_over(&mut pair);
        }
    }
}

#[test]
fn a_batch_goes_as_its_items_would() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    pair.connection(CLIENT)
        .send_items(from, &[1, 0, 0, 0, 7, 0, 0, 0, 0, 2, 0, 0, 0, 8, 9]);
    exchange(&mut pair);
    let items = [&[7][..], &[], &[8, 9]].map(Bytes::from_static);
    assert_eq!(receive(&mut pair, SERVER, to), (items.to_vec(), None));
}

#[test]
fn a_reader_that_takes_nothing_stops_its_sender_and_nothing_else() {
    let mut pair = pair(1);
    let (slow, unread) = open(&mut pair, CLIENT, Flow::Sends);
    let (quick, read) = open(&mut pair, CLIENT, Flow::Sends);
    let sent = fill(&mut pair, CLIENT, slow, &content(1000));
    assert!((WINDOW..WINDOW + PIECE + 2000).contains(&sent), "{sent} bytes went");
    assert!(pair.connection(SERVER).held().arrived <= WINDOW);
    send(&mut pair, CLIENT, quick, b"item");
    start(&mut pair, &content(3));
    exchange(&mut pair);
    assert_eq!(receive(&mut pair, SERVER, read).0, [Bytes::from_static(b"item")]);
    assert!(matches!(&pair.events(SERVER)[..], [Event::Request { call: 0, .. }]));
    pair.reply(SERVER, 0, &content(4));
    exchange(&mut pair);
    assert_eq!(answers(&mut pair), [(0, Ok(content(4)))]);
    assert!(!has_room(&mut pair, CLIENT, slow));
    assert_eq!(
        pair.connection(CLIENT).queued(),
        0,
        "what a stream holds back holds up nothing"
    );
    // Both users look again when there is a reason, once.
    let (items, end) = receive(&mut pair, SERVER, unread);
    assert!(items.len() > 60 && end.is_none());
    exchange(&mut pair);
    assert!(matches!(&pair.events(CLIENT)[..], [Event::Sendable { stream }] if *stream == slow));
    assert!(matches!(&pair.events(SERVER)[..], [Event::Receivable { stream }] if *stream == unread));
    assert!(has_room(&mut pair, CLIENT, slow));
}

#[test]
fn who_was_not_told_to_wait_is_not_woken() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    assert!(has_room(&mut pair, CLIENT, from));
    send(&mut pair, CLIENT, from, b"first");
    exchange(&mut pair);
    assert!(pair.events(CLIENT).is_empty() && pair.events(SERVER).is_empty());
    assert_eq!(receive(&mut pair, SERVER, to).0.len(), 1);
    for item in [b"second", b" third"] {
        send(&mut pair, CLIENT, from, item);
        exchange(&mut pair);
    }
    assert!(matches!(&pair.events(SERVER)[..], [Event::Receivable { stream }] if *stream == to));
}

#[test]
fn what_was_handed_out_counts_until_more_is_asked_for() {
    let limits = Limits::default().max_stream_window(WINDOW);
    let mut pair = with_limits(limits, 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    fill(&mut pair, CLIENT, from, &content(1000));
    let Received::Items(first) = pair.connection(SERVER).receive(to) else {
        panic!("items had come");
    };
    exchange(&mut pair);
    assert!(first.items.len() > WINDOW - 2000);
    assert!(pair.connection(SERVER).held().arrived <= WINDOW - first.items.len());
    assert!(!has_room(&mut pair, CLIENT, from));
    pair.connection(SERVER).receive(to);
    exchange(&mut pair);
    assert!(has_room(&mut pair, CLIENT, from));
}

/// Moves items until the window no longer changes; gives what one window holds then.
fn widen(pair: &mut ConnectionPair, from: StreamId, to: StreamId) -> usize {
    let mut most = 0;
    for _ in 0..40 {
        let sent = fill(pair, CLIENT, from, &content(1000));
        most = most.max(sent);
        receive(pair, SERVER, to);
        exchange(pair);
    }
    most
}

#[test]
fn the_window_of_a_reader_that_keeps_up_grows_to_its_most() {
    let limits = Limits::default().max_stream_window(1 << 20);
    let mut pair = with_limits(limits, 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    let most = widen(&mut pair, from, to);
    assert!(
        ((1 << 20) - PIECE..(1 << 20) + 2 * PIECE).contains(&most),
        "{most} bytes in a window"
    );
    assert_eq!(pair.connection(SERVER).held().beyond, (1 << 20) - WINDOW);
    finish(&mut pair, CLIENT, from);
    exchange(&mut pair);
    stop(&mut pair, SERVER, to);
    assert_over(&mut pair);
}

#[test]
fn windows_of_all_streams_grow_within_one_budget() {
    let limits = Limits::default().max_message(1 << 20).max_buffered(5 << 18);
    let mut pair = with_limits(limits, 1);
    let streams: Vec<_> = (0..4).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, to) in &streams {
        widen(&mut pair, from, to);
        assert!(pair.connection(SERVER).held().beyond <= 1 << 18);
    }
    assert!(pair.connection(SERVER).held().beyond > 1 << 17, "nothing has grown");
    for (from, to) in streams {
        finish(&mut pair, CLIENT, from);
        stop(&mut pair, SERVER, to);
    }
    assert_over(&mut pair);
}

#[test]
fn a_sender_that_never_waits_gets_no_larger_window() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for _ in 0..500 {
        send(&mut pair, CLIENT, from, &content(1000));
        exchange(&mut pair);
        receive(&mut pair, SERVER, to);
    }
    assert_eq!(pair.connection(SERVER).held().beyond, 0);
}

#[test]
fn calls_go_on_while_streams_are_full_in_both_directions() {
    let mut pair = pair(1);
    let streams: Vec<_> = [
        (CLIENT, Flow::Sends),
        (CLIENT, Flow::Receives),
        (SERVER, Flow::Sends),
        (SERVER, Flow::Receives),
    ]
    .map(|(opener, flow)| {
        let (from, _) = open(&mut pair, opener, flow);
        let sender = if flow == Flow::Sends { opener } else { other(opener) };
        fill(&mut pair, sender, from, &content(1000));
        (sender, from)
    })
    .to_vec();
    for length in [1, 100_000] {
        let call = start(&mut pair, &content(length));
        exchange(&mut pair);
        assert!(matches!(&pair.events(SERVER)[..], [Event::Request { .. }]));
        pair.reply(SERVER, call, &content(length));
        exchange(&mut pair);
        assert_eq!(answers(&mut pair), [(call, Ok(content(length)))]);
        pair.connection(CLIENT).release(call);
    }
    for (sender, from) in streams {
        assert!(!has_room(&mut pair, sender, from));
    }
}
