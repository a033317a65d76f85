//! One session whose peer sends anything at all: nothing panics, memory is bounded, strangers get no flood.

use core::net::SocketAddr;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::harness::script::Script;
use crate::proto::datagram::{
    Budget, Role, Session, Setup,
    chunk::{self, Chunk},
    packet::{Datagram, seal},
    ranges::Ranges,
};

const ID: u64 = 7;
const WINDOW: usize = 64 << 10;
/// What a session may hold for its peer: frames that have begun, and what came out of order with what that costs.
const MOST: usize = WINDOW + (64 << 10) + WINDOW * 3 / 2 + (32 << 10) + 64;
/// The lanes that matter to a script, and the first that is too high.
const LANES: [u32; 8] = [0, 1, 2, 3, 4, 5, 262_144, 262_145];

pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let role = if script.below(2) == 0 {
        Role::Client
    } else {
        Role::Server
    };
    let setup = Setup {
        role,
        id: ID,
        peer: address(0),
        peer_window: [0, WINDOW as u32, u32::MAX][script.below(3)],
        window: WINDOW as u32,
        seed: 1,
        rtt: [None, Some(Duration::ZERO), Some(Duration::from_secs(3))][script.below(3)],
        budget: Budget::new([0, 1 << 30][script.below(2)]),
        max_segments: 1 + script.below(64),
    };
    let mut model = SessionModel {
        session: Session::new(setup, now),
        now,
        number: 0,
        offsets: HashMap::new(),
        highest_sent: 0,
        record: Vec::new(),
        challenges: Vec::new(),
        strangers: HashMap::new(),
    };
    model.session.write(b"farcall\0\x01\x01\x01\x01\0\0");
    while let Some(action) = script.byte() {
        model.act(action, &mut script);
        model.pump();
        model.check_memory();
    }
}

struct SessionModel {
    session: Session,
    now: Instant,
    /// The number of the next packet.
    number: u64,
    /// Where the lanes go on.
    offsets: HashMap<u32, u64>,
    /// The highest number that the session sent.
    highest_sent: u64,
    /// What came from the session and from here.
    record: Vec<Vec<u8>>,
    challenges: Vec<(SocketAddr, u64)>,
    /// What came from each address and went to it, until it is proved.
    strangers: HashMap<SocketAddr, Option<(usize, usize)>>,
}

impl SessionModel {
    fn act(&mut self, action: u8, script: &mut Script<'_>) {
        match action % 16 {
            0..=6 => {
                let mut chunks = Vec::new();
                let from = from(script);
                for _ in 0..=script.below(5) {
                    self.put_chunk(&mut chunks, from, script);
                }
                self.send(from, &chunks, script);
            }
            7 => self.flood(script),
            8 => {
                let count = self.record.len();
                if let Some(datagram) = self.record.get(script.below(count)).cloned() {
                    self.arrive(from(script), &datagram);
                }
            }
            9 => {
                let length = script.below(64);
                let mut datagram = script.bytes(length).to_vec();
                seal(&mut datagram);
                self.arrive(from(script), &datagram);
            }
            10 if script.below(32) == 0 => {
                let mut datagram = Vec::new();
                Datagram::Reset { session: ID }.put(&mut datagram);
                self.arrive(from(script), &datagram);
            }
            11 => {
                let length = script.length(1 << 16);
                let mut frame = vec![0; 8 + length];
                frame[..3].copy_from_slice(&(length as u32).to_le_bytes()[..3]);
                frame[3] = 1 + script.below(9) as u8;
                frame[4] = script.below(4) as u8;
                self.session.write(&frame);
            }
            12 => self.session.handle_too_big(1200 + script.below(256), self.now),
            13 if script.below(64) == 0 => self.session.close(),
            _ => self.pass(script),
        }
    }

    fn pass(&mut self, script: &mut Script<'_>) {
        self.now += Duration::from_millis(script.length(20_000) as u64);
        let mut fired = 0;
        while self.session.poll_timeout().is_some_and(|due| due <= self.now) {
            self.session.handle_timeout(self.now);
            self.pump();
            fired += 1;
            assert!(fired < 5, "a timeout that fires for ever: {:#?}", self.session);
        }
    }

