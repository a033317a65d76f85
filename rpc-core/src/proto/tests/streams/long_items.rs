//! Items longer than their windows.

use std::time::Duration;

use super::*;
use crate::{
    Code, Outcome,
    proto::{frame::PIECE, tests::content},
};

const MESSAGE: usize = 1 << 20;

fn limits() -> Limits {
    Limits::default()
        .max_message(MESSAGE)
        .max_buffered(2 * MESSAGE)
        .stream_window(16 << 10)
        .max_stream_window(16 << 10)
}

#[test]
fn an_item_longer_than_the_window_gets_the_room_that_it_lacks_and_gives_it_back() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for length in [(16 << 10) - 4, (16 << 10) - 3, PIECE, PIECE + 1, MESSAGE] {
        send(&mut pair, CLIENT, from, &content(length));
        exchange(&mut pair);
        let beyond = (length + 4).saturating_sub(16 << 10);
        let held = pair.connection(SERVER).held();
        assert_eq!(held.beyond + held.asked, beyond);
        assert_eq!(receive(&mut pair, SERVER, to), (vec![content(length)], None));
        let held = pair.connection(SERVER).held();
        assert_eq!((held.beyond, held.asked), (0, 0));
        exchange(&mut pair);
    }
}

/// What is used up of a window is too little for a credit of its own, until an item begins that needs it.
#[test]
fn an_item_shorter_than_the_window_gets_the_rest_of_it() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for length in [3000, 15_000] {
        send(&mut pair, CLIENT, from, &content(length));
        exchange(&mut pair);
        assert_eq!(receive(&mut pair, SERVER, to), (vec![content(length)], None));
        assert_eq!(receive(&mut pair, SERVER, to), (Vec::new(), None));
        exchange(&mut pair);
    }
}

#[test]
fn short_and_long_items_follow_each_other() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    let lengths = [
        10,
        100_000,
        100_000,
        3,
        16 << 10,
        MESSAGE,
        0,
        0,
        40_000,
        5000,
        5000,
        5000,
        5000,
    ];
    let mut received = Vec::new();
    for length in lengths {
        while !has_room(&mut pair, CLIENT, from) {
            exchange(&mut pair);
            received.extend(receive(&mut pair, SERVER, to).0);
        }
        send(&mut pair, CLIENT, from, &content(length));
    }
    finish(&mut pair, CLIENT, from);
    loop {
        exchange(&mut pair);
        let (items, end) = receive(&mut pair, SERVER, to);
        received.extend(items);
        if end.is_some() {
            break;
        }
    }
    assert_eq!(received, lengths.map(content));
    stop(&mut pair, SERVER, to);
    assert_over(&mut pair);
}

#[test]
fn without_room_the_next_one_waits_until_one_is_used_up() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..5).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, _) in &streams {
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    exchange(&mut pair);
    assert!(pair.connection(SERVER).held().beyond <= 2 * MESSAGE);
    assert!(pair.connection(SERVER).held().arrived <= 2 * MESSAGE + 5 * (16 << 10));
    let mut waiting = streams.clone();
    while !waiting.is_empty() {
        let before = waiting.len();
        // One that was used up makes room for the next.
        waiting.retain(|&(_, to)| receive(&mut pair, SERVER, to).0.is_empty());
        assert!(waiting.len() < before, "{before} streams wait for each other");
        exchange(&mut pair);
    }
    assert_eq!(pair.connection(SERVER).held().beyond, 0);
}

#[test]
fn a_stream_that_stops_gives_its_room_to_the_next() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..3).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, _) in &streams {
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    exchange(&mut pair);
    // No reader waits, so one of three has room; the second gets it from the one that goes, the third from the second.
    stop(&mut pair, SERVER, streams[0].1);
    exchange(&mut pair);
    for &(_, to) in &streams[1..] {
        assert_eq!(receive(&mut pair, SERVER, to).0, [content(MESSAGE)]);
        exchange(&mut pair);
    }
    for (from, to) in streams {
        finish(&mut pair, CLIENT, from);
        stop(&mut pair, SERVER, to);
    }
    assert_over(&mut pair);
}

