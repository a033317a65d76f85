//! Where frames of different streams and calls overtake each other.

use bytes::BytesMut;

use super::*;
use crate::proto::{
    Announced, Carrier, Connection, Settings,
    frame::{HEADER, Header, Kind},
    tests::{content, frame, inject},
};

/// Two ends over datagrams.
fn over_datagrams() -> ConnectionPair {
    let mut pair = pair(1);
    let limits = Limits::default().normalised();
    for end in [CLIENT, SERVER] {
        let settings = Settings {
            ours: limits.clone(),
            peer: Announced::over(Carrier::Datagrams, &limits),
            carrier: Carrier::Datagrams,
            idle: None,
        };
        pair.ends[end].connection = Connection::new(settings, pair.now);
    }
    pair
}

/// What an end writes, frame by frame: the kind, the number, and all of it.
fn written(pair: &mut ConnectionPair, end: usize) -> Vec<(Kind, u32, BytesMut)> {
    let mut chunks = std::collections::VecDeque::new();
    pair.connection(end).poll_transmit(&mut chunks);
    let mut bytes = BytesMut::from(&Vec::from(chunks).concat()[..]);
    let mut frames = Vec::new();
    while let Some(header) = Header::read(&bytes) {
        let kind = header.kind().expect("a kind of a frame");
        frames.push((kind, header.id, bytes.split_to(HEADER + header.length)));
    }
    frames
}

fn kinds(frames: &[(Kind, u32, BytesMut)]) -> Vec<Kind> {
    frames.iter().map(|(kind, ..)| *kind).collect()
}

#[test]
fn who_announces_a_stream_says_nothing_before_the_other_side_has() {
    for flow in [Flow::Sends, Flow::Receives] {
        let mut pair = over_datagrams();
        let stream = pair.connection(CLIENT).open_stream(flow).expect("there are few");
        announce(&mut pair, CLIENT, &[Attachment::Stream { stream, flow }]);
        if flow == Flow::Sends {
            send(&mut pair, CLIENT, stream, b"item");
            finish(&mut pair, CLIENT, stream);
        } else {
            stop(&mut pair, CLIENT, stream);
        }
        let frames = written(&mut pair, CLIENT);
        assert_eq!(kinds(&frames), [Kind::RequestAttach, Kind::Request]);
        inject(&mut pair, SERVER, frames[0].2.clone()).expect("both are honest");
        let frames = written(&mut pair, SERVER);
        let credit = if flow == Flow::Sends { 64 << 10 } else { 0_u32 };
        assert_eq!(
            frames[0].2[3..],
            [&[Kind::Credit as u8, 0, 0, 0, 0x80][..], &credit.to_le_bytes()].concat()
        );
        inject(&mut pair, CLIENT, frames[0].2.clone()).expect("both are honest");
        let expected = match flow {
            Flow::Sends => vec![Kind::Items, Kind::End],
            Flow::Receives => vec![Kind::Stop],
        };
        assert_eq!(kinds(&written(&mut pair, CLIENT)), expected);
    }
}

#[test]
fn a_sender_that_got_its_stream_may_begin_at_once() {
    let mut pair = over_datagrams();
    let (from, to) = open(&mut pair, CLIENT, Flow::Receives);
    send(&mut pair, SERVER, from, &content(5000));
    exchange(&mut pair);
    assert_eq!(receive(&mut pair, CLIENT, to).0, [content(5000)]);
}

/// The receiver's last word is still on its way when the number goes to a new stream.
#[test]
fn a_number_may_be_used_again_before_the_last_word_has_come() {
    let mut pair = over_datagrams();
    let (from, to) = open(&mut pair, CLIENT, Flow::Receives);
    finish(&mut pair, SERVER, from);
    for (.., frame) in written(&mut pair, SERVER) {
        inject(&mut pair, CLIENT, frame).expect("both are honest");
    }
    stop(&mut pair, CLIENT, to);
    let late = written(&mut pair, CLIENT);
    assert_eq!(kinds(&late), [Kind::Stop]);
    // The same number, in the other direction.
    let flow = Flow::Sends;
    let stream = pair.connection(CLIENT).open_stream(flow).expect("there are few");
    assert_eq!(stream, to);
    announce(&mut pair, CLIENT, &[Attachment::Stream { stream, flow }]);
    for (.., frame) in written(&mut pair, CLIENT) {
        inject(&mut pair, SERVER, frame).expect("the stream before is over for its peer");
    }
    let list = claimed(&mut pair, SERVER);
    for (.., frame) in late {
        inject(&mut pair, SERVER, frame).expect("it belongs to the stream before");
    }
    send(&mut pair, CLIENT, stream, b"item");
    exchange(&mut pair);
    let [Attachment::Stream { stream: to, .. }] = list[..] else {
        panic!("{list:?}")
    };
    assert_eq!(
        receive(&mut pair, SERVER, to),
        (vec![Bytes::from_static(b"item")], None)
    );
}

#[test]
fn a_number_that_is_in_use_is_not_used_again_over_datagrams_either() {
    let mut pair = over_datagrams();
    let announced = || frame(Kind::RequestAttach, false, 1, &[0, 0, 0, 0, 0]);
    inject(&mut pair, SERVER, announced()).expect("a stream is welcome");
    let text = super::super::violation(&mut pair, SERVER, announced());
    assert!(text.contains("which is not over"), "{text}");
}
