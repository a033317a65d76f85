//! Buffers of long messages, which are used again.
//!
//! Most allocators give a long block back to the system when it is free, and the system clears each page of the next
//! one. For a message that is read once and written once, that costs more than all the rest.
//!
//! A process keeps a bounded number of bytes, and [lets go](tidy) of those that it does not need.

use std::{
    collections::VecDeque,
    fmt, mem,
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::sync::Mutex;

/// The shortest buffer worth keeping; capacities from here on are multiples of a quarter of it.
const LEAST: usize = 32 << 10;
/// How many bytes a process keeps for messages to come: two of the longest messages by default, and some shorter ones.
const MOST: usize = 40 << 20;

/// How long a buffer waits before it counts as not needed.
const PAUSE: Duration = Duration::from_secs(5);
/// Room for what follows a long run of bytes.
const BEHIND: usize = 64;

static KEPT: Mutex<Kept> = Mutex::new(Kept::new());

/// Where a message is put together. A long one goes back to those that the process keeps when it is dropped.
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer with room for that many bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        if capacity < LEAST {
            return Self(Vec::with_capacity(capacity));
        }
        Self::kept(capacity).unwrap_or_else(|| Self(Vec::with_capacity(capacity.next_multiple_of(LEAST / 4))))
    }

    /// A buffer with these bytes.
    pub(crate) fn copy_from_slice(bytes: &[u8]) -> Self {
        let mut buffer = Self::with_capacity(bytes.len());
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// An empty buffer with that much room, if the process keeps one: it then takes no more memory than before.
    pub(crate) fn kept(capacity: usize) -> Option<Self> {
        if capacity < LEAST {
            return None;
        }
        KEPT.lock().take(capacity).map(Self)
    }

    /// The bytes, which can be shared from now on. They may wait for long, so much unused room is given back.
    pub(crate) fn freeze(mut self) -> Bytes {
        if self.capacity() > longest(self.len()) {
            self.shrink_to_fit();
        }
        if self.is_worth_keeping() {
            Bytes::from_owner(self)
        } else {
            Bytes::from(mem::take(&mut self.0))
        }
    }

    fn is_worth_keeping(&self) -> bool {
        (LEAST..=MOST).contains(&self.0.capacity())
    }
}

/// Frees the buffers that nobody has needed for some time. Connections do so when they are idle and when they end.
pub(crate) fn tidy(now: Instant) {
    // They are freed without the lock.
    let unneeded = KEPT.lock().tidy(now);
    drop(unneeded);
}

/// Appends to a buffer that may become long, and then is one of those that the process keeps.
#[inline]
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if buffer.capacity() - buffer.len() < bytes.len() && buffer.len() + bytes.len() >= LEAST {
        lengthen(buffer, bytes.len());
    }
    buffer.extend_from_slice(bytes);
}

/// Makes room for `more` bytes. One long run is commonly nearly all of a message; many short ones may go on.
#[cold]
fn lengthen(buffer: &mut Vec<u8>, more: usize) {
    let needed = buffer.len() + more;
    let capacity = if more >= buffer.len() {
        needed + BEHIND
    } else {
        2 * needed
    };
    move_to(buffer, capacity);
}

/// Moves what a buffer holds to another one with that much room.
pub(crate) fn move_to(buffer: &mut Vec<u8>, capacity: usize) {
    let mut other = Buffer::with_capacity(capacity);
    other.extend_from_slice(buffer);
    mem::swap(buffer, &mut other);
}

/// The longest buffer for that many bytes.
fn longest(length: usize) -> usize {
    length + length / 4 + LEAST / 4
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("length", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.is_worth_keeping() {
            let mut buffer = mem::take(&mut self.0);
            buffer.clear();
            // What makes room for it is freed without the lock.
            let dropped = KEPT.lock().put(buffer, Instant::now());
            drop(dropped);
        }
    }
}

/// Buffers that wait for their next message, with the time at which each came back, the last one at the end.
struct Kept {
    buffers: VecDeque<(Vec<u8>, Instant)>,
    bytes: usize,
}

