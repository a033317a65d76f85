//! A server's door and its clients: only proved clients get a session, once each, and no answer amplifies.

use core::net::SocketAddr;
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use crate::harness::script::Script;
use crate::proto::datagram::{
    Admission, Endpoint, OpenedSession, Refusal, Routed, SessionOpening,
    packet::{COOKIE, Cookie, Datagram, VERSION, seal},
};

/// A client, as far as the door can tell.
type ClientKey = (SocketAddr, u64);

pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let mut model = DoorModel {
        door: Endpoint::new([script.below(256) as u8; 32], now),
        now,
        start: now,
        cookies: Vec::new(),
        sessions: BTreeMap::new(),
        by_client: HashMap::new(),
        opened: 0,
        resets: 0,
        stopped: false,
    };
    while let Some(action) = script.byte() {
        match action % 16 {
            0..=8 => {
                let from = from(&mut script);
                let datagram = model.datagram(&mut script);
                model.handle(from, &datagram, &mut script);
            }
            9 | 10 => model.visit(&mut script),
            11 => {
                let nth = script.below(model.sessions.len() + 1);
                let id = model.sessions.keys().nth(nth).copied().unwrap_or(1);
                let known = model.sessions.remove(&id);
                assert_eq!(model.door.close(id), known.map(|(number, ..)| number));
                model.by_client.retain(|_, session| *session != id);
            }
            12 if script.below(64) == 0 => {
                model.door.stop();
                model.stopped = true;
            }
            _ => model.now += Duration::from_millis(10 * script.below(256) as u64),
        }
    }
}

struct DoorModel {
    door: Endpoint<u32>,
    now: Instant,
    start: Instant,
    cookies: Vec<(ClientKey, Cookie, Instant)>,
    /// The number, the client and the welcome of each session.
    sessions: BTreeMap<u64, (u32, ClientKey, Vec<u8>)>,
    by_client: HashMap<ClientKey, u64>,
    opened: u32,
    resets: u32,
    stopped: bool,
}

impl DoorModel {
    /// Something that looks like a datagram.
    fn datagram(&self, script: &mut Script<'_>) -> Vec<u8> {
        let nonce = script.below(3) as u64;
        let session = match self.sessions.keys().nth(script.below(self.sessions.len() + 1)) {
            Some(&known) => known,
            None => script.below(4) as u64,
        };
        let cookie = match self.cookies.get(script.below(self.cookies.len() + 1)) {
            Some((_, cookie, _)) => *cookie,
            None => [0; COOKIE],
        };
        let mut datagram = Vec::new();
        match script.below(12) {
            0..=5 => Datagram::Hello {
                version: VERSION + u8::from(script.below(16) == 0),
                nonce,
                window: 1 << 16,
                cookie,
            },
            6 => Datagram::Retry { nonce, cookie },
            7 => Datagram::Welcome {
                nonce,
                session,
                window: 1,
            },
            8 => Datagram::Refused {
                nonce,
                reason: Refusal::Full,
            },
            9 => Datagram::Reset { session },
            _ => Datagram::Packet {
                session,
                number: 1,
                chunks: &[4],
            },
        }
        .put(&mut datagram);
        for _ in 0..script.below(8).saturating_sub(5) {
            let at = script.below(256) % datagram.len();
            datagram[at] ^= 1 << script.below(8);
            if script.below(8) == 0 {
                datagram.truncate(script.below(256) * 6);
                datagram.push(0);
            }
            if script.below(8) != 0 {
                seal(&mut datagram);
            }
        }
        datagram
    }

    fn handle(&mut self, from: SocketAddr, datagram: &[u8], script: &mut Script<'_>) -> Vec<u8> {
        let mut answer = vec![0xff; 3];
        match self.door.handle_datagram(from, datagram, &mut answer, self.now) {
            Routed::Nothing => assert!(answer.is_empty(), "{answer:?}"),
            Routed::Answer => self.check_answer(from, datagram, &answer),
            Routed::Session(&number) => {
                assert!(answer.is_empty(), "{answer:?}");
                // Whether it is whole is the session's business.
                let session = datagram[5..].first_chunk().map(|id| u64::from_le_bytes(*id));
                let session = session.expect("a datagram for a session names it");
                assert_eq!(self.sessions.get(&session).map(|known| known.0), Some(number));
            }
            Routed::Open(admission) => {
                assert!(answer.is_empty(), "{answer:?}");
                self.decide(from, datagram, admission, &mut answer, script);
            }
        }
        assert!(answer.len() <= datagram.len(), "an answer that amplifies");
        answer
    }

