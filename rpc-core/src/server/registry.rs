//! The connections of a server, and waiting for them to end.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, MutexGuard, OnceLock},
};

use slab::Slab;
use tokio::{sync::Notify, task::AbortHandle};

use super::shard::ShardPlace;
use crate::{
    Address, Error,
    driver::{Link, Quantity, Share, ShareRefusal},
    sync::Mutex,
};

/// How many peers without a place are told so at the same time; further connections are closed without a message.
const TURNED_AWAY: usize = 64;
/// How many of the connections that are being opened are searched for one to close.
const LOOKED_AT: usize = 64;

/// The connections of a server. Its lock is held for a few instructions only.
#[derive(Default)]
pub(super) struct ConnectionTable {
    state: Mutex<TableState>,
    emptied: Notify,
}

#[derive(Default)]
struct TableState {
    connections: Slab<Arc<TableEntry>>,
    /// Those whose peers have not finished their part of the handshake, in the order in which they came.
    opening: BTreeMap<u64, Arc<TableEntry>>,
    /// How many have come.
    came: u64,
    turned_away: usize,
    draining: bool,
    cut: bool,
}

struct TableEntry {
    peer: Address,
    order: u64,
    /// `None` for a peer that is refused, and once the connection was closed in favour of another one.
    seat: Mutex<Option<Seat>>,
    /// While the connection is being opened.
    opening: Mutex<Option<Seat>>,
    turned_away: bool,
    task: OnceLock<AbortHandle>,
    link: OnceLock<Arc<Link>>,
}

/// One of the connections, or of the handshakes, that a server may have; given back when it is dropped.
struct Seat {
    share: Arc<Share>,
    quantity: Quantity,
}

/// Why there is no place.
pub(super) enum NoPlace {
    Draining,
    ShareRefusal(Quantity, ShareRefusal),
}

/// A connection's place; given back when it is dropped.
pub(super) struct ConnectionPlace {
    registry: Arc<ConnectionTable>,
    key: usize,
    entry: Arc<TableEntry>,
    /// Once its task runs.
    shard: Option<ShardPlace>,
}