    fn put_chunk(&mut self, out: &mut Vec<u8>, from: SocketAddr, script: &mut Script<'_>) {
        match script.below(12) {
            0..=4 => self.put_data(out, script),
            5..=7 => {
                let mut ranges = Ranges::default();
                let mut end = (self.highest_sent + 1 + script.below(2) as u64 * script.below(2) as u64)
                    .saturating_sub(script.below(8) as u64);
                for _ in 0..=script.below(4) {
                    let start = end.saturating_sub(1 + script.below(6) as u64);
                    ranges.insert(start..end);
                    end = start.saturating_sub(1 + script.below(3) as u64);
                }
                chunk::put_ack(out, &ranges, Duration::from_millis(script.below(256) as u64));
            }
            8 => chunk::put_challenge(out, script.below(256) as u64),
            9 => {
                let (to, token) = match self.challenges.get(script.below(self.challenges.len() + 1)) {
                    Some(&challenge) => challenge,
                    None => (from, script.below(256) as u64),
                };
                // The one of another address, too, now and then.
                let token = if to == from || script.below(4) == 0 { token } else { 0 };
                chunk::put_response(out, token);
            }
            10 if script.below(64) == 0 => chunk::put_close(out),
            10 => chunk::put_ping(out),
            _ => {
                let length = script.below(6);
                out.extend_from_slice(script.bytes(length));
            }
        }
    }

    /// Frames and parts of frames, mostly where the lane goes on.
    fn put_data(&mut self, out: &mut Vec<u8>, script: &mut Script<'_>) {
        let lane = LANES[script.below(64) % LANES.len()];
        let next = self.offsets.get(&lane).copied().unwrap_or(0);
        let offset = match script.below(8) {
            0 => next + script.length(1 << 17) as u64,
            1 => next.saturating_sub(script.below(64) as u64),
            2 if script.below(8) == 0 => (1 << 62) - 1 - script.below(4) as u64,
            _ => next,
        };
        let mut bytes = Vec::new();
        match script.below(4) {
            0 if lane == 0 => bytes.extend_from_slice(b"farcall\0\x01\x01\x01\x01\0\0"),
            0 | 1 => {
                let claimed = script.length(70_000) as u32;
                bytes.extend_from_slice(&claimed.to_le_bytes()[..3]);
                bytes.extend_from_slice(&[3, 0, 0, 0, 0]);
                bytes.resize(8 + script.length(claimed as usize).min(1100), 1);
            }
            _ => {
                let length = script.length(1100);
                bytes.resize(length, script.below(256) as u8);
            }
        }
        let after = (script.below(8) == 0).then(|| script.length(1 << 17) as u64);
        chunk::put_data(out, lane, offset, after, &bytes);
        if offset == next {
            self.offsets.insert(lane, next + bytes.len() as u64);
        }
    }

    /// Many packets of one kind.
    fn flood(&mut self, script: &mut Script<'_>) {
        let (what, length) = (script.below(5), script.below(256));
        for round in 0..script.length(64) as u64 / 2 {
            let mut chunks = Vec::new();
            for part in 0..40 {
                let index = 40 * round + part;
                match what {
                    0 => chunk::put_data(&mut chunks, 1 + index as u32, 0, None, &[1]),
                    1 => chunk::put_data(&mut chunks, 1, 1 + 2 * index, None, &[1]),
                    2 => chunk::put_data(&mut chunks, 1 + index as u32, 1, None, &[]),
                    3 => chunk::put_data(&mut chunks, 9, (round << 10) + 1, None, &[1; 1000][..3 * length]),
                    _ => {
                        let next = self.offsets.entry(0).or_default();
                        chunk::put_data(&mut chunks, 0, *next, None, &[0, 0, 0, 7, 0, 0, 0, 0]);
                        *next += 8;
                    }
                }
            }
            self.number += 1;
            self.packet(address(0), self.number, &chunks);
        }
    }

