//! What a peer says about its window, and what it is believed.

use std::time::{Duration, Instant};

use super::pair::server;
use crate::proto::{
    datagram::{Budget, Datagram, Role, Session, Setup, chunk::Chunk},
    frame::Kind,
};

fn session(role: Role, peer_window: u32, now: Instant) -> Session {
    let setup = Setup {
        role,
        id: 7,
        peer: server(),
        peer_window,
        window: 8 << 20,
        seed: 1,
        rtt: Some(Duration::from_millis(1)),
        budget: Budget::new(64 << 20),
        max_segments: 10,
    };
    Session::new(setup, now)
}

/// Hands over what `from` sends, but for the first bytes of call 0; says how much there was.
fn pass(from: &mut Session, to: &mut Session, now: Instant) -> usize {
    let (mut out, mut length) = (Vec::new(), 0);
    while let Some(transmit) = from.poll_transmit(&mut out, now) {
        for datagram in out.chunks(transmit.segment) {
            length += datagram.len();
            if !begins_call_0(datagram) {
                to.handle_datagram(server(), datagram, now);
            }
        }
    }
    length
}

fn begins_call_0(datagram: &[u8]) -> bool {
    let Some(Datagram::Packet { mut chunks, .. }) = Datagram::read(datagram) else {
        return false;
    };
    std::iter::from_fn(|| Chunk::take(&mut chunks).expect("chunks"))
        .any(|chunk| matches!(chunk, Chunk::Data { lane: 1, offset: 0, .. }))
}

#[test]
fn no_peer_makes_a_sender_keep_more_than_the_largest_window() {
    let mut now = Instant::now();
    let mut client = session(Role::Client, u32::MAX, now);
    let mut server = session(Role::Server, u32::MAX, now);
    assert_eq!(client.write(b"farcall\0\x01\x01\x01\x01\0\0"), 14);
    pass(&mut client, &mut server, now);
    let (mut written, mut call, mut rest) = (0, 0, Vec::new());
    for _ in 0..1500 {
        loop {
            if rest.is_empty() {
                rest = vec![0; 8 << 10];
                rest[..5].copy_from_slice(&[0xf8, 0x1f, 0, Kind::RequestData as u8, call]);
                // Nothing comes behind the frame that never arrives.
                call = 1 + call % 7;
            }
            let taken = client.write(&rest);
            if taken == 0 {
                break;
            }
            rest.drain(..taken);
            written += taken;
        }
        pass(&mut client, &mut server, now);
        let ready = server.unread().len();
        server.consume(ready);
        pass(&mut server, &mut client, now);
        now += Duration::from_millis(5);
        client.handle_timeout(now);
        server.handle_timeout(now);
    }
    assert!(server.end().is_none() && client.end().is_none());
    assert!((3 << 20..5 << 20).contains(&written), "{written}");
}

#[test]
fn an_acknowledgement_that_comes_twice_is_not_answered() {
    let now = Instant::now();
    let (mut client, mut server) = (session(Role::Client, 1 << 20, now), session(Role::Server, 1 << 20, now));
    client.write(b"farcall\0\x01\x01\x01\x01\0\0");
    assert!(pass(&mut client, &mut server, now) > 0);
    let later = now + Duration::from_millis(10);
    server.handle_timeout(later);
    let mut acknowledgement = Vec::new();
    assert!(server.poll_transmit(&mut acknowledgement, later).is_some());
    for _ in 0..2 {
        client.handle_datagram(super::pair::server(), &acknowledgement, later);
        client.handle_timeout(later + Duration::from_millis(10));
        assert_eq!(client.poll_transmit(&mut Vec::new(), later), None);
    }
}

#[test]
fn a_peer_that_is_gone_gets_the_frame_that_has_begun_and_no_other() {
    const FRAME: usize = 32 << 10;
    let mut now = Instant::now();
    let mut client = session(Role::Client, 2 << 20, now);
    assert_eq!(client.write(b"farcall\0\x01\x01\x01\x01\0\0"), 14);
    let mut frame = vec![0; FRAME];
    frame[..4].copy_from_slice(&[0xf8, 0x7f, 0, Kind::RequestData as u8]);
    let (mut rest, mut unanswered) = (frame.clone(), 0);
    for timeout in 0..200 {
        loop {
            let taken = client.write(&rest);
            if taken == 0 {
                break;
            }
            unanswered += if timeout >= 2 { taken } else { 0 };
            rest.drain(..taken);
            if rest.is_empty() {
                rest.clone_from(&frame);
            }
        }
        while client.poll_transmit(&mut Vec::new(), now).is_some() {}
        now = client.poll_timeout().expect("it goes on asking");
        client.handle_timeout(now);
    }
    assert!((1..FRAME).contains(&unanswered), "{unanswered}");
    assert_eq!(rest.len(), FRAME, "the frame has its end");
}
