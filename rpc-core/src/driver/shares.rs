//! How the peers of a server share what it has for all of them, so that one of them never takes all of it: the peers
//! with one identity are one, and of the others those at one address.

use std::{
    collections::HashMap,
    sync::{
        Arc, MutexGuard, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::rates::{Meters, Rates, TooFast};
use crate::{
    Identity, Limits,
    clock::now,
    sync::Mutex,
    transport::{Address, Origin},
};

/// One owner may hold this many times what it leaves free: three quarters of the whole if it is alone.
const TIMES_FREE: usize = 3;
/// How many owners without a connection are remembered, for what they have used up of their rates.
const PARTED: usize = 16 << 10;
/// How long further limits that peers at one address reach are not reported to the operator.
const PAUSE: Duration = Duration::from_secs(10);

/// Something of which a server has a fixed amount for all its peers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Quantity {
    /// Connections, also those that are being opened.
    Connections,
    /// Connections that are being opened.
    Handshakes,
    /// Handlers that run.
    Calls,
    /// Bytes of answers that wait for their peer to read.
    Unread,
}

const QUANTITIES: usize = 4;

/// What all peers of one server, or of one channel, take.
#[derive(Debug)]
pub(crate) struct Shares {
    limits: [usize; QUANTITIES],
    taken: [AtomicUsize; QUANTITIES],
    /// The bytes of answers that one connection may leave unread.
    max_unread: usize,
    rates: Rates,
    owners: Mutex<Owners>,
}

/// Who has a share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    /// The first name of an identity.
    Identity(Box<str>),
    Address(Origin),
}

#[derive(Debug, Default)]
struct Owners {
    /// As long as a peer of the owner is connected.
    shares: HashMap<Owner, Weak<Share>>,
    /// What those that have left have used up of their rates, until they would have all of them again.
    parted: HashMap<Owner, Meters>,
}

/// What the peers of one owner take. A peer without an identity whose transport knows no addresses has one for each
/// connection.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Shares>,
    owner: Option<Owner>,
    meters: Mutex<Meters>,
    taken: [AtomicUsize; QUANTITIES],
    /// When an operator was told last that there was nothing to take.
    told: Mutex<Option<Instant>>,
}

/// Why there is nothing to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareRefusal {
    /// All peers together have what there is.
    Full { limit: usize },
    /// The owner has its share, and the rest is kept for others.
    Share {
        own: usize,
        limit: usize,
        /// The owner, in words.
        owner: &'static str,
    },
}

impl Shares {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limits: [
                limits.max_connections,
                limits.max_handshakes,
                limits.max_server_calls,
                limits.max_server_unread,
            ],
            taken: Default::default(),
            max_unread: limits.max_unread,
            rates: Rates::new(limits),
            owners: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock()
    }

    /// The share of the peers with this identity, or at this address if they have none.
    pub(crate) fn share(self: &Arc<Self>, peer: &Address, identity: Option<&Identity>) -> Arc<Share> {
        let name = identity.map(Identity::name).filter(|name| !name.is_empty());
        let owner = match name {
            Some(name) => Some(Owner::Identity(name.into())),
            None => peer.origin().map(Owner::Address),
        };
        let fresh = |meters| {
            Arc::new(Share {
                of: Arc::clone(self),
                owner: owner.clone(),
                meters: Mutex::new(meters),
                taken: Default::default(),
                told: Mutex::default(),
            })
        };
        let Some(owner) = &owner else {
            return fresh(Meters::default());
        };
        let mut owners = self.lock();
        if let Some(share) = owners.shares.get(owner).and_then(Weak::upgrade) {
            return share;
        }
        let share = fresh(owners.parted.remove(owner).unwrap_or_default());
        owners.shares.insert(owner.clone(), Arc::downgrade(&share));
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
            self.refusal(own, limit)
        } else {
            return Ok(());
        };
        self.give(quantity, amount);
        Err(refused)
    }

    fn refusal(&self, own: usize, limit: usize) -> ShareRefusal {
        let owner = match self.owner {
            Some(Owner::Identity(_)) => "of this identity",
            _ => "from this address",
        };
        ShareRefusal::Share { own, limit, owner }
    }

    /// Takes over one of what `other` has taken.
    ///
    /// # Errors
    /// Nothing has changed.
    pub(crate) fn take_over(&self, other: &Self, quantity: Quantity) -> Result<(), ShareRefusal> {
        let index = quantity as usize;
        let limit = self.of.limits[index];
        // The one that is taken over counts as free for this.
        let free = (limit + 1).saturating_sub(self.of.taken[index].load(Ordering::Relaxed));
        let own = self.taken[index].fetch_add(1, Ordering::Relaxed);
        if own >= free.saturating_mul(TIMES_FREE) {
            self.taken[index].fetch_sub(1, Ordering::Relaxed);
            return Err(self.refusal(own, limit));
        }
        other.taken[index].fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Counts a call of so many bytes.
    ///
    /// # Errors
    /// The owner has made too many, or too long ones, and this one is not counted.
    #[inline]
    pub(crate) fn count_call(&self, bytes: usize, now: Instant) -> Result<(), TooFast> {
        if self.of.rates.are_unlimited() {
            return Ok(());
        }
        self.meters.lock().count_call(&self.of.rates, bytes, now)
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
        let Some(owner) = self.owner.take() else { return };
        let mut owners = self.of.lock();
        // A peer that came since may have another share of this owner.
        if owners.shares.get(&owner).is_some_and(|share| share.strong_count() == 0) {
            owners.shares.remove(&owner);
            owners.part(owner, *self.meters.get_mut());
        }
    }
}

