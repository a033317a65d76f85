//! Calls that wait for a place on the connection: first come, first served, until their deadline.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// A place in the queue. No two are ever the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

/// A bounded queue that may be left from anywhere; each step costs the logarithm of its length.
#[derive(Debug)]
pub(crate) struct WaitQueue<T> {
    queue: BTreeMap<Ticket, (T, Option<Instant>)>,
    deadlines: BTreeSet<(Instant, Ticket)>,
    limit: usize,
    next: u64,
}

impl<T> WaitQueue<T> {
    /// A queue for at most `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            queue: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            limit,
            next: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.limit
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Joins the queue at its end, unless it is [full](Self::is_full).
    ///
    /// # Errors
    /// The value that cannot wait, given back.
    pub(crate) fn push(&mut self, one: T, deadline: Option<Instant>) -> Result<Ticket, T> {
        if self.is_full() {
            return Err(one);
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.queue.insert(ticket, (one, deadline));
        self.deadlines.extend(deadline.map(|deadline| (deadline, ticket)));
        Ok(ticket)
    }

    pub(crate) fn find(&mut self, ticket: Ticket) -> Option<&mut T> {
        self.queue.get_mut(&ticket).map(|(one, _)| one)
    }

    /// The first one has its turn.
    pub(crate) fn pop(&mut self) -> Option<(Ticket, T)> {
        let (&first, _) = self.queue.first_key_value()?;
        self.remove(first).map(|one| (first, one))
    }

    /// Leaves the queue.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let (one, deadline) = self.queue.remove(&ticket)?;
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        Some(one)
    }

    /// The earliest deadline.
    pub(crate) fn earliest_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Takes out one whose deadline has come.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<(Ticket, T)> {
        let &(_, ticket) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        self.remove(ticket).map(|one| (ticket, one))
    }

    /// Those that `chosen` chooses, in order.
    pub(crate) fn tickets(&self, chosen: impl Fn(&T) -> bool) -> Vec<Ticket> {
        let chosen = |(ticket, (one, _)): (&Ticket, &(T, _))| chosen(one).then_some(*ticket);
        self.queue.iter().filter_map(chosen).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rest(queue: &mut WaitQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).map(|(_, one)| one).collect()
    }

    #[test]
    fn those_that_stay_keep_their_order() {
        let mut queue = WaitQueue::new(9);
        let tickets: Vec<_> = (0..9).map(|one| queue.push(one, None).expect("room")).collect();
        for (gone, ticket) in [(4, tickets[4]), (0, tickets[0]), (8, tickets[8])] {
            assert_eq!((queue.remove(ticket), queue.remove(ticket)), (Some(gone), None));
        }
        assert_eq!(queue.pop(), Some((tickets[1], 1)));
        assert_eq!(queue.tickets(|one| one % 2 == 1), [tickets[3], tickets[5], tickets[7]]);
        assert_eq!(rest(&mut queue), [2, 3, 5, 6, 7]);
        assert!(queue.is_empty());
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut queue = WaitQueue::new(2);
        let first = queue.push(1, None).expect("room");
        assert!(queue.push(2, None).is_ok());
        assert_eq!(queue.push(3, None), Err(3));
        queue.remove(first);
        assert!(queue.push(4, None).is_ok());
        assert_eq!(rest(&mut queue), [2, 4]);
        assert_eq!(WaitQueue::new(0).push(1, None), Err(1));
    }

    #[test]
    fn the_earliest_deadline_comes_first_and_nothing_stays_of_who_left() {
        let start = Instant::now();
        let mut queue = WaitQueue::new(9);
        let mut push = |one, after| queue.push(one, Some(start + SECOND * after)).expect("room");
        let tickets = [push(0, 3), push(1, 1), push(2, 2), push(3, 2)];
        assert!(queue.push(4, None).is_ok());
        assert_eq!(queue.earliest_deadline(), Some(start + SECOND));
        assert_eq!(queue.pop_expired(start), None);
        queue.remove(tickets[1]);
        assert_eq!(queue.earliest_deadline(), Some(start + SECOND * 2));
        assert_eq!(queue.pop_expired(start + SECOND * 2), Some((tickets[2], 2)));
        assert_eq!(queue.pop_expired(start + SECOND * 2), Some((tickets[3], 3)));
        assert_eq!(queue.pop_expired(start + SECOND * 2), None);
        assert_eq!(rest(&mut queue), [0, 4]);
        assert_eq!((queue.earliest_deadline(), queue.deadlines.len()), (None, 0));
    }
}
