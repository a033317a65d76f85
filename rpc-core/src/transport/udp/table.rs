//! The sessions of a listening socket, and the places of their streams.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, MutexGuard},
    task::Waker,
    time::Instant,
};

use super::inbox::Inbox;
use crate::{proto::datagram::Endpoint, sync::Mutex};

/// The sessions of a listening socket. Shared with the streams, which leave it when they are dropped.
pub(super) struct SessionTable(Mutex<Option<Endpoint<SessionRoute>>>);

/// The way to a session. A session that is not routed to any more reads the end.
pub(super) struct SessionRoute(Arc<Inbox>);

/// A stream's place in the table; given back when it is dropped.
pub(super) struct SessionPlace {
    id: u64,
    table: Arc<SessionTable>,
    pub(super) inbox: Arc<Inbox>,
}

impl SessionTable {
    pub(super) fn new(seed: [u8; 32], now: Instant) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Endpoint::new(seed, now)))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Endpoint<SessionRoute>>> {
        self.0.lock()
    }

    /// Takes no new sessions.
    pub(super) fn stop(&self) {
        if let Some(endpoint) = &mut *self.lock() {
            endpoint.stop();
        }
    }

    /// Cuts all sessions.
    pub(super) fn close(&self) {
        let endpoint = self.lock().take();
        // Outside the lock: streams are woken, and may leave.
        drop(endpoint);
    }
}

impl SessionRoute {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self(inbox)
    }

    pub(super) fn push(&self, from: SocketAddr, to: Option<IpAddr>, bytes: &[u8], stride: usize) -> Option<Waker> {
        self.0.push(from, to, bytes, stride)
    }
}

impl Drop for SessionRoute {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl SessionPlace {
    pub(super) fn new(id: u64, table: Arc<SessionTable>, inbox: Arc<Inbox>) -> Self {
        Self { id, table, inbox }
    }
}

impl Drop for SessionPlace {
    fn drop(&mut self) {
        let route = self.table.lock().as_mut().and_then(|endpoint| endpoint.close(self.id));
        drop(route);
    }
}
