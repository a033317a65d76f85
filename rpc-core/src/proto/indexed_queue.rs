//! A queue that something may leave from anywhere.

use std::collections::{HashMap, VecDeque};

/// What a place in a queue is found by.
pub(crate) trait Keyed {
    /// `None` for what never leaves before its turn. No two in a queue have the same.
    fn key(&self) -> Option<u64>;
}

/// First come, first served; and an entry with a key may be taken out from any place, in constant time on average.
///
/// Most entries never are, so keys are entered only when one is taken out, for the entries that are there then.
#[derive(Debug)]
pub(crate) struct IndexedQueue<T> {
    /// What was taken out leaves a gap.
    queue: VecDeque<Option<T>>,
    /// How many have left at the front: the first place has this number.
    left: u64,
    /// The numbers of the places, by key, for those before `entered`.
    numbers: HashMap<u64, u64>,
    entered: u64,
    gaps: usize,
    #[cfg(test)]
    pub(crate) moved: usize,
}

impl<T> Default for IndexedQueue<T> {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            left: 0,
            numbers: HashMap::new(),
            entered: 0,
            gaps: 0,
            #[cfg(test)]
            moved: 0,
        }
    }
}

impl<T: Keyed> IndexedQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.queue.len() - self.gaps
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives back unused memory.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    pub(crate) fn push_back(&mut self, one: T) {
        self.queue.push_back(Some(one));
    }

    /// The next one.
    pub(crate) fn front(&mut self) -> Option<&T> {
        while matches!(self.queue.front(), Some(None)) {
            self.queue.pop_front();
            self.left += 1;
            self.gaps -= 1;
        }
        self.queue.front()?.as_ref()
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        loop {
            let first = self.queue.pop_front()?;
            let entered = self.left < self.entered;
            self.left += 1;
            let Some(one) = first else {
                self.gaps -= 1;
                continue;
            };
            if entered && let Some(key) = one.key() {
                self.numbers.remove(&key);
            }
            return Some(one);
        }
    }

    /// Takes out the one with this key.
    pub(crate) fn remove(&mut self, key: u64) -> Option<T> {
        self.enter();
        let number = self.numbers.remove(&key)?;
        let one = self.queue.get_mut((number - self.left) as usize)?.take();
        self.gaps += 1;
        if self.gaps * 2 > self.queue.len() {
            self.close_gaps();
        }
        one
    }

    /// Enters those that came since the last time.
    fn enter(&mut self) {
        let begin = self.entered.max(self.left);
        let new = self.queue.iter().skip((begin - self.left) as usize);
        for (number, one) in (begin..).zip(new) {
            if let Some(key) = one.as_ref().and_then(Keyed::key) {
                self.numbers.insert(key, number);
            }
        }
        self.entered = self.left + self.queue.len() as u64;
    }

    /// There are more gaps than places that are taken. So gaps stay few, even if entries come and go without end.
    fn close_gaps(&mut self) {
        #[cfg(test)]
        {
            self.moved += self.queue.len();
        }
        self.queue.retain(Option::is_some);
        self.numbers.clear();
        (self.entered, self.gaps) = (self.left, 0);
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    impl Keyed for u64 {
        fn key(&self) -> Option<u64> {
            (*self != 0).then_some(*self)
        }
    }

    fn filled(with: impl Iterator<Item = u64>) -> IndexedQueue<u64> {
        let mut queue = IndexedQueue::default();
        with.for_each(|one| queue.push_back(one));
        queue
    }

    fn rest(queue: &mut IndexedQueue<u64>) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop_front()).collect()
    }

    #[test]
    fn it_does_what_a_plain_queue_does() {
        let mut rng = Rng::with_seed(3);
        let (mut queue, mut plain) = (IndexedQueue::default(), VecDeque::new());
        for next in 1..50_000 {
            match rng.u8(..5) {
                0 | 1 => {
                    let one = if rng.u8(..8) == 0 { 0 } else { next };
                    queue.push_back(one);
                    plain.push_back(one);
                }
                2 => assert_eq!(queue.pop_front(), plain.pop_front()),
                _ => {
                    let index = rng.usize(..=plain.len());
                    let key = plain.get(index).copied().filter(|&key| key != 0).unwrap_or(u64::MAX);
                    plain.retain(|&one| one != key);
                    assert_eq!(queue.remove(key), (key != u64::MAX).then_some(key));
                }
            }
            assert_eq!((queue.len(), queue.is_empty()), (plain.len(), plain.is_empty()));
            assert_eq!(queue.front(), plain.front());
        }
        assert_eq!(rest(&mut queue), Vec::from(plain));
    }

    #[test]
    fn those_that_stay_keep_their_order_and_what_left_is_gone() {
        let mut queue = filled(1..11);
        assert_eq!(queue.pop_front(), Some(1));
        for key in [10, 4, 5] {
            assert_eq!((queue.remove(key), queue.remove(key)), (Some(key), None));
        }
        queue.push_back(4);
        assert_eq!(queue.remove(1), None);
        assert_eq!(rest(&mut queue), [2, 3, 6, 7, 8, 9, 4]);
        assert!(queue.numbers.is_empty());
    }

    #[test]
    fn taking_out_in_any_order_moves_each_place_a_few_times_at_most() {
        const MANY: u64 = 4096;
        let forward: Vec<_> = (1..=MANY).collect();
        let backward = forward.iter().rev().copied().collect();
        let mut shuffled = forward.clone();
        Rng::with_seed(1).shuffle(&mut shuffled);
        for order in [forward, backward, shuffled] {
            let mut queue = filled(1..=MANY);
            assert!(order.into_iter().all(|key| queue.remove(key) == Some(key)));
            assert!(queue.is_empty() && queue.queue.is_empty());
            assert!(queue.moved <= 2 * MANY as usize, "{}", queue.moved);
        }
    }

    #[test]
    fn gaps_do_not_pile_up() {
        let mut queue = filled([7].into_iter());
        for _ in 0..10_000 {
            queue.push_back(9);
            assert_eq!(queue.remove(9), Some(9));
        }
        assert!(queue.queue.len() <= 3, "{}", queue.queue.len());
        assert_eq!(rest(&mut queue), [7]);
    }
}
