use std::time::{Duration, Instant};

use super::bytes;
use crate::proto::datagram::{
    opening::{OpenedSession, SessionOpening},
    packet::{COOKIE, Cookie, Datagram, HELLO, Refusal, VERSION},
};

const NONCE: u64 = 9;
const NONE: Cookie = [0; COOKIE];
const FIRST: Cookie = [1; COOKIE];
const SECOND: Cookie = [2; COOKIE];
const MS: Duration = Duration::from_millis(1);

/// A client on a clock of its own.
struct OpeningClient {
    opening: SessionOpening,
    now: Instant,
}

impl OpeningClient {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            opening: SessionOpening::new(NONCE, 77, now),
            now,
        }
    }

    /// The cookie of the hello that is due now.
    fn hello(&mut self) -> Option<Cookie> {
        // What was in it must not go out.
        let mut out = vec![0xff; 5];
        if !self.opening.poll_transmit(&mut out, self.now) {
            return None;
        }
        assert_eq!(out.len(), HELLO);
        match Datagram::read(&out) {
            Some(Datagram::Hello {
                version: VERSION,
                nonce: NONCE,
                window: 77,
                cookie,
            }) => Some(cookie),
            other => panic!("{other:?} instead of a hello"),
        }
    }

    /// Lets time pass to the next hello; says how much.
    fn wait(&mut self) -> Duration {
        let due = self.opening.poll_timeout();
        let waited = due - self.now;
        self.now = due;
        waited
    }

    fn handle(&mut self, datagram: Datagram<'_>) -> Option<Result<OpenedSession, Refusal>> {
        self.opening.handle_datagram(&bytes(datagram), self.now)
    }

    fn retry(&mut self, cookie: Cookie) {
        assert_eq!(self.handle(Datagram::Retry { nonce: NONCE, cookie }), None);
    }

    fn welcome(&mut self) -> OpenedSession {
        let welcome = Datagram::Welcome {
            nonce: NONCE,
            session: 4,
            window: 5000,
        };
        self.handle(welcome).expect("an answer").expect("a session")
    }
}

#[test]
fn a_cookie_goes_back_at_once_and_the_welcome_gives_a_sample() {
    let mut client = OpeningClient::new();
    assert_eq!(client.hello(), Some(NONE));
    assert_eq!(client.hello(), None, "not before its time");
    client.now += 20 * MS;
    client.retry(FIRST);
    assert_eq!(client.wait(), Duration::ZERO);
    assert_eq!(client.hello(), Some(FIRST));
    assert_eq!(client.hello(), None);
    client.now += 30 * MS;
    let opened = OpenedSession {
        session: 4,
        window: 5000,
        rtt: Some(30 * MS),
    };
    assert_eq!(client.welcome(), opened);
}

#[test]
fn hellos_repeat_less_and_less_often() {
    for nonce in 0..200 {
        let mut client = OpeningClient::new();
        client.opening = SessionOpening::new(nonce, 77, client.now);
        for expected in [0, 250, 500, 1000, 1000, 1000] {
            let waited = client.wait();
            assert!(
                (expected * MS * 3 / 4..=expected * MS * 5 / 4).contains(&waited),
                "{waited:?} instead of {expected} ms"
            );
            assert!(client.opening.poll_transmit(&mut Vec::new(), client.now));
        }
    }
}

#[test]
fn clients_that_began_together_repeat_apart() {
    let waits = |nonce| {
        let mut client = OpeningClient::new();
        client.opening = SessionOpening::new(nonce, 77, client.now);
        client.opening.poll_transmit(&mut Vec::new(), client.now);
        client.wait()
    };
    assert_ne!(waits(1), waits(2));
    assert_eq!(waits(1), waits(1));
}

#[test]
fn a_hello_with_a_cookie_that_was_sent_twice_gives_no_sample() {
    let mut client = OpeningClient::new();
    client.hello();
    client.retry(FIRST);
    client.hello();
    client.wait();
    assert_eq!(client.hello(), Some(FIRST), "it is repeated as it is");
    assert_eq!(client.welcome().rtt, None);
}

#[test]
fn another_cookie_replaces_the_first_and_waits_for_the_next_hello() {
    let mut client = OpeningClient::new();
    client.hello();
    client.retry(FIRST);
    client.hello();
    client.retry(SECOND);
    assert_eq!(client.hello(), None, "no loop without a pause");
    assert!(client.wait() >= 100 * MS);
    assert_eq!(client.hello(), Some(SECOND));
    assert_eq!(client.welcome().rtt, None, "it may answer the first one");
}

#[test]
fn a_cookie_of_zeros_is_none() {
    let mut client = OpeningClient::new();
    client.hello();
    client.retry(NONE);
    assert_eq!(client.hello(), None);
    client.retry(FIRST);
    assert_eq!(client.hello(), Some(FIRST));
}

#[test]
fn a_refusal_ends_the_opening_at_any_point() {
    for (cookie, reason) in [(NONE, Refusal::Version), (FIRST, Refusal::Full)] {
        let mut client = OpeningClient::new();
        client.hello();
        client.retry(cookie);
        let refused = Datagram::Refused { nonce: NONCE, reason };
        assert_eq!(client.handle(refused), Some(Err(reason)));
    }
}

#[test]
fn only_answers_to_this_opening_count() {
    let mut client = OpeningClient::new();
    client.hello();
    let (nonce, session, window) = (NONCE + 1, 4, 5000);
    for other in [
        Datagram::Retry { nonce, cookie: FIRST },
        Datagram::Welcome { nonce, session, window },
        Datagram::Refused {
            nonce,
            reason: Refusal::Full,
        },
        Datagram::Hello {
            version: VERSION,
            nonce: NONCE,
            window,
            cookie: FIRST,
        },
        Datagram::Reset { session },
        Datagram::Packet {
            session,
            number: 0,
            chunks: &[],
        },
    ] {
        assert_eq!(client.handle(other), None, "{other:?}");
        assert_eq!(client.hello(), None, "{other:?}");
    }
    for garbage in [&b""[..], b"\x03", b"\x03what is this?"] {
        assert_eq!(client.opening.handle_datagram(garbage, client.now), None);
    }
}
