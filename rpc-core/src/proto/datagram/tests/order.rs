//! What must come before what, and what must not delay what it waits for.

use core::net::SocketAddr;
use std::time::Instant;

use crate::proto::datagram::{Budget, Role, Session, SessionEnd, Setup, chunk, packet::Datagram};

const ID: u64 = 7;
const HELLO: &[u8] = b"farcall\0\x01\x01\x01\x01\0\0";
const REPLY: &[u8] = b"\0\0\0\x03\0\0\0\0";
const GO_AWAY: &[u8] = b"\0\0\0\x09\0\0\0\0";
const CLOSE: &[u8] = b"\0\0\0\x0a\0\0\0\0";

fn peer() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5))
}

fn session(now: Instant) -> Session {
    let setup = Setup {
        role: Role::Client,
        id: ID,
        peer: peer(),
        peer_window: 1 << 20,
        window: 1 << 20,
        seed: 1,
        rtt: None,
        budget: Budget::new(1 << 20),
        max_segments: 64,
    };
    Session::new(setup, now)
}

/// One side of a session, and the number of the next packet for it.
struct LaneReader {
    session: Session,
    number: u64,
    now: Instant,
}

impl LaneReader {
    fn new() -> Self {
        let now = Instant::now();
        let session = session(now);
        Self {
            session,
            number: 0,
            now,
        }
    }

    /// Gives what can be read after a packet of these chunks: lane, offset, position of a close, bytes.
    fn read(&mut self, chunks: &[(u32, u64, Option<u64>, &[u8])]) -> Vec<u8> {
        let (mut packet, mut datagram) = (Vec::new(), Vec::new());
        for &(lane, offset, after, bytes) in chunks {
            chunk::put_data(&mut packet, lane, offset, after, bytes);
        }
        Datagram::Packet {
            session: ID,
            number: self.number,
            chunks: &packet,
        }
        .put(&mut datagram);
        self.number += 1;
        self.session.handle_datagram(peer(), &datagram, self.now);
        let mut read = Vec::new();
        while !self.session.unread().is_empty() {
            read.extend_from_slice(self.session.unread());
            self.session.consume(self.session.unread().len());
        }
        read
    }
}

const CLOSING: (u32, u64, Option<u64>, &[u8]) = (0, 22, Some(30), CLOSE);

#[test]
fn a_close_that_waited_for_its_own_lane_still_waits_for_the_others() {
    let mut reader = LaneReader::new();
    assert_eq!(reader.read(&[(0, 0, None, HELLO)]), HELLO);
    assert_eq!(reader.read(&[CLOSING]), Vec::<u8>::new());
    assert_eq!(reader.read(&[(0, 14, None, GO_AWAY)]), GO_AWAY);
    assert_eq!(reader.read(&[CLOSING]), Vec::<u8>::new());
    assert_eq!(reader.read(&[(1, 0, None, REPLY)]), REPLY);
    assert_eq!(reader.read(&[CLOSING]), CLOSE);
}

#[test]
fn a_close_holds_up_nothing_that_comes_behind_it_in_its_packet() {
    let mut reader = LaneReader::new();
    reader.read(&[(0, 0, None, HELLO), (0, 14, None, GO_AWAY)]);
    let packet = [CLOSING, (1, 0, None, REPLY)];
    assert_eq!(reader.read(&packet), REPLY);
    assert_eq!(reader.read(&packet), CLOSE);
}

#[test]
fn no_frame_of_a_call_comes_before_the_hello() {
    let mut reader = LaneReader::new();
    assert_eq!(
        reader.read(&[(1, 0, None, REPLY), (0, 14, None, GO_AWAY)]),
        Vec::<u8>::new()
    );
    assert_eq!(reader.read(&[(0, 0, None, HELLO)]), [HELLO, GO_AWAY].concat());
    assert_eq!(reader.read(&[(1, 0, None, REPLY)]), REPLY);
}

#[test]
fn a_frame_on_the_lane_of_another_call_ends_the_session() {
    for (lane, frame) in [(3, REPLY), (2, REPLY), (0, REPLY), (1, GO_AWAY)] {
        let mut reader = LaneReader::new();
        reader.read(&[(0, 0, None, HELLO)]);
        let offset = if lane == 0 { 14 } else { 0 };
        // In one piece and in two.
        assert_eq!(reader.read(&[(lane, offset, None, &frame[..6])]), Vec::<u8>::new());
        assert_eq!(reader.read(&[(lane, offset + 6, None, &frame[6..])]), Vec::<u8>::new());
        let end = reader.session.end();
        assert!(matches!(end, Some(SessionEnd::Broken(_))), "{end:?} on lane {lane}");
        let mut reader = LaneReader::new();
        reader.read(&[(0, 0, None, HELLO), (lane, offset, None, frame)]);
        assert_eq!(reader.session.end(), end);
    }
}

#[test]
fn the_news_of_the_end_fits_behind_the_last_bytes() {
    let now = Instant::now();
    for length in 1050..1250_u16 {
        let mut session = session(now);
        session.write(HELLO);
        let [low, high] = length.to_le_bytes();
        session.write(&[low, high, 0, 1, 0, 0, 0, 0]);
        session.write(&vec![1; length.into()]);
        session.close();
        let mut out = Vec::new();
        while let Some(transmit) = session.poll_transmit(&mut out, now) {
            for datagram in out.chunks(transmit.segment) {
                assert!(datagram.len() <= 1200, "{} bytes", datagram.len());
                let read = Datagram::read(datagram);
                assert!(matches!(read, Some(Datagram::Packet { .. })), "{length}: {read:?}");
            }
        }
    }
}