impl Owners {
    /// Remembers what an owner without a connection has used up. Without that it could connect anew to have all of its
    /// rates again. There may be so many owners that one is forgotten: each of them has its rates anyway.
    fn part(&mut self, owner: Owner, meters: Meters) {
        let now = now();
        if meters.are_full(now) {
            return;
        }
        if self.parted.len() >= PARTED {
            self.parted.retain(|_, meters| !meters.are_full(now));
        }
        if self.parted.len() < PARTED {
            self.parted.insert(owner, meters);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{PARTED, Quantity, ShareRefusal, Shares};
    use crate::{Address, Identity, Limits, clock::now};

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    /// How many calls a peer at the address gets at the most.
    fn most(shares: &Arc<Shares>, peer: &str) -> (usize, ShareRefusal) {
        let share = shares.share(&address(peer), None);
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
                    limit: 16_384,
                    owner: "from this address",
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
            let share = shares.share(&address("tcp://192.0.2.1:1"), None);
            assert_eq!(share.take(Quantity::Calls, 1), Ok(()));
            assert_eq!(share.take(Quantity::Calls, 1), Err(ShareRefusal::Full { limit: 1 }));
            share.give(Quantity::Calls, 1);
        }
        assert_eq!(shares.taken(Quantity::Calls), 0);
        assert!(shares.lock().shares.is_empty());
    }

    #[test]
    fn an_identity_is_one_wherever_it_is() {
        let shares = Shares::new(&Limits::default().max_server_calls(16));
        let orders = Identity::new(["dns:orders", "dns:other"]);
        let taken = |peer: &str, identity: &Identity| {
            let share = shares.share(&address(peer), Some(identity));
            let taken = std::iter::from_fn(|| share.take(Quantity::Calls, 1).ok()).count();
            std::mem::forget(share);
            taken
        };
        assert_eq!(taken("tcp://192.0.2.1:1", &orders), 12);
        assert_eq!(taken("tcp://192.0.2.2:1", &orders), 0);
        // A neighbour of it at the same address, and a peer there without an identity.
        assert_eq!(taken("tcp://192.0.2.1:1", &Identity::new(["dns:stock"])), 3);
        assert_eq!(most(&shares, "tcp://192.0.2.1:1").0, 1);
    }

    #[test]
    fn a_connection_moves_from_its_address_to_its_identity() {
        let shares = Shares::new(&Limits::default().max_connections(8));
        let here = shares.share(&address("tcp://192.0.2.1:1"), None);
        let orders = shares.share(&address("tcp://192.0.2.1:1"), Some(&Identity::new(["dns:orders"])));
        for own in 0..6 {
            assert_eq!(here.take(Quantity::Connections, 1), Ok(()), "{own}");
            assert_eq!(orders.take_over(&here, Quantity::Connections), Ok(()), "{own}");
        }
        assert_eq!(here.take(Quantity::Connections, 1), Ok(()));
        let refused = ShareRefusal::Share {
            own: 6,
            limit: 8,
            owner: "of this identity",
        };
        assert_eq!(orders.take_over(&here, Quantity::Connections), Err(refused));
        assert_eq!(shares.taken(Quantity::Connections), 7);
    }

    #[test]
    fn who_comes_again_has_used_up_what_it_had_used_up() {
        let shares = Shares::new(&Limits::default().max_call_rate(10));
        let begin = now();
        for round in 0..3 {
            let share = shares.share(&address("tcp://192.0.2.1:1"), None);
            let calls = std::iter::from_fn(|| share.count_call(1, begin).ok()).count();
            assert_eq!(calls, if round == 0 { 10 } else { 0 });
        }
        let share = shares.share(&address("tcp://192.0.2.1:1"), None);
        assert!(share.count_call(1, begin + Duration::from_millis(100)).is_ok());
        assert!(share.count_call(1, begin + Duration::from_millis(100)).is_err());
    }

    #[test]
    fn what_is_remembered_of_who_left_is_bounded() {
        let shares = Shares::new(&Limits::default().max_call_rate(1));
        let begin = now();
        for number in 0..PARTED + 1000 {
            let name = format!("dns:crowd-{number}");
            let share = shares.share(&address("tcp://192.0.2.1:1"), Some(&Identity::new([name])));
            // Much later than the test ends.
            share
                .count_call(1, begin + Duration::from_secs(3600))
                .expect("its first call");
        }
        let owners = shares.lock();
        assert_eq!((owners.shares.len(), owners.parted.len()), (0, PARTED));
    }
}
