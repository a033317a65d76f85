//! The server's door: opening sessions, and finding the session of a datagram.

use core::net::SocketAddr;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    cookie::{Cookies, Secret},
    packet::{Cookie, Datagram, Refusal, VERSION},
};

/// How many resets may leave at once, and in a second: enough for a restarted server to tell its clients, and little
/// for an attacker who forges addresses.
const RESETS: u32 = 1000;

/// A client that has proved its address and waits for its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admission {
    pub(crate) peer: SocketAddr,
    nonce: u64,
    /// The client's window.
    pub(crate) window: u32,
}

/// What a datagram is.
#[derive(Debug)]
pub(crate) enum Routed<'a, T> {
    /// Nothing to do: garbage is ignored.
    Nothing,
    /// `answer` holds what goes back to where the datagram came from.
    Answer,
    /// It belongs to this session, which judges itself whether it may come from that address.
    Session(&'a T),
    /// A new client: [`Endpoint::open`] or [`Endpoint::refuse`], before the next datagram: it may be the same hello
    /// once more.
    Open(Admission),
}

/// The door of one socket. With a `T` the caller finds a session again.
///
/// No answer is longer than the datagram that asked for it, and nothing is remembered of a client before it has proved
/// its address. So an attacker that forges addresses cannot flood a third party, and costs no memory.
#[derive(Debug)]
pub(crate) struct Endpoint<T> {
    cookies: Cookies,
    ids: Ids,
    sessions: HashMap<u64, Known<T>>,
    /// The sessions by the address and nonce of their hellos. The hasher has random keys, because peers choose nonces.
    by_hello: HashMap<(SocketAddr, u64), u64>,
    resets: Bucket,
    stopped: bool,
}

#[derive(Debug)]
struct Known<T> {
    session: T,
    /// What the hello came with.
    peer: SocketAddr,
    nonce: u64,
    /// What the welcome says.
    window: u32,
}

impl<T> Endpoint<T> {
    /// A door whose cookies and session ids follow from `seed`, which must stay secret.
    pub(crate) fn new(seed: [u8; 32], now: Instant) -> Self {
        let key = |from: usize| std::array::from_fn(|index| seed[from + index]);
        Self {
            cookies: Cookies::new(key(0), now),
            ids: Ids::new(key(16)),
            sessions: HashMap::new(),
            by_hello: HashMap::new(),
            resets: Bucket { full: now },
            stopped: false,
        }
    }

    /// The session of a datagram. The session checks what is for it, so nothing is checked twice.
    pub(crate) fn session(&self, datagram: &[u8]) -> Option<&T> {
        find(&self.sessions, datagram)
    }

