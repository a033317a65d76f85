//! What no honest peer says about streams.

use bytes::BytesMut;

use super::{super::violation, *};
use crate::proto::{
    MAX_ATTACHMENTS,
    frame::Kind,
    tests::{frame, inject},
};

/// Announces the peer's stream 0, on which the server receives, and 1, on which it sends.
fn announced() -> BytesMut {
    frame(Kind::RequestAttach, false, 0, &[0, 0, 0, 0, 0, 1, 1, 0, 0, 0])
}

fn items(stream: u32, bytes: &[u8]) -> BytesMut {
    frame(Kind::Items, false, stream, bytes)
}

fn credit(stream: u32, more: u32) -> BytesMut {
    frame(Kind::Credit, false, stream, &more.to_le_bytes())
}

fn list(payload: &[u8]) -> BytesMut {
    frame(Kind::RequestAttach, false, 1, payload)
}

#[test]
fn a_hostile_peer_is_cut_off() {
    let window = 64 << 10;
    let full = || {
        vec![
            items(0, &[&[0xfc, 0xff, 0, 0], &[0; 32764][..]].concat()),
            items(0, &[0; 32768]),
        ]
    };
    let end = |stream| frame(Kind::End, false, stream, &[]);
    let stop = |stream| frame(Kind::Stop, false, stream, &[]);
    let attach = |payload: &[u8]| frame(Kind::ItemAttach, false, 0, payload);
    let ours = 1 << 31;
    for (what, frames) in [
        ("not open", vec![items(2, &[0])]),
        ("not open", vec![items(ours, &[0])]),
        ("not open", vec![credit(7, 1)]),
        ("not open", vec![end(0), end(0)]),
        ("not open", vec![end(0), items(0, &[0, 0, 0, 0])]),
        ("not open", vec![stop(1), stop(1)]),
        ("not open", vec![stop(1), credit(1, 1)]),
        ("not open", vec![frame(Kind::ItemAttach, false, 2, &[])]),
        ("to its sender", vec![end(1)]),
        ("item to the sender", vec![items(1, &[0])]),
        ("item to the sender", vec![frame(Kind::ItemAttach, false, 1, &[])]),
        ("stop to the receiver", vec![stop(0)]),
        ("credit to the receiver", vec![credit(0, 1)]),
        ("credit to the receiver", vec![credit(0, 0)]),
        ("an empty piece", vec![items(0, &[])]),
        ("than it had credit", [full(), vec![items(0, &[1])]].concat()),
        (
            "than it had credit",
            [full(), vec![attach(&[2, 0, 0, 0, 0, 0, 0, 0, 0])]].concat(),
        ),
        ("than a stream can have", vec![credit(1, u32::MAX - window + 1)]),
        ("ends early", vec![frame(Kind::Credit, false, 1, &[1, 0, 0])]),
        ("max_message", vec![items(0, &[1, 0, 0, 1])]),
        ("without its list", vec![items(0, &[0, 0, 0, 0x80])]),
        (
            "without its item",
            vec![attach(&[2, 0, 0, 0, 0, 0, 0, 0, 0]), items(0, &[0, 0, 0, 0])],
        ),
        ("two for one", vec![attach(&[]), attach(&[])]),
        ("within an item", vec![items(0, &[1]), attach(&[])]),
        ("within an item", vec![items(0, &[1, 0, 0, 0]), end(0)]),
        ("within an item", vec![attach(&[]), end(0)]),
        ("which is not over", vec![list(&[0, 0, 0, 0, 0])]),
        ("which is not over", vec![list(&[0, 2, 0, 0, 0, 0, 2, 0, 0, 0])]),
        ("stream 1024", vec![list(&[0, 0, 4, 0, 0])]),
        ("recipient numbered", vec![list(&[1, 5, 0, 0, 0x80])]),
        ("unknown tag 4", vec![list(&[4, 0, 0, 0, 0])]),
        ("ends early", vec![list(&[0, 5, 0])]),
        ("ends early", vec![list(&[2, 5, 0, 0, 0, 1])]),
        ("more than 1024", vec![list(&[2; 9].repeat(MAX_ATTACHMENTS + 1))]),
        ("object 3", vec![list(&[3, 3, 0, 0, 0])]),
        ("object 3", vec![frame(Kind::Release, false, 3, &[0; 8])]),
        ("ends early", vec![frame(Kind::Release, false, 3, &[0; 7])]),
        ("watch of object 3", vec![frame(Kind::Watch, false, 3, &[0; 8])]),
        ("ends early", vec![frame(Kind::Watch, false, 3, &[0; 7])]),
        ("ends early", vec![frame(Kind::Revoked, false, 0, &[0; 7])]),
        ("unknown code", vec![frame(Kind::End, false, 0, &[99, 0, 0])]),
        ("not in flight", vec![frame(Kind::ReplyAttach, false, 0, &[])]),
        ("call id 1024", vec![frame(Kind::RequestAttach, false, 1024, &[])]),
    ] {
        let mut pair = pair(1);
        let mut input = announced();
        for frame in frames {
            input.unsplit(frame);
        }
        let head = frame(Kind::Request, false, 0, &[0; 9]);
        let mut first = input.split_to(18);
        first.unsplit(head);
        inject(&mut pair, SERVER, first).expect("two streams are welcome");
        let broken = inject(&mut pair, SERVER, input);
        assert!(
            format!("{broken:?}").contains(what),
            "{broken:?} says nothing of {what:?}"
        );
    }
}

