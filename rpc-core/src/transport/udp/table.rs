//! The sessions of a listening socket, and the places of their streams.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, RwLockWriteGuard},
    task::Waker,
    time::Instant,
};

use super::{inbox::Inbox, socket::ReceivedRun};
use crate::{proto::datagram::Endpoint, sync::RwLock};

/// The sessions at an address. Shared by the sockets that listen there, so that a datagram finds its session whichever
/// of them it comes to, and with the streams, which leave it when they are dropped.
pub(super) struct SessionTable(RwLock<Option<Endpoint<SessionRoute>>>);

/// The listeners of a table. When the last one is dropped, all sessions are cut.
pub(super) struct ListeningTable(Arc<SessionTable>);

/// The way to a session. A session that is not routed to any more reads the end.
pub(super) struct SessionRoute(Arc<Inbox>);

/// A stream's place in the table; given back when it is dropped.
pub(super) struct SessionPlace {
    id: u64,
    table: Arc<SessionTable>,
    pub(super) inbox: Arc<Inbox>,
}

impl SessionTable {
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Option<Endpoint<SessionRoute>>> {
        self.0.write()
    }

    /// Hands on the datagrams `alike` of `run`, of which `first` is the first, and adds the waker to call. Returns
    /// whether their session is known. Sockets do not wait for each other here.
    pub(super) fn hand_on(&self, run: &ReceivedRun<'_>, first: &[u8], alike: &[u8], wakers: &mut Vec<Waker>) -> bool {
        let endpoint = self.0.read();
        let Some(route) = endpoint.as_ref().and_then(|endpoint| endpoint.session(first)) else {
            return false;
        };
        wakers.extend(route.push(run.from, run.to, alike, run.stride));
        true
    }

    /// Takes no new sessions.
    pub(super) fn stop(&self) {
        if let Some(endpoint) = &mut *self.write() {
            endpoint.stop();
        }
    }
}

impl ListeningTable {
    pub(super) fn new(seed: [u8; 32], now: Instant) -> Arc<Self> {
        let table = SessionTable(RwLock::new(Some(Endpoint::new(seed, now))));
        Arc::new(Self(Arc::new(table)))
    }

    pub(super) fn sessions(&self) -> &Arc<SessionTable> {
        &self.0
    }
}

impl Drop for ListeningTable {
    fn drop(&mut self) {
        let endpoint = self.0.write().take();
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
        let route = self.table.write().as_mut().and_then(|endpoint| endpoint.close(self.id));
        drop(route);
    }
}