    /// Handles a datagram; `answer` is cleared, and filled if something must be sent back.
    pub(crate) fn handle_datagram(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        answer: &mut Vec<u8>,
        now: Instant,
    ) -> Routed<'_, T> {
        answer.clear();
        // By the field and not by `self`, which is changed below.
        if let Some(session) = find(&self.sessions, datagram) {
            return Routed::Session(session);
        }
        let routed = match Datagram::read(datagram) {
            Some(Datagram::Hello { version, nonce, .. }) if version != VERSION => {
                put_refusal(nonce, Refusal::Version, answer);
                Routed::Answer
            }
            Some(Datagram::Hello {
                nonce, window, cookie, ..
            }) => {
                let client = Admission {
                    peer: from,
                    nonce,
                    window,
                };
                self.handle_hello(client, &cookie, answer, now)
            }
            Some(Datagram::Packet { session, .. }) if self.resets.take(now) => {
                Datagram::Reset { session }.put(answer);
                Routed::Answer
            }
            // A kind that only servers send, or an unknown one.
            Some(_) | None => Routed::Nothing,
        };
        debug_assert!(answer.len() <= datagram.len(), "an answer that amplifies");
        routed
    }

    fn handle_hello(&self, client: Admission, cookie: &Cookie, answer: &mut Vec<u8>, now: Instant) -> Routed<'_, T> {
        let Admission { peer, nonce, .. } = client;
        let proved = self.cookies.check(cookie, peer, nonce, now);
        match self.by_hello.get(&(peer, nonce)) {
            // The welcome was lost, or the hello came twice.
            Some(&session) => self.put_welcome(session, answer),
            None if self.stopped && proved => put_refusal(nonce, Refusal::Full, answer),
            None if proved => return Routed::Open(client),
            None => {
                let cookie = self.cookies.issue(peer, nonce, now);
                Datagram::Retry { nonce, cookie }.put(answer);
            }
        }
        Routed::Answer
    }

    /// The id that [`open`](Self::open) will give next.
    pub(crate) fn next_id(&self) -> u64 {
        self.ids.next
    }

    /// Opens a client's session: returns its id, and puts the welcome into `answer`.
    pub(crate) fn open(&mut self, admission: Admission, session: T, window: u32, answer: &mut Vec<u8>) -> u64 {
        let Admission { peer, nonce, .. } = admission;
        let id = self.ids.take(|id| self.sessions.contains_key(&id));
        let known = Known {
            session,
            peer,
            nonce,
            window,
        };
        self.sessions.insert(id, known);
        self.by_hello.insert((peer, nonce), id);
        answer.clear();
        self.put_welcome(id, answer);
        id
    }

    /// Refuses a client.
    #[expect(clippy::unused_self, reason = "an answer of this door")]
    pub(crate) fn refuse(&self, admission: Admission, reason: Refusal, answer: &mut Vec<u8>) {
        answer.clear();
        put_refusal(admission.nonce, reason, answer);
    }

    /// Opens no sessions from now on; open ones go on. A client that has proved its address is told that there is no
    /// room, so that it tries another server at once.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// A session is over.
    pub(crate) fn close(&mut self, id: u64) -> Option<T> {
        let known = self.sessions.remove(&id)?;
        self.by_hello.remove(&(known.peer, known.nonce));
        Some(known.session)
    }

    fn put_welcome(&self, id: u64, answer: &mut Vec<u8>) {
        if let Some(&Known { nonce, window, .. }) = self.sessions.get(&id) {
            Datagram::Welcome {
                nonce,
                session: id,
                window,
            }
            .put(answer);
        }
    }
}

fn find<'a, T>(sessions: &'a HashMap<u64, Known<T>>, datagram: &[u8]) -> Option<&'a T> {
    let session = Datagram::peek_session(datagram)?;
    sessions.get(&session).map(|known| &known.session)
}

fn put_refusal(nonce: u64, reason: Refusal, answer: &mut Vec<u8>) {
    Datagram::Refused { nonce, reason }.put(answer);
}

/// Session ids that cannot be guessed: a secret function of a counter.
#[derive(Debug)]
struct Ids {
    secret: Secret,
    counter: u64,
    next: u64,
}

impl Ids {
    fn new(key: [u8; 16]) -> Self {
        let mut ids = Self {
            secret: Secret::new(key),
            counter: 0,
            next: 0,
        };
        ids.advance(|_| false);
        ids
    }

    /// Gives the next id.
    fn take(&mut self, in_use: impl Fn(u64) -> bool) -> u64 {
        let id = self.next;
        self.advance(|next| next == id || in_use(next));
        id
    }

    /// 0 is not a session. An id that is in use would give one client the session of another; that is as rare as a
    /// lucky guess.
    fn advance(&mut self, in_use: impl Fn(u64) -> bool) {
        loop {
            self.next = self.secret.hash(&self.counter.to_le_bytes()).h1;
            self.counter = self.counter.wrapping_add(1);
            if self.next != 0 && !in_use(self.next) {
                return;
            }
        }
    }
}

/// A token bucket of [`RESETS`] that fills within a second.
#[derive(Debug)]
struct Bucket {
    /// When it is full again.
    full: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        const FILL: Duration = Duration::from_secs(1);
        let full = self.full.max(now) + FILL / RESETS;
        let taken = full.saturating_duration_since(now) <= FILL;
        if taken {
            self.full = full;
        }
        taken
    }
}
