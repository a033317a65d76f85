use core::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::bytes;
use crate::proto::datagram::{
    endpoint::{Admission, Endpoint, Routed},
    packet::{COOKIE, Cookie, Datagram, HELLO, Refusal, VERSION, seal},
};

const SEED: [u8; 32] = [3; 32];
const NONE: Cookie = [0; COOKIE];
const WINDOW: u32 = 5000;

fn client() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5))
}

fn hello(nonce: u64, cookie: Cookie) -> Datagram<'static> {
    Datagram::Hello {
        version: VERSION,
        nonce,
        window: 77,
        cookie,
    }
}

fn packet(session: u64) -> Datagram<'static> {
    Datagram::Packet {
        session,
        number: 0,
        chunks: &[],
    }
}

/// An endpoint on a clock that stands still unless it is moved.
struct Door {
    endpoint: Endpoint<&'static str>,
    answer: Vec<u8>,
    now: Instant,
}

impl Door {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            endpoint: Endpoint::new(SEED, now),
            // What was in it must not go out.
            answer: vec![0xff; 5],
            now,
        }
    }

    fn handle(&mut self, from: SocketAddr, datagram: Datagram<'_>) -> Routed<'_, &'static str> {
        self.endpoint
            .handle_datagram(from, &bytes(datagram), &mut self.answer, self.now)
    }

    fn answer(&mut self, from: SocketAddr, datagram: Datagram<'_>) -> Datagram<'_> {
        let routed = self.handle(from, datagram);
        assert!(matches!(routed, Routed::Answer), "{routed:?}");
        Datagram::read(&self.answer).expect("a datagram")
    }

    fn cookie(&mut self, from: SocketAddr, nonce: u64) -> Cookie {
        match self.answer(from, hello(nonce, NONE)) {
            Datagram::Retry { nonce: echoed, cookie } if echoed == nonce => cookie,
            other => panic!("{other:?} where a cookie was due"),
        }
    }

    fn admission(&mut self, from: SocketAddr, nonce: u64) -> Admission {
        let cookie = self.cookie(from, nonce);
        match self.handle(from, hello(nonce, cookie)) {
            Routed::Open(admission) => admission,
            other => panic!("{other:?} where a client was to be let in"),
        }
    }

    fn open(&mut self, from: SocketAddr, nonce: u64, session: &'static str) -> u64 {
        let admission = self.admission(from, nonce);
        self.endpoint.open(admission, session, WINDOW, &mut self.answer)
    }
}

#[test]
fn a_client_that_proves_its_address_gets_a_session() {
    let mut door = Door::new();
    let admission = door.admission(client(), 9);
    assert_eq!((admission.peer, admission.window), (client(), 77));
    assert!(door.answer.is_empty(), "the caller decides");
    let next = door.endpoint.next_id();
    let id = door.endpoint.open(admission, "first", WINDOW, &mut door.answer);
    assert_eq!(id, next);
    let welcome = Datagram::Welcome {
        nonce: 9,
        session: id,
        window: WINDOW,
    };
    assert_eq!(Datagram::read(&door.answer), Some(welcome));
    // No matter where its packets come from.
    for from in [client(), SocketAddr::from(([10, 0, 0, 9], 1))] {
        assert!(matches!(door.handle(from, packet(id)), Routed::Session(&"first")));
        assert!(door.answer.is_empty());
    }
}

#[test]
fn a_client_that_is_turned_away_hears_why() {
    let mut door = Door::new();
    let admission = door.admission(client(), 9);
    door.endpoint.refuse(admission, Refusal::Full, &mut door.answer);
    let refused = Datagram::Refused {
        nonce: 9,
        reason: Refusal::Full,
    };
    assert_eq!(Datagram::read(&door.answer), Some(refused));
    // Nothing is remembered: it may come again.
    let cookie = door.cookie(client(), 9);
    assert!(matches!(door.handle(client(), hello(9, cookie)), Routed::Open(_)));
}

#[test]
fn a_repeated_hello_gets_the_same_welcome() {
    let mut door = Door::new();
    let id = door.open(client(), 9, "first");
    let welcome = door.answer.clone();
    for cookie in [NONE, [1; COOKIE]] {
        door.answer(client(), hello(9, cookie));
        assert_eq!(door.answer, welcome);
    }
    assert_ne!(door.open(client(), 10, "second"), id, "another nonce");
    let elsewhere = SocketAddr::from(([10, 0, 0, 2], 5));
    assert_ne!(door.open(elsewhere, 9, "third"), id, "another address");
}

#[test]
fn a_closed_session_is_unknown_and_its_client_starts_over() {
    let mut door = Door::new();
    let id = door.open(client(), 9, "first");
    assert_eq!(door.endpoint.close(id), Some("first"));
    assert_eq!(door.endpoint.close(id), None);
    assert_eq!(
        door.answer(client(), packet(id)),
        Datagram::Reset { session: id },
        "which it does not know"
    );
    assert_ne!(door.open(client(), 9, "second"), id);
}