#[test]
fn a_number_whose_last_word_has_not_left_is_not_free() {
    let mut pair = pair(1);
    let mut input = announced();
    // The list is given back, and both streams end.
    input.unsplit(frame(Kind::RequestAttach, false, 0, &[]));
    input.unsplit(frame(Kind::End, false, 0, &[]));
    inject(&mut pair, SERVER, input).expect("all is well");
    let text = violation(&mut pair, SERVER, announced());
    assert!(text.contains("which is not over"), "{text}");
}

#[test]
fn a_list_for_a_call_in_flight_is_refused() {
    let mut pair = pair(1);
    super::super::start(&mut pair, &Bytes::new());
    exchange(&mut pair);
    let text = violation(&mut pair, SERVER, frame(Kind::RequestAttach, false, 0, &[]));
    assert!(text.contains("in flight"), "{text}");
    let late = [&[0, 2, 0, 0, 0][..], &[1]].concat();
    let mut frames = frame(Kind::Reply, true, 0, &late);
    frames.unsplit(frame(Kind::ReplyAttach, false, 0, &[0, 0, 0, 0, 0]));
    let text = violation(&mut pair, CLIENT, frames);
    assert!(text.contains("late"), "{text}");
}

#[test]
fn a_reply_has_one_list_even_if_that_was_empty_or_nobody_waits_for_it() {
    for gives_up in [false, true] {
        let mut pair = pair(1);
        super::super::start(&mut pair, &Bytes::new());
        exchange(&mut pair);
        if gives_up {
            pair.connection(CLIENT).abandon(0);
        }
        let mut frames = frame(Kind::ReplyAttach, false, 0, &[]);
        frames.unsplit(frame(Kind::ReplyAttach, false, 0, &[0, 0, 0, 0, 0]));
        let text = violation(&mut pair, CLIENT, frames);
        assert!(text.contains("two lists"), "{text}");
    }
}

#[test]
fn lists_below_lists_are_given_back_however_deep() {
    let limits = Limits::default().max_streams(50_000);
    let mut pair = with_limits(limits, 1);
    let mut input = frame(Kind::RequestAttach, false, 0, &[0, 0, 0, 0, 0]);
    for number in 0..49_999_u32 {
        let next = [&[0][..], &(number + 1).to_le_bytes()].concat();
        input.unsplit(frame(Kind::ItemAttach, false, number, &next));
        input.unsplit(items(number, &[0, 0, 0, 0x80]));
    }
    input.unsplit(frame(Kind::RequestAttach, false, 0, &[]));
    inject(&mut pair, SERVER, input).expect("all is allowed");
    assert_eq!(pair.connection(SERVER).streams(), []);
}
