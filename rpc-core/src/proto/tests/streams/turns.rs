//! Streams take turns with large messages, and do not delay others.

use std::collections::VecDeque;

use super::*;
use crate::proto::{
    frame::{HEADER, Header, Kind, PIECE},
    tests::{content, start},
};

/// The kinds of the frames that leave next, with the numbers in them; a piece that is handed over follows its header.
fn frames(pair: &mut ConnectionPair) -> Vec<(Kind, u32)> {
    let mut chunks = VecDeque::new();
    pair.connection(CLIENT).poll_transmit(&mut chunks);
    let mut bytes = &Vec::from(chunks).concat()[..];
    let mut frames = Vec::new();
    while let Some(header) = Header::read(bytes) {
        frames.push((header.kind().expect("a kind of a frame"), header.id));
        bytes = &bytes[HEADER + header.length..];
    }
    frames
}

#[test]
fn streams_and_messages_share_the_connection_evenly() {
    let mut pair = pair(1);
    let streams = [(); 2].map(|()| open(&mut pair, CLIENT, Flow::Sends).0);
    start(&mut pair, &content(4 * PIECE));
    for stream in streams {
        send(&mut pair, CLIENT, stream, &content(2 * PIECE - 4));
    }
    let order: Vec<_> = frames(&mut pair).into_iter().collect();
    let (request, data, items) = (Kind::Request, Kind::RequestData, Kind::Items);
    let expected = [
        (request, 0),
        (items, 0),
        (items, 1),
        (data, 0),
        (items, 0),
        (items, 1),
        (data, 0),
        (data, 0),
    ];
    assert_eq!(order, expected);
}

#[test]
fn a_small_call_overtakes_all_that_waits_on_streams() {
    let mut pair = with_limits(Limits::default().stream_window(4 << 20), 1);
    let streams = [(); 4].map(|()| open(&mut pair, CLIENT, Flow::Sends).0);
    for stream in streams {
        send(&mut pair, CLIENT, stream, &content(2 << 20));
    }
    frames(&mut pair);
    start(&mut pair, &content(16));
    assert_eq!(frames(&mut pair)[0], (Kind::Request, 0));
}

#[test]
fn small_items_leave_together() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for _ in 0..100 {
        send(&mut pair, CLIENT, from, b"small");
    }
    let mut chunks = VecDeque::new();
    pair.connection(CLIENT).poll_transmit(&mut chunks);
    let [frame] = chunks.make_contiguous() else {
        panic!("{} chunks", chunks.len());
    };
    assert_eq!(frame.len(), HEADER + 900);
    super::super::inject(&mut pair, SERVER, frame[..].into()).expect("both are honest");
    let Received::Items(batch) = pair.connection(SERVER).receive(to) else {
        panic!("items had come");
    };
    assert_eq!(batch.items.len(), 900);
}
