//! What counts as a sign of life.

use std::time::Duration;

use super::pair::{SessionPair, WAY, server};
use crate::proto::{
    datagram::{
        chunk,
        packet::{begin_packet, seal},
    },
    frame::Kind,
};

const LONG: Duration = Duration::from_secs(100);

/// A packet with a right checksum.
fn packet(session: u64, number: u64, put_chunk: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    begin_packet(&mut out, session, number);
    put_chunk(&mut out);
    seal(&mut out);
    out
}

#[test]
fn a_peer_that_acknowledges_is_heard() {
    let mut pair = SessionPair::new();
    pair.run(LONG, &mut |_, _| vec![WAY]);
    let before = pair.ends[0].heard();
    pair.write(0, Kind::Request, 0, b"question");
    pair.run(LONG, &mut |_, _| vec![WAY]);
    assert!(before.is_some() && pair.ends[0].heard() > before);
    assert!(pair.read[0].is_empty());
}

#[test]
fn what_is_repeated_late_damaged_or_another_session_s_is_no_sign_of_life() {
    let (mut pair, mut sent) = (SessionPair::new(), Vec::new());
    for call in 0..10 {
        pair.write(0, Kind::Request, call, b"question");
        pair.run(LONG, &mut |end, datagram| {
            if end == 1 {
                return vec![WAY];
            }
            sent.push(datagram.clone());
            // The first one is on its way for very long.
            if sent.len() == 1 { Vec::new() } else { vec![WAY] }
        });
    }
    let heard = pair.ends[1].heard();
    let damaged = sent.iter().cloned().map(|mut datagram| {
        datagram[9] ^= 1;
        datagram
    });
    let mut bad: Vec<_> = damaged.collect();
    bad.extend(sent);
    bad.push(packet(8, 1000, chunk::put_ping));
    pair.now += LONG;
    let now = pair.now;
    for datagram in &bad {
        for from in [pair.client, server()] {
            pair.ends[1].handle_datagram(from, datagram, now);
        }
    }
    assert!(heard.is_some() && heard < Some(now));
    assert_eq!((pair.ends[1].heard(), pair.ends[1].end()), (heard, None));
}

#[test]
fn a_packet_that_is_refused_is_a_sign_of_life_once() {
    let mut pair = SessionPair::new();
    pair.run(LONG, &mut |_, _| vec![WAY]);
    // A last word that must wait for what was said before it.
    let refused = packet(7, 1000, |out| {
        chunk::put_data(out, 0, 22, Some(30), b"\0\0\0\x0a\0\0\0\0");
    });
    let mut heard = Vec::new();
    for _ in 0..2 {
        pair.now += WAY;
        let now = pair.now;
        pair.ends[0].handle_datagram(server(), &refused, now);
        heard.push((pair.ends[0].heard() == Some(now), pair.ends[0].unread().len()));
    }
    assert_eq!(heard, [(true, 0), (false, 0)]);
}
