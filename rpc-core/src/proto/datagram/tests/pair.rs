//! Two ends of a session and a network between them that does what a test says.

use core::net::SocketAddr;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::{BufMut, BytesMut};

use crate::proto::{
    datagram::{Budget, Role, Session, Setup},
    frame::{Kind, deframe, put_header},
};

/// How long a datagram takes.
pub(super) const WAY: Duration = Duration::from_millis(10);
const WINDOW: u32 = 1 << 20;

/// What happens to a datagram: each copy that arrives has a delay of its own.
pub(super) type Fate<'a> = &'a mut dyn FnMut(usize, &mut Vec<u8>) -> Vec<Duration>;

pub(super) struct SessionPair {
    pub(super) now: Instant,
    pub(super) ends: [Session; 2],
    /// What each end has written and not handed to its session.
    unwritten: [VecDeque<u8>; 2],
    /// What each end has read: the frames behind the hello.
    input: [BytesMut; 2],
    greeted: [bool; 2],
    pub(super) read: [Vec<(Kind, u32, Vec<u8>)>; 2],
    flying: Vec<(Instant, usize, Vec<u8>)>,
    /// Where the client seems to be.
    pub(super) client: SocketAddr,
    pub(super) datagrams: usize,
}

impl SessionPair {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let client = SocketAddr::from(([10, 0, 0, 1], 1000));
        let session = |role, peer| {
            let setup = Setup {
                role,
                id: 7,
                peer,
                peer_window: WINDOW,
                window: WINDOW,
                seed: 1,
                rtt: Some(2 * WAY),
                budget: Budget::new(64 << 20),
                max_segments: 10,
            };
            Session::new(setup, now)
        };
        let mut pair = Self {
            now,
            ends: [session(Role::Client, server()), session(Role::Server, client)],
            unwritten: [VecDeque::new(), VecDeque::new()],
            input: [BytesMut::new(), BytesMut::new()],
            greeted: [false; 2],
            read: [Vec::new(), Vec::new()],
            flying: Vec::new(),
            client,
            datagrams: 0,
        };
        for end in 0..2 {
            // A hello without anything behind its header.
            pair.unwritten[end].extend(b"farcall\0\x01\x01\x01\x01\0\0");
        }
        pair
    }

    pub(super) fn write(&mut self, end: usize, kind: Kind, call: u32, payload: &[u8]) {
        let mut frame = BytesMut::new();
        put_header(&mut frame, kind, false, call, payload.len());
        frame.put_slice(payload);
        self.unwritten[end].extend(frame);
    }

    /// Runs until nothing is under way and nothing waits, or for `limit`.
    pub(super) fn run(&mut self, limit: Duration, fate: Fate<'_>) {
        let until = self.now + limit;
        loop {
            for end in 0..2 {
                self.turn(end, fate);
            }
            let arrival = self.flying.iter().map(|(at, ..)| *at).min();
            let timeout = self.ends.iter().filter_map(Session::poll_timeout).min();
            let Some(next) = [arrival, timeout].into_iter().flatten().min() else {
                return;
            };
            if next > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            let now = self.now;
            let (due, later) = std::mem::take(&mut self.flying)
                .into_iter()
                .partition(|(at, ..)| *at <= now);
            self.flying = later;
            for (_, end, datagram) in due {
                let from = if end == 0 { server() } else { self.client };
                self.ends[end].handle_datagram(from, &datagram, now);
            }
            for end in &mut self.ends {
                end.handle_timeout(now);
            }
        }
    }

    fn turn(&mut self, end: usize, fate: Fate<'_>) {
        let session = &mut self.ends[end];
        let mut out = Vec::new();
        loop {
            let bytes: Vec<u8> = self.unwritten[end].iter().copied().collect();
            let taken = session.write(&bytes);
            self.unwritten[end].drain(..taken);
            let unread = session.unread().to_vec();
            session.consume(unread.len());
            self.input[end].extend_from_slice(&unread);
            let mut sent = false;
            while let Some(transmit) = session.poll_transmit(&mut out, self.now) {
                sent = true;
                assert!(!out.is_empty() && transmit.segment <= out.len());
                for datagram in out.chunks(transmit.segment) {
                    assert!(datagram.len() <= 8952);
                    self.datagrams += 1;
                    let mut datagram = datagram.to_vec();
                    // A challenge to an address that is no longer the client's goes nowhere.
                    if end == 1 && transmit.to != self.client {
                        continue;
                    }
                    for delay in fate(end, &mut datagram) {
                        self.flying.push((self.now + delay, 1 - end, datagram.clone()));
                    }
                }
            }
            if !sent && taken == 0 {
                break;
            }
        }
        if !self.greeted[end] && self.input[end].len() >= 14 {
            self.greeted[end] = true;
            let _ = self.input[end].split_to(14);
        }
        while self.greeted[end] {
            let Some(frame) = deframe(&mut self.input[end]).expect("frames") else {
                break;
            };
            self.read[end].push((frame.kind, frame.id, frame.payload.to_vec()));
        }
    }
}

pub(super) fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 2000))
}