    fn check_answer(&mut self, from: SocketAddr, datagram: &[u8], answer: &[u8]) {
        match (Datagram::read(datagram), Datagram::read(answer)) {
            (Some(Datagram::Hello { nonce: asked, .. }), Some(Datagram::Retry { nonce, cookie })) => {
                assert_eq!(asked, nonce);
                self.cookies.push(((from, nonce), cookie, self.now));
            }
            (Some(Datagram::Hello { nonce, .. }), Some(Datagram::Welcome { session, .. })) => {
                let (_, client, welcome) = &self.sessions[&session];
                assert_eq!((client, &welcome[..]), (&(from, nonce), answer));
            }
            (Some(Datagram::Hello { nonce: asked, .. }), Some(Datagram::Refused { nonce, reason })) => {
                assert_eq!(asked, nonce);
                assert!(reason == Refusal::Version || self.stopped);
            }
            (Some(Datagram::Packet { session: asked, .. }), Some(Datagram::Reset { session })) => {
                assert_eq!(asked, session);
                assert!(!self.sessions.contains_key(&session));
                self.resets += 1;
                let time = self.now - self.start;
                assert!(
                    u128::from(self.resets) <= 1000 + time.as_millis(),
                    "{} resets",
                    self.resets
                );
            }
            other => panic!("{other:?}"),
        }
    }

    fn decide(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        admission: Admission,
        answer: &mut Vec<u8>,
        script: &mut Script<'_>,
    ) {
        let Some(Datagram::Hello { nonce, cookie, .. }) = Datagram::read(datagram) else {
            panic!("{datagram:?} opened a session")
        };
        let client = (from, nonce);
        let proved = self
            .cookies
            .iter()
            .any(|(to, sent, at)| (to, sent) == (&client, &cookie) && self.now - *at < Duration::from_secs(11));
        assert!(proved && !self.stopped, "let in without a cookie");
        assert!(!self.by_client.contains_key(&client), "let in twice");
        if script.below(4) == 0 {
            self.door.refuse(admission, Refusal::Full, answer);
            return;
        }
        let next = self.door.next_id();
        let id = self.door.open(admission, self.opened, 1 << 16, answer);
        assert_eq!(id, next);
        let known = self.sessions.insert(id, (self.opened, client, answer.clone()));
        assert_eq!(known, None, "an id that is in use");
        self.by_client.insert(client, id);
        self.opened += 1;
    }

    /// An honest client, whose datagrams may get lost, damaged or repeated.
    fn visit(&mut self, script: &mut Script<'_>) {
        let from = from(script);
        let nonce = script.below(3) as u64;
        let mut opening = SessionOpening::new(nonce, 1 << 16, self.now);
        let mut hello = Vec::new();
        for _ in 0..script.below(16) {
            self.now = self.now.max(opening.poll_timeout());
            assert!(opening.poll_transmit(&mut hello, self.now));
            assert!(opening.poll_timeout() > self.now, "a timeout that fires for ever");
            for _ in 0..script.below(3) {
                let mut answer = self.handle(from, &hello, script);
                if script.below(8) == 0
                    && let Some(byte) = answer.get_mut(script.below(64))
                {
                    *byte ^= 1 << script.below(8);
                }
                match opening.handle_datagram(&answer, self.now) {
                    Some(Ok(OpenedSession { session, .. })) => {
                        assert_eq!(self.by_client.get(&(from, nonce)), Some(&session));
                        return;
                    }
                    Some(Err(_)) => return,
                    None => {}
                }
            }
        }
    }
}

fn from(script: &mut Script<'_>) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], script.below(3) as u16))
}