/// Takes items of a stream, with what they carry, as long as bytes move.
fn wait_for(pair: &mut ConnectionPair, stream: StreamId, count: usize) -> Vec<(Bytes, ThinVec<Attachment>)> {
    let mut all = Vec::new();
    while all.len() < count {
        match pair.connection(SERVER).receive(stream) {
            Received::Items(mut batch) => {
                let mut carries = batch.items.clone();
                for item in split(batch.items) {
                    let header = carries.split_to(4 + item.len());
                    let list = if header[3] & 0x80 == 0 {
                        None
                    } else {
                        batch.attachments.pop_front()
                    };
                    all.push((item, list.unwrap_or_default()));
                }
            }
            Received::Nothing => {
                let before = pair.ends[SERVER].connection.held();
                exchange(pair);
                let connection = pair.connection(SERVER);
                assert_ne!(
                    connection.held(),
                    before,
                    "{} of {count} items, and nothing moves",
                    all.len()
                );
            }
            end => panic!("{end:?} after {} of {count} items", all.len()),
        }
    }
    all
}

/// A reader waits for an item, and cannot ask for those of the streams in it before it has come.
#[test]
fn items_of_streams_that_nobody_knows_yet_leave_room_for_the_item_that_carries_them() {
    for rest in 0..24 {
        let mut pair = with_limits(limits(), 1);
        let (outer, to) = open(&mut pair, CLIENT, Flow::Sends);
        let inner = [0; 2].map(|_| pair.connection(CLIENT).open_stream(Flow::Sends).expect("there are few"));
        // Enough to leave the beginning of the next item `rest` bytes of credit, and its receiver does not know its
        // length.
        send(&mut pair, CLIENT, outer, &content((16 << 10) - 4 - rest));
        let list = inner.map(|stream| Attachment::Stream {
            stream,
            flow: Flow::Sends,
        });
        let long = content(200_000);
        let sent = pair.connection(CLIENT).send_item(outer, &list, body(&long));
        sent.expect("the item is within the limits");
        for stream in inner {
            send(&mut pair, CLIENT, stream, &content(MESSAGE));
            finish(&mut pair, CLIENT, stream);
        }
        exchange(&mut pair);
        let items = wait_for(&mut pair, to, 2);
        assert_eq!(items[1].0, long);
        for entry in &items[1].1 {
            let &Attachment::Stream { stream, .. } = entry else {
                panic!("{entry:?}")
            };
            assert_eq!(wait_for(&mut pair, stream, 1)[0].0, content(MESSAGE));
        }
    }
}

#[test]
fn the_room_of_an_item_is_free_when_it_was_taken_whether_its_stream_has_ended_or_not() {
    for ends in [false, true] {
        let mut pair = with_limits(limits(), 1);
        let streams: Vec<_> = (0..3).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
        for &(from, _) in &streams {
            send(&mut pair, CLIENT, from, &content(MESSAGE));
            if ends {
                finish(&mut pair, CLIENT, from);
            }
        }
        for (_, to) in streams {
            assert_eq!(wait_for(&mut pair, to, 1)[0].0, content(MESSAGE));
        }
    }
}

#[test]
fn streams_that_are_all_sent_can_be_read_one_after_another() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..3).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for _ in 0..3 {
        for &(from, _) in &streams {
            send(&mut pair, CLIENT, from, &content(MESSAGE));
        }
    }
    exchange(&mut pair);
    for (_, to) in streams {
        for (item, _) in wait_for(&mut pair, to, 3) {
            assert_eq!(item, content(MESSAGE));
        }
    }
}

