//! What is another matter where calls overtake each other on their way.

use bytes::BytesMut;

use super::{answers, content, exchange, failure, frame, inject, start, violation, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::{
    Code, Outcome,
    proto::{
        Announced, Carrier, Connection, Limits, Settings,
        frame::{Kind, PIECE},
    },
};

const LARGE: usize = 1 << 20;

/// Two ends over datagrams.
fn over_datagrams(client: &Limits, server: &Limits) -> ConnectionPair {
    let mut pair = with_limits(Limits::default(), 1);
    for (end, ours, peer) in [(CLIENT, client, server), (SERVER, server, client)] {
        let settings = Settings {
            ours: ours.clone().normalised(),
            peer: Announced::over(Carrier::Datagrams, &peer.clone().normalised()),
            carrier: Carrier::Datagrams,
            idle: None,
        };
        pair.ends[end].connection = Connection::new(settings, pair.now);
    }
    pair
}

fn begin_reply(call: u32, piece: &[u8]) -> BytesMut {
    let payload = [&[0], &(LARGE as u32).to_le_bytes()[..], piece].concat();
    frame(Kind::Reply, true, call, &payload)
}

/// The end of the reply before is still on its way, and its writer has room again.
#[test]
fn a_reply_may_begin_before_the_end_of_an_earlier_one_has_come() {
    let limits = Limits::default().max_message(LARGE).max_buffered(LARGE);
    let mut pair = over_datagrams(&limits, &limits);
    for _ in 0..8 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    for call in 0..8 {
        inject(&mut pair, CLIENT, begin_reply(call, &[1])).expect("little has come");
    }
    assert_eq!(pair.connection(CLIENT).held().replies, 8);
    let rest = content(LARGE - 1);
    for (index, piece) in rest.chunks(PIECE).enumerate() {
        let more = (index + 1) * PIECE < rest.len();
        inject(&mut pair, CLIENT, frame(Kind::ReplyData, more, 3, piece)).expect("one fits");
    }
    let answers = answers(&mut pair);
    assert!(matches!(&answers[..], [(3, Ok(body))] if body.len() == LARGE));
    assert_eq!(pair.connection(CLIENT).held().replies, 7);
    pair.connection(CLIENT).abandon(4);
    assert_eq!(pair.connection(CLIENT).held().replies, 6);
}

#[test]
fn a_peer_that_finishes_no_reply_is_cut_off_all_the_same() {
    let limits = Limits::default().max_message(LARGE).max_buffered(LARGE);
    let mut pair = over_datagrams(&limits, &limits);
    for _ in 0..8 {
        start(&mut pair, &content(1));
    }
    exchange(&mut pair);
    let piece = content(PIECE);
    let pieces = (0..8).flat_map(|call| (0..LARGE / PIECE - 1).map(move |index| (call, index)));
    for (come, (call, index)) in pieces.enumerate() {
        let next = match index {
            0 => begin_reply(call, &piece),
            _ => frame(Kind::ReplyData, true, call, &piece),
        };
        if (come + 1) * PIECE > LARGE + (4 << 20) {
            let text = violation(&mut pair, CLIENT, next);
            return assert!(text.contains("max_buffered"), "{text}");
        }
        inject(&mut pair, CLIENT, next).expect("there is room");
    }
    panic!("nothing bounds what has come");
}

#[test]
fn a_message_too_large_for_datagrams_is_refused_with_the_way_out() {
    let [low, high] = [100_000, 200_000].map(|most| Limits::default().max_udp_message(most));
    for (client, server, parts) in [
        (
            &low,
            &high,
            &["limit over udp (`max_udp_message`) is 100000", "tcp"][..],
        ),
        (
            &high,
            &low,
            &["is 100000 on the receiving side", "`max_udp_message`", "tcp"],
        ),
    ] {
        let mut pair = over_datagrams(client, server);
        let error = pair
            .start(CLIENT, 7, &content(100_001), None)
            .expect_err("it is too large");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::ResourceExhausted, Outcome::NotExecuted)
        );
        for part in parts {
            assert!(error.message().contains(part), "{error}");
        }
    }
    let mut pair = over_datagrams(&high, &low);
    start(&mut pair, &content(100_000));
    exchange(&mut pair);
    assert_eq!(super::requests(&mut pair).len(), 1);
    pair.reply(SERVER, 0, &content(100_001));
    exchange(&mut pair);
    let error = failure(&mut pair);
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::Executed)
    );
    assert!(error.message().contains("(`max_udp_message`) is 100000"), "{error}");
}

#[test]
fn the_limit_of_datagrams_holds_for_a_peer_that_ignores_it() {
    let limits = Limits::default().max_udp_message(1000);
    let mut pair = over_datagrams(&limits, &limits);
    let payload = super::request_payload(None, &[1; 1001]);
    let text = violation(&mut pair, SERVER, frame(Kind::Request, false, 0, &payload));
    assert!(text.contains("(`max_udp_message`) is 1000"), "{text}");
}

#[test]
fn datagrams_never_raise_a_limit() {
    let limits = Limits::default().max_message(1000).max_udp_message(usize::MAX);
    assert_eq!(
        Announced::over(Carrier::Datagrams, &limits.clone().normalised()).max_message,
        1000
    );
    let mut pair = over_datagrams(&limits, &limits);
    let error = pair
        .start(CLIENT, 7, &content(1001), None)
        .expect_err("it is too large");
    assert!(error.message().contains("(`max_message`) is 1000"), "{error}");
    let most = Announced::over(Carrier::Datagrams, &limits.max_message(usize::MAX).normalised());
    assert_eq!(most.max_message, 16 << 20);
}