impl ConnectionTable {
    fn lock(&self) -> MutexGuard<'_, TableState> {
        self.state.lock()
    }

    /// A place for one more connection with `peer`, and the peer whose connection was closed for it: if there is no
    /// room, that is the oldest of those still being opened. An honest peer needs a round trip to open one; a peer that
    /// only takes places soon has the oldest.
    pub(super) fn enter(
        self: &Arc<Self>,
        peer: &Address,
        share: &Arc<Share>,
    ) -> Result<(ConnectionPlace, Option<(Address, Quantity)>), NoPlace> {
        let mut state = self.lock();
        if state.draining {
            return Err(NoPlace::Draining);
        }
        let (mut seats, mut gave_way) = (Seat::both(share), None);
        if let Err((quantity, why)) = seats
            && let Some(oldest) = state.gives_way(share, quantity, why)
        {
            drop(oldest.stand_up());
            gave_way = Some((oldest, quantity));
            seats = Seat::both(share);
        }
        let place = seats.map(|seats| self.place(&mut state, peer, Some(seats)));
        drop(state);
        let gave_way = gave_way.map(|(oldest, quantity)| {
            oldest.abort();
            (oldest.peer.clone(), quantity)
        });
        let no_place = |(quantity, why)| NoPlace::ShareRefusal(quantity, why);
        Ok((place.map_err(no_place)?, gave_way))
    }

    /// A place for a peer while it is told that there is no room.
    pub(super) fn enter_to_leave(self: &Arc<Self>, peer: &Address) -> Option<ConnectionPlace> {
        let mut state = self.lock();
        if state.draining || state.turned_away >= TURNED_AWAY {
            return None;
        }
        state.turned_away += 1;
        Some(self.place(&mut state, peer, None))
    }

    fn place(self: &Arc<Self>, state: &mut TableState, peer: &Address, seats: Option<[Seat; 2]>) -> ConnectionPlace {
        state.came += 1;
        let (seat, opening) = seats.map_or((None, None), |[seat, opening]| (Some(seat), Some(opening)));
        let entry = Arc::new(TableEntry {
            peer: peer.clone(),
            order: state.came,
            turned_away: seat.is_none(),
            seat: Mutex::new(seat),
            opening: Mutex::new(opening),
            task: OnceLock::new(),
            link: OnceLock::new(),
        });
        if !entry.turned_away {
            state.opening.insert(entry.order, Arc::clone(&entry));
        }
        ConnectionPlace {
            registry: Arc::clone(self),
            key: state.connections.insert(Arc::clone(&entry)),
            entry,
            shard: None,
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// Takes no more connections and tells every peer.
    pub(super) fn drain(&self) {
        let mut state = self.lock();
        state.draining = true;
        let entries: Vec<_> = state.connections.iter().map(|(_, entry)| Arc::clone(entry)).collect();
        drop(state);
        for entry in entries {
            match entry.link.get() {
                Some(link) => link.go_away(),
                // A peer that has not finished the handshake has no call to lose.
                None => entry.abort(),
            }
        }
    }

    /// Cuts every connection, and tells its peer why.
    pub(super) fn abort(&self, why: &Error) {
        let mut state = self.lock();
        state.draining = true;
        state.cut = true;
        let entries: Vec<_> = state.connections.iter().map(|(_, entry)| Arc::clone(entry)).collect();
        drop(state);
        for entry in entries {
            match entry.link.get() {
                Some(link) => link.cut(why.clone()),
                None => entry.abort(),
            }
        }
    }

    /// Waits until there is no connection. Cancel safe.
    pub(super) async fn emptied(&self) {
        loop {
            // Prepared before the look, so that the last place given back in between is not missed.
            let emptied = self.emptied.notified();
            if self.lock().connections.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl TableState {
    /// The connection that is closed for a new one of this share: the oldest of the share that is being opened, or the
    /// oldest of all when all places are taken.
    fn gives_way(&mut self, share: &Arc<Share>, quantity: Quantity, why: ShareRefusal) -> Option<Arc<TableEntry>> {
        let mut oldest = self.opening.iter().take(LOOKED_AT);
        let own = oldest
            .find(|(_, entry)| entry.has_share(share))
            .map(|(&order, _)| order);
        let order = match why {
            ShareRefusal::Full { .. } if share.is_small(quantity) => {
                own.or_else(|| self.opening.keys().next().copied())?
            }
            // The new connection would not get the place of another share anyway.
            ShareRefusal::Share { .. } | ShareRefusal::Full { .. } => own?,
        };
        self.opening.remove(&order)
    }
}

impl Seat {
    fn take(share: &Arc<Share>, quantity: Quantity) -> Result<Self, (Quantity, ShareRefusal)> {
        share.take(quantity, 1).map_err(|why| (quantity, why))?;
        Ok(Self {
            share: Arc::clone(share),
            quantity,
        })
    }

    /// What a connection needs that is to be opened.
    fn both(share: &Arc<Share>) -> Result<[Self; 2], (Quantity, ShareRefusal)> {
        Ok([
            Self::take(share, Quantity::Connections)?,
            Self::take(share, Quantity::Handshakes)?,
        ])
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.share.give(self.quantity, 1);
    }
}

impl TableEntry {
    fn seat(&self) -> MutexGuard<'_, Option<Seat>> {
        self.seat.lock()
    }

    fn stand_up(&self) -> [Option<Seat>; 2] {
        [self.seat().take(), self.opening.lock().take()]
    }

    fn has_share(&self, share: &Arc<Share>) -> bool {
        self.seat().as_ref().is_some_and(|seat| Arc::ptr_eq(&seat.share, share))
    }

    fn gave_way(&self) -> bool {
        !self.turned_away && self.seat().is_none()
    }

    fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl ConnectionPlace {
    /// Spawns the task that carries the connection, on its shard. The place owns it: it goes into the task, and the
    /// registry can cut it.
    pub(super) fn spawn<F>(mut self, shard: ShardPlace, task: impl FnOnce(Self) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (registry, entry) = (Arc::clone(&self.registry), Arc::clone(&self.entry));
        let runtime = shard.runtime().clone();
        self.shard = Some(shard);
        let handle = runtime.spawn(task(self)).abort_handle();
        let _ = entry.task.set(handle);
        // Between the two lines above the server may have been cut, or the connection closed in favour of another one.
        if registry.lock().cut || entry.gave_way() {
            entry.abort();
        }
    }

    /// The peer's part of the handshake is done: the place is the peer's for good.
    pub(super) fn heard(&self) {
        self.registry.lock().opening.remove(&self.entry.order);
        drop(self.entry.opening.lock().take());
    }

    /// The connection counts with another share from now on.
    ///
    /// # Errors
    /// The share has no room for it.
    pub(super) fn moves_to(&self, share: &Arc<Share>) -> Result<(), ShareRefusal> {
        // It was closed in favour of another one if it has no seat.
        if let Some(seat) = &mut *self.entry.seat() {
            share.take_over(&seat.share, seat.quantity)?;
            seat.share = Arc::clone(share);
        }
        Ok(())
    }

    /// The handshake is done.
    pub(super) fn opened(&self, link: &Arc<Link>) {
        let _ = self.entry.link.set(Arc::clone(link));
        // The server may have been cut while the handshake ended.
        if self.registry.lock().cut {
            self.entry.abort();
        }
        if self.registry.is_draining() {
            link.go_away();
        }
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut state = self.registry.lock();
        state.connections.try_remove(self.key);
        state.opening.remove(&self.entry.order);
        state.turned_away -= usize::from(self.entry.turned_away);
        drop(self.entry.stand_up());
        let empty = state.connections.is_empty();
        drop(state);
        if empty {
            self.registry.emptied.notify_waiters();
        }
    }
}