impl Kept {
    const fn new() -> Self {
        Self {
            buffers: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Takes the one that came back last of those that fit: its bytes may still be near the processor. A much longer
    /// one is not wasted on a short message.
    fn take(&mut self, capacity: usize) -> Option<Vec<u8>> {
        let fits = capacity..=longest(capacity);
        let place = self
            .buffers
            .iter()
            .rposition(|(buffer, _)| fits.contains(&buffer.capacity()))?;
        let (buffer, _) = self.buffers.remove(place)?;
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    /// Keeps a buffer. Gives those that have waited longest, where there are too many.
    fn put(&mut self, buffer: Vec<u8>, now: Instant) -> Vec<Vec<u8>> {
        self.bytes += buffer.capacity();
        self.buffers.push_back((buffer, now));
        self.drop_oldest(|kept| kept.bytes > MOST)
    }

    /// Gives the buffers that have waited for some time.
    fn tidy(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.drop_oldest(|kept| {
            let oldest = kept.buffers.front();
            oldest.is_some_and(|&(_, since)| now.saturating_duration_since(since) >= PAUSE)
        })
    }

    fn drop_oldest(&mut self, also: impl Fn(&Self) -> bool) -> Vec<Vec<u8>> {
        let mut dropped = Vec::new();
        while also(self)
            && let Some((oldest, _)) = self.buffers.pop_front()
        {
            self.bytes -= oldest.capacity();
            dropped.push(oldest);
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_came_back_last_is_taken_first() {
        let mut kept = Kept::new();
        for length in [64, 68, 200] {
            assert!(kept.put(Vec::with_capacity(length << 10), Instant::now()).is_empty());
        }
        let taken = |kept: &mut Kept, length: usize| kept.take(length << 10).map(|buffer| buffer.capacity() >> 10);
        assert_eq!(taken(&mut kept, 64), Some(68));
        assert_eq!(taken(&mut kept, 64), Some(64));
        assert_eq!(taken(&mut kept, 64), None, "a much longer one stays");
        assert_eq!(taken(&mut kept, 201), None);
        assert_eq!((taken(&mut kept, 200), kept.bytes), (Some(200), 0));
    }

    fn capacity(kept: &Kept) -> usize {
        kept.buffers.iter().map(|(buffer, _)| buffer.capacity()).sum()
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes() {
        let mut kept = Kept::new();
        for length in 1..=60 {
            let dropped: usize = kept
                .put(Vec::with_capacity(length * LEAST), Instant::now())
                .iter()
                .map(Vec::capacity)
                .sum();
            assert!(dropped <= MOST);
            assert!(kept.bytes <= MOST && kept.bytes == capacity(&kept));
        }
        assert!(kept.take(LEAST).is_none(), "the first ones are gone");
        assert!(kept.take(60 * LEAST).is_some());
    }

    #[test]
    fn what_is_not_needed_for_some_time_goes() {
        let (mut kept, start) = (Kept::new(), Instant::now());
        for length in [10, 20, 30] {
            kept.put(Vec::with_capacity(length * LEAST), start);
        }
        let half = start + PAUSE / 2;
        assert!(kept.tidy(half).is_empty(), "this is too soon");
        let needed = kept.take(20 * LEAST).expect("it is kept");
        kept.put(needed, half);
        let freed = |kept: &mut Kept, now| {
            kept.tidy(now)
                .iter()
                .map(|buffer| buffer.capacity() / LEAST)
                .sum::<usize>()
        };
        assert_eq!(freed(&mut kept, start + PAUSE), 40, "the other two");
        assert_eq!((freed(&mut kept, half + PAUSE), kept.bytes), (20, 0));
    }

    #[test]
    fn short_and_endless_buffers_are_not_kept() {
        for capacity in [0, 100, LEAST - 1, MOST + 1] {
            assert!(!Buffer(Vec::with_capacity(capacity)).is_worth_keeping(), "{capacity}");
        }
        assert!(Buffer::with_capacity(LEAST).is_worth_keeping());
    }
}
