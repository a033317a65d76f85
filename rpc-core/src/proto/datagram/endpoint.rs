//! The server's door: who gets a session, and which session a datagram is for.

use core::net::SocketAddr;
use std::time::Instant;

use super::packet::Refusal;

/// A client that has proved its address and waits to be let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admission {
    pub(crate) peer: SocketAddr,
    nonce: u64,
    /// What the client takes unacknowledged.
    pub(crate) window: u32,
}

/// What a datagram is.
#[derive(Debug)]
pub(crate) enum Routed<'a, T> {
    /// Nothing to do: garbage is ignored.
    Nothing,
    /// `answer` holds what goes back to where the datagram came from.
    Answer,
    /// It belongs to this session.
    Session(&'a T),
    /// A new client: [`Endpoint::open`] or [`Endpoint::refuse`].
    Open(Admission),
}

/// The door of one socket. `T` is how the caller finds a session again.
#[derive(Debug)]
pub(crate) struct Endpoint<T> {
    _sessions: Vec<T>,
}

impl<T> Endpoint<T> {
    /// A door whose cookies and session ids follow from `seed`, which nobody else may know.
    pub(crate) fn new(seed: [u8; 32], now: Instant) -> Self {
        let _ = (seed, now);
        todo!("helper B")
    }

    /// Looks at a datagram; `answer` is cleared, and filled when something goes back.
    pub(crate) fn handle_datagram(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        answer: &mut Vec<u8>,
        now: Instant,
    ) -> Routed<'_, T> {
        let _ = (from, datagram, answer, now);
        todo!("helper B")
    }

    /// The id that [`open`](Self::open) will give next.
    pub(crate) fn next_id(&self) -> u64 {
        todo!("helper B")
    }

    /// Lets a client in: gives the session's id, and the welcome in `answer`.
    pub(crate) fn open(&mut self, admission: Admission, session: T, window: u32, answer: &mut Vec<u8>) -> u64 {
        let _ = (admission, session, window, answer);
        todo!("helper B")
    }

    /// Turns a client away.
    pub(crate) fn refuse(&self, admission: Admission, reason: Refusal, answer: &mut Vec<u8>) {
        let _ = (admission, reason, answer);
        todo!("helper B")
    }

    /// A session is over.
    pub(crate) fn close(&mut self, id: u64) -> Option<T> {
        let _ = id;
        todo!("helper B")
    }
}
