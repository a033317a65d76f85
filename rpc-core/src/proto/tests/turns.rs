//! Large messages take turns, with each other and with small ones.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{content, exchange, start, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::proto::{
    Event, Limits,
    frame::{HEADER, PIECE},
};

/// What one turn of the writer takes at most, heads aside.
const TURN: usize = 256 << 10;

fn roomy() -> Limits {
    Limits::default().max_message(64 << 20).max_buffered(256 << 20)
}

/// The bytes that one turn of the server's writer takes, delivered to the client.
fn turn(pair: &mut ConnectionPair) -> usize {
    let mut length = 0;
    loop {
        let step = pair.write(SERVER, PIECE);
        pair.read(CLIENT, usize::MAX).expect("both are honest");
        length += step;
        if step == 0 || length >= TURN {
            return length;
        }
    }
}

#[test]
fn a_reply_of_16_bytes_overtakes_one_of_64_mib() {
    let mut pair = with_limits(roomy(), 1);
    for _ in 0..2 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    pair.reply(SERVER, 0, &Bytes::from(vec![1; 64 << 20]));
    turn(&mut pair);
    assert!(pair.events(CLIENT).is_empty());
    pair.reply(SERVER, 1, &content(16));
    let mut between = 0;
    let first = loop {
        between += turn(&mut pair);
        if let Some(event) = pair.events(CLIENT).pop() {
            break event;
        }
    };
    assert!(matches!(first, Event::Reply { call: 1, .. }), "{first:?}");
    assert!(between <= 2 * TURN + PIECE, "{between} bytes went before 16");
}

#[test]
fn large_messages_share_the_stream_evenly() {
    let mut pair = with_limits(roomy(), 1);
    for _ in 0..4 {
        start(&mut pair, &content(1 << 20));
    }
    let mut chunks = VecDeque::new();
    let mut taken = [0_usize; 4];
    while pair.connection(CLIENT).wants_write() {
        pair.connection(CLIENT).poll_transmit(&mut chunks);
        for header in chunks.drain(..).filter(|chunk| chunk.len() < PIECE) {
            taken[usize::from(header[4])] += 1;
        }
        let (least, most) = (taken.iter().min().expect("four"), taken.iter().max().expect("four"));
        assert!(most - least <= 1, "pieces so far: {taken:?}");
    }
    assert_eq!(taken, [(1 << 20) / PIECE; 4]);
}

#[test]
fn one_turn_takes_a_bounded_number_of_bytes() {
    let mut pair = with_limits(roomy(), 1);
    start(&mut pair, &content(4 << 20));
    let mut chunks = VecDeque::new();
    pair.connection(CLIENT).poll_transmit(&mut chunks);
    let length: usize = chunks.iter().map(Bytes::len).sum();
    assert!((TURN..TURN + PIECE + HEADER).contains(&length), "{length}");
    assert!(chunks.iter().all(|chunk| chunk.len() <= PIECE));
}