    fn send(&mut self, from: SocketAddr, chunks: &[u8], script: &mut Script<'_>) {
        let number = match script.below(8) {
            0 => self.number.saturating_sub(script.below(300) as u64),
            1 => self.number + script.length(1 << 20) as u64,
            2 if script.below(16) == 0 => (1 << 48) - 1,
            _ => self.number + 1,
        };
        self.number = self.number.max(number.min(1 << 40));
        self.packet(from, number, chunks);
    }

    fn packet(&mut self, from: SocketAddr, number: u64, chunks: &[u8]) {
        let mut datagram = Vec::new();
        let packet = Datagram::Packet {
            session: ID,
            number,
            chunks,
        };
        packet.put(&mut datagram);
        if self.record.len() < 64 {
            self.record.push(datagram.clone());
        }
        self.arrive(from, &datagram);
    }

    fn arrive(&mut self, from: SocketAddr, datagram: &[u8]) {
        let stranger = self.strangers.entry(from).or_insert(Some((0, 0)));
        if let Some((received, _)) = stranger {
            *received += datagram.len();
        }
        if self.proves(from, datagram) {
            self.strangers.insert(from, None);
        }
        self.session.handle_datagram(from, datagram, self.now);
        // The owner of a session reads before it hands it more.
        while !self.session.unread().is_empty() {
            self.session.consume(self.session.unread().len());
        }
        self.pump();
    }

    /// Whether it brings back what was sent to where it comes from.
    fn proves(&self, from: SocketAddr, datagram: &[u8]) -> bool {
        let Some(Datagram::Packet { mut chunks, .. }) = Datagram::read(datagram) else {
            return false;
        };
        let chunks = std::iter::from_fn(|| Chunk::take(&mut chunks).ok().flatten());
        let tokens = chunks.filter_map(|chunk| match chunk {
            Chunk::Response(token) => Some(token),
            _ => None,
        });
        tokens.into_iter().any(|token| self.challenges.contains(&(from, token)))
    }

    fn pump(&mut self) {
        let mut out = Vec::new();
        let mut transmits = 0;
        while let Some(transmit) = self.session.poll_transmit(&mut out, self.now) {
            transmits += 1;
            assert!(transmits < 5000, "transmits without end");
            assert!(transmit.segment > 0 && !out.is_empty() && out.len() <= 65_507);
            for datagram in out.chunks(transmit.segment) {
                assert!(datagram.len() <= 8952, "{} bytes", datagram.len());
                self.sent(transmit.to, datagram);
            }
        }
    }

    /// The session sent a datagram.
    fn sent(&mut self, to: SocketAddr, datagram: &[u8]) {
        let Some(Datagram::Packet {
            session: ID,
            number,
            mut chunks,
        }) = Datagram::read(datagram)
        else {
            panic!(
                "{} bytes {:?} are no packet of this session",
                datagram.len(),
                datagram.first_chunk::<30>()
            )
        };
        assert!(number == 0 || number > self.highest_sent, "a number that comes twice");
        self.highest_sent = number;
        while let Some(chunk) = Chunk::take(&mut chunks).expect("what was written is read") {
            if let Chunk::Challenge(token) = chunk {
                self.challenges.push((to, token));
            }
        }
        assert!(chunks.is_empty());
        if self.record.len() < 64 {
            self.record.push(datagram.to_vec());
        }
        let stranger = self.strangers.entry(to).or_insert(Some((0, 0)));
        if let Some((received, sent)) = stranger
            && to != address(0)
        {
            *sent += datagram.len();
            assert!(*sent <= 3 * *received, "{sent} bytes for {received}");
        }
    }

    fn check_memory(&self) {
        let (held, footprint) = (self.session.held(), self.session.footprint());
        assert!(held <= MOST, "{held} bytes are held");
        // Buffers double as they grow.
        assert!(footprint <= 2 * MOST, "{footprint} bytes of memory, {held} counted");
    }
}

/// The peer's own address mostly.
fn from(script: &mut Script<'_>) -> SocketAddr {
    address(script.below(8).saturating_sub(5) as u16)
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1000 + port))
}