/// Behind others its room would stay with a user who has taken one of them and waits for another stream.
#[test]
fn an_item_that_borrowed_is_handed_out_by_itself() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for length in [3, 5, 100_000, 7] {
        send(&mut pair, CLIENT, from, &content(length));
    }
    exchange(&mut pair);
    let mut batches = Vec::new();
    for _ in 0..8 {
        if let Received::Items(batch) = pair.connection(SERVER).receive(to) {
            batches.push(split(batch.items));
        }
        exchange(&mut pair);
    }
    let lengths: Vec<Vec<_>> = batches
        .iter()
        .map(|batch| batch.iter().map(Bytes::len).collect())
        .collect();
    assert_eq!(lengths, [vec![3, 5], vec![100_000], vec![7]]);
    assert_eq!(pair.connection(SERVER).held().beyond, 0);
}

/// A reader that waits comes before those that may take their items later, in any order of their coming.
#[test]
fn items_that_nobody_waits_for_never_have_the_last_room() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..4).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, _) in &streams {
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    exchange(&mut pair);
    assert!(
        pair.connection(SERVER).held().beyond <= MESSAGE,
        "{:?}",
        pair.connection(SERVER).held()
    );
    // The last in the queue.
    assert_eq!(wait_for(&mut pair, streams[3].1, 1)[0].0, content(MESSAGE));
}

/// Asks for an item of each of so many streams, has them come, and takes none.
fn ask_and_leave(count: usize) -> ConnectionPair {
    let mut pair = with_limits(limits().max_buffered(MESSAGE), 1);
    let streams: Vec<_> = (0..count).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(from, to) in &streams {
        assert!(matches!(pair.connection(SERVER).receive(to), Received::Nothing));
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    exchange(&mut pair);
    pair.events(SERVER);
    pair
}

/// As one does who waits for the first item of several streams, and then for those of a stream that it carries.
#[test]
fn who_has_asked_for_an_item_and_waits_for_another_one_gets_that() {
    let mut pair = ask_and_leave(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    send(&mut pair, CLIENT, from, &content(MESSAGE));
    assert_eq!(wait_for(&mut pair, to, 1)[0].0, content(MESSAGE));
}

#[test]
fn items_that_were_asked_for_and_not_taken_have_a_limit_that_gives_way_in_time() {
    let mut pair = ask_and_leave(8);
    let held = pair.connection(SERVER).held();
    assert!(held.beyond <= MESSAGE && held.asked <= 2 * MESSAGE, "{held:?}");
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    send(&mut pair, CLIENT, from, &content(MESSAGE));
    exchange(&mut pair);
    // It comes behind those that were asked for before it, one each time.
    let mut waited = 0;
    while receive(&mut pair, SERVER, to).0.is_empty() {
        assert!(waited < 8, "it never comes: {:?}", pair.connection(SERVER).held());
        waited += 1;
        pair.pass(Duration::from_secs(5)).expect("both are honest");
        exchange(&mut pair);
    }
    assert!(waited > 1, "no limit holds");
}

#[test]
fn who_looks_without_waiting_takes_no_room_of_those_who_wait() {
    let mut pair = with_limits(limits(), 1);
    let streams: Vec<_> = (0..4).map(|_| open(&mut pair, CLIENT, Flow::Sends)).collect();
    for &(_, to) in &streams[..3] {
        assert!(matches!(pair.connection(SERVER).try_receive(to), Received::Nothing));
    }
    for &(from, _) in &streams {
        send(&mut pair, CLIENT, from, &content(MESSAGE));
    }
    assert_eq!(wait_for(&mut pair, streams[3].1, 1)[0].0, content(MESSAGE));
}

#[test]
fn an_item_that_the_receiver_would_not_take_is_not_sent() {
    let mut pair = with_limits(limits(), 1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    let long = content(MESSAGE + 1);
    let connection = pair.connection(CLIENT);
    let error = connection
        .send_item(from, &[], body(&long))
        .expect_err("it is too long");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert!(error.message().contains("the item takes 1048577 bytes"), "{error}");
    assert!(connection.replace_items(from, body(&long)).is_err());
    send(&mut pair, CLIENT, from, b"next");
    exchange(&mut pair);
    assert_eq!(receive(&mut pair, SERVER, to).0, [Bytes::from_static(b"next")]);
}
