//! How the peers of a server share what it has for all of them, so that the peers at one address never take all of it.

use std::{
    collections::HashMap,
    sync::{
        Arc, MutexGuard, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Limits,
    sync::Mutex,
    transport::{Address, Origin},
};

/// One address may hold this many times what it leaves free: three quarters of the whole if it is alone.
const TIMES_FREE: usize = 3;
/// How long further limits that peers at one address reach are not reported to the operator.
const PAUSE: Duration = Duration::from_secs(10);

/// Something of which a server has a fixed amount for all its peers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Quantity {
    /// Connections, also those that are being opened.
    Connections,
    /// Handlers that run.
    Calls,
    /// Bytes of answers that wait for their peer to read.
    Unread,
}

const QUANTITIES: usize = 3;

/// What all peers of one server, or of one channel, take.
#[derive(Debug)]
pub(crate) struct Shares {
    limits: [usize; QUANTITIES],
    taken: [AtomicUsize; QUANTITIES],
    /// The bytes of answers that one connection may leave unread.
    max_unread: usize,
    /// The shares of addresses, as long as a peer of the address is connected.
    by_origin: Mutex<HashMap<Origin, Weak<Share>>>,
}

/// What the peers at one address take. A peer whose transport knows no addresses has one for each connection.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Shares>,
    origin: Option<Origin>,
    taken: [AtomicUsize; QUANTITIES],
    /// When an operator was told last that there was nothing to take.
    told: Mutex<Option<Instant>>,
}

/// Why there is nothing to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareRefusal {
    /// All peers together have what there is.
    Full { limit: usize },
    /// The address has its share, and the rest is kept for others.
    Share { own: usize, limit: usize },
}

impl Shares {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limits: [
                limits.max_connections,
                limits.max_server_calls,
                limits.max_server_unread,
            ],
            taken: Default::default(),
            max_unread: limits.max_unread,
            by_origin: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, Weak<Share>>> {
        self.by_origin.lock()
    }

    /// The share of the peers at this address.
    pub(crate) fn share(self: &Arc<Self>, peer: &Address) -> Arc<Share> {
        let origin = peer.origin();
        let fresh = || {
            Arc::new(Share {
                of: Arc::clone(self),
                origin,
                taken: Default::default(),
                told: Mutex::default(),
            })
        };
        let Some(origin) = origin else { return fresh() };
        let mut shares = self.lock();
        if let Some(share) = shares.get(&origin).and_then(Weak::upgrade) {
            return share;
        }
        let share = fresh();
        shares.insert(origin, Arc::downgrade(&share));
        share
    }

    /// How much all peers have taken.
    pub(crate) fn taken(&self, quantity: Quantity) -> usize {
        self.taken[quantity as usize].load(Ordering::Relaxed)
    }
}

impl Share {
    /// The bytes of answers that one connection may leave unread.
    pub(crate) fn max_unread(&self) -> usize {
        self.of.max_unread
    }

    /// Whether to report to the operator that there is nothing to take: only now and then, so that a peer that stays at
    /// a limit does not fill the log.
    pub(crate) fn tells(&self) -> bool {
        let (mut told, now) = (self.told.lock(), Instant::now());
        let tells = told.is_none_or(|at| now.saturating_duration_since(at) >= PAUSE);
        if tells {
            *told = Some(now);
        }
        tells
    }

    /// Takes an amount, to be [given back](Self::give).
    ///
    /// # Errors
    /// Nothing was taken. The sum of all that is taken never exceeds the limit; near it, two requests at the same time
    /// may both be refused.
    pub(crate) fn take(&self, quantity: Quantity, amount: usize) -> Result<(), ShareRefusal> {
        let index = quantity as usize;
        let limit = self.of.limits[index];
        let free = limit.saturating_sub(self.of.taken[index].fetch_add(amount, Ordering::Relaxed));
        let own = self.taken[index].fetch_add(amount, Ordering::Relaxed);
        let refused = if amount > free {
            ShareRefusal::Full { limit }
        } else if own.saturating_add(amount) > free.saturating_mul(TIMES_FREE) {
            ShareRefusal::Share { own, limit }
        } else {
            return Ok(());
        };
        self.give(quantity, amount);
        Err(refused)
    }

    /// Whether it gets the last one that is free.
    pub(crate) fn is_small(&self, quantity: Quantity) -> bool {
        self.taken[quantity as usize].load(Ordering::Relaxed) < TIMES_FREE
    }

    /// Gives back what was taken.
    pub(crate) fn give(&self, quantity: Quantity, amount: usize) {
        let index = quantity as usize;
        self.taken[index].fetch_sub(amount, Ordering::Relaxed);
        self.of.taken[index].fetch_sub(amount, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(origin) = self.origin else { return };
        let mut shares = self.of.lock();
        // A peer that came since may have another share at this address.
        if shares.get(&origin).is_some_and(|share| share.strong_count() == 0) {
            shares.remove(&origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Quantity, ShareRefusal, Shares};
    use crate::{Address, Limits};

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    /// How many calls a peer at the address gets at the most.
    fn most(shares: &Arc<Shares>, peer: &str) -> (usize, ShareRefusal) {
        let share = shares.share(&address(peer));
        let mut taken = 0;
        loop {
            match share.take(Quantity::Calls, 1) {
                Ok(()) => taken += 1,
                Err(refused) => {
                    std::mem::forget(share);
                    return (taken, refused);
                }
            }
        }
    }

    #[test]
    fn an_address_leaves_something_for_the_next() {
        let shares = Shares::new(&Limits::default().max_server_calls(16_384));
        let taken: Vec<_> = (1..=6)
            .map(|host| most(&shares, &format!("tcp://192.0.2.{host}:1")).0)
            .collect();
        assert_eq!(taken, [12_288, 3072, 768, 192, 48, 12]);
        // Another port, another transport, another way to write it: the same address.
        let (taken, refused) = most(&shares, "udp://[::ffff:192.0.2.1]:2");
        assert_eq!(
            (taken, refused),
            (
                0,
                ShareRefusal::Share {
                    own: 12_288,
                    limit: 16_384
                }
            )
        );
    }

    #[test]
    fn a_small_limit_is_not_cut_up() {
        for limit in 1..=3 {
            let shares = Shares::new(&Limits::default().max_server_calls(limit));
            assert_eq!(
                most(&shares, "tcp://192.0.2.1:1"),
                (limit, ShareRefusal::Full { limit })
            );
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let shares = Shares::new(&Limits::default().max_server_calls(8));
        assert_eq!(most(&shares, "tcp://[2001:db8::1]:1").0, 6);
        assert_eq!(most(&shares, "tcp://[2001:db8::ffff:2]:1").0, 0);
        assert_eq!(most(&shares, "tcp://[2001:db8:0:1::1]:1").0, 2);
    }

    #[test]
    fn what_was_given_back_is_taken_again_and_nothing_stays_of_who_left() {
        let shares = Shares::new(&Limits::default().max_server_calls(1));
        for _ in 0..3 {
            let share = shares.share(&address("tcp://192.0.2.1:1"));
            assert_eq!(share.take(Quantity::Calls, 1), Ok(()));
            assert_eq!(share.take(Quantity::Calls, 1), Err(ShareRefusal::Full { limit: 1 }));
            share.give(Quantity::Calls, 1);
        }
        assert_eq!(shares.taken(Quantity::Calls), 0);
        assert!(shares.lock().is_empty());
    }
}
