//! The client's way in: hello, cookie, hello with the cookie, welcome.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::packet::{COOKIE, Cookie, Datagram, Refusal, VERSION};

/// The cookie in a hello without one.
const NO_COOKIE: Cookie = [0; COOKIE];
/// When a hello is first sent again: longer than most round trips, and too short to be noticed.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between two hellos.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// A session that a server has opened for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenedSession {
    pub(crate) session: u64,
    /// The server's window.
    pub(crate) window: u32,
    /// The first sample of the round trip: only from a hello that was sent once.
    pub(crate) rtt: Option<Duration>,
}

/// The opening of a session, as the client. Hellos repeat after 250 ms, doubled each time to at most 1 s, each 25 %
/// more or less.
#[derive(Debug)]
pub(crate) struct SessionOpening {
    nonce: u64,
    window: u32,
    cookie: Cookie,
    due: Instant,
    wait: Duration,
    proof: Proof,
    /// Spreads the repetitions of clients that all began at once. It follows from the nonce: it must differ among
    /// clients, but need not be secret.
    rng: Rng,
}

/// The hellos with a cookie, of which a welcome answers one.
#[derive(Clone, Copy, Debug)]
enum Proof {
    Unsent,
    Once(Instant),
    /// It is unknown which of them a welcome answers.
    Repeated,
}

impl SessionOpening {
    pub(crate) fn new(nonce: u64, window: u32, now: Instant) -> Self {
        Self {
            nonce,
            window,
            cookie: NO_COOKIE,
            due: now,
            wait: FIRST_WAIT,
            proof: Proof::Unsent,
            rng: Rng::with_seed(nonce),
        }
    }

    /// A datagram from the server.
    pub(crate) fn handle_datagram(&mut self, datagram: &[u8], now: Instant) -> Option<Result<OpenedSession, Refusal>> {
        match Datagram::read(datagram)? {
            Datagram::Retry { nonce, cookie } if nonce == self.nonce => {
                self.handle_retry(cookie, now);
                None
            }
            Datagram::Welcome { nonce, session, window } if nonce == self.nonce => {
                let rtt = match self.proof {
                    Proof::Once(sent) => Some(now.saturating_duration_since(sent)),
                    Proof::Unsent | Proof::Repeated => None,
                };
                Some(Ok(OpenedSession { session, window, rtt }))
            }
            Datagram::Refused { nonce, reason } if nonce == self.nonce => Some(Err(reason)),
            // For an earlier opening, or from a host that cannot see this one.
            _ => None,
        }
    }

    /// The first cookie goes back at once. Another one, after the first grew too old, waits for the next repetition:
    /// two servers behind one address that do not take each other's cookies must not cause a loop without a pause.
    fn handle_retry(&mut self, cookie: Cookie, now: Instant) {
        if cookie == NO_COOKIE {
            return;
        }
        if self.cookie == NO_COOKIE {
            self.due = now;
        }
        self.cookie = cookie;
    }

    /// Fills `out` with a hello if one is due; says whether it did.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>, now: Instant) -> bool {
        if now < self.due {
            return false;
        }
        out.clear();
        Datagram::Hello {
            version: VERSION,
            nonce: self.nonce,
            window: self.window,
            cookie: self.cookie,
        }
        .put(out);
        if self.cookie != NO_COOKIE {
            self.proof = match self.proof {
                Proof::Unsent => Proof::Once(now),
                Proof::Once(_) | Proof::Repeated => Proof::Repeated,
            };
        }
        self.due = now + self.wait.mul_f64(0.75 + 0.5 * self.rng.f64());
        self.wait = LONGEST_WAIT.min(2 * self.wait);
        true
    }

    /// When the next hello is due.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.due
    }
}