#[test]
fn a_cookie_of_somebody_else_or_of_long_ago_is_answered_with_a_new_one() {
    let mut door = Door::new();
    let cookie = door.cookie(client(), 9);
    let elsewhere = SocketAddr::from(([10, 0, 0, 2], 5));
    for (from, nonce) in [(elsewhere, 9), (client(), 8)] {
        let answer = door.answer(from, hello(nonce, cookie));
        assert!(matches!(answer, Datagram::Retry { .. }), "{answer:?}");
    }
    door.now += Duration::from_secs(11);
    let Datagram::Retry { cookie: fresh, .. } = door.answer(client(), hello(9, cookie)) else {
        panic!("an old cookie was good")
    };
    assert!(matches!(door.handle(client(), hello(9, fresh)), Routed::Open(_)));
}

#[test]
fn another_version_is_refused() {
    let mut door = Door::new();
    let cookie = door.cookie(client(), 9);
    let other = Datagram::Hello {
        version: VERSION + 1,
        nonce: 9,
        window: 77,
        cookie,
    };
    let refused = Datagram::Refused {
        nonce: 9,
        reason: Refusal::Version,
    };
    assert_eq!(door.answer(client(), other), refused);
    let mut short = bytes(other);
    short.truncate(HELLO - 1);
    seal(&mut short);
    let routed = door
        .endpoint
        .handle_datagram(client(), &short, &mut door.answer, door.now);
    assert!(
        matches!(routed, Routed::Nothing),
        "a hello that is no longer than an answer"
    );
}

#[test]
fn a_stopped_door_keeps_its_sessions_and_opens_none() {
    let mut door = Door::new();
    let id = door.open(client(), 9, "first");
    let cookie = door.cookie(client(), 10);
    door.endpoint.stop();
    assert!(matches!(door.handle(client(), packet(id)), Routed::Session(&"first")));
    assert!(matches!(
        door.answer(client(), hello(9, NONE)),
        Datagram::Welcome { session, .. } if session == id
    ));
    let full = Datagram::Refused {
        nonce: 10,
        reason: Refusal::Full,
    };
    assert_eq!(door.answer(client(), hello(10, cookie)), full);
    assert!(matches!(door.answer(client(), hello(11, NONE)), Datagram::Retry { .. }));
}

#[test]
fn resets_are_limited() {
    let mut door = Door::new();
    let resets = |door: &mut Door| {
        (0..3000)
            .filter(|&id| matches!(door.handle(client(), packet(id)), Routed::Answer))
            .count()
    };
    assert_eq!(resets(&mut door), 1000);
    door.now += Duration::from_millis(10);
    assert_eq!(resets(&mut door), 10);
    door.now += Duration::from_secs(3600);
    assert_eq!(resets(&mut door), 1000, "an hour saves no more than a second does");
}

#[test]
fn ids_differ_and_depend_on_the_seed() {
    let ids = |seed| {
        let mut door = Door::new();
        door.endpoint = Endpoint::new(seed, door.now);
        (0..50).map(|nonce| door.open(client(), nonce, "")).collect::<Vec<_>>()
    };
    let first = ids(SEED);
    let mut distinct = first.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 50);
    assert!(!first.contains(&0));
    assert_eq!(ids(SEED), first);
    let mut seed = SEED;
    seed[31] ^= 1;
    assert!(ids(seed).iter().all(|id| !first.contains(id)));
}

/// Any bytes, with a kind and a checksum that are right in most of them.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0..64_usize, HELLO - 2..HELLO + 3];
    let body = length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    (body, 0..8_u8, 0..3_u8, any::<bool>()).prop_map(|(mut datagram, kind, version, sealed)| {
        if let (true, Some(first)) = (sealed, datagram.first_mut()) {
            *first = kind;
            if let Some(third) = datagram.get_mut(5) {
                *third = version;
            }
            seal(&mut datagram);
        }
        datagram
    })
}

proptest! {
    #[test]
    fn no_answer_is_longer_than_what_asked_for_it(
        datagrams in prop::collection::vec(anything(), 1..20),
        stopped: bool,
    ) {
        let mut door = Door::new();
        door.open(client(), 9, "first");
        if stopped {
            door.endpoint.stop();
        }
        for datagram in &datagrams {
            let answered = match door.endpoint.handle_datagram(client(), datagram, &mut door.answer, door.now) {
                Routed::Answer => true,
                Routed::Nothing => false,
                other => panic!("{other:?} from a guess"),
            };
            prop_assert_eq!(answered, !door.answer.is_empty());
            prop_assert!(door.answer.len() <= datagram.len());
            let kind = datagram.first().copied();
            prop_assert!(!answered || kind == Some(1) || kind == Some(6), "an answer to kind {:?}", kind);
        }
    }
}
