//! What travels in streams, and who reads it.

use std::{iter, pin::Pin};

use bytes::Bytes;
use futures::{Stream, StreamExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use crate::peer::{Done, Result, Session, Stop};

/// Something whose place in its stream can be told.
pub(crate) trait Item: Send + 'static {
    /// Number 0, 1, 2 and so on, without end.
    fn sequence() -> impl Iterator<Item = Self> + Send + 'static;

    /// Whether it is whole, and the one with this number.
    fn is(&self, number: u64) -> bool;
}

/// 16 bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Small {
    pub(crate) value: u64,
    pub(crate) complement: u64,
}

impl Item for Small {
    fn sequence() -> impl Iterator<Item = Self> + Send + 'static {
        (0..).map(|number| {
            let value = scattered(number);
            Self {
                value,
                complement: !value,
            }
        })
    }

    fn is(&self, number: u64) -> bool {
        self.value == scattered(number) && self.complement == !self.value
    }
}

/// All bits of a number in use, so that no format makes it short.
pub(crate) fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const LARGE: usize = 64 << 10;
/// Different ones in turn, so that an item that is lost is noticed.
const BODIES: u8 = 8;

impl Item for Bytes {
    fn sequence() -> impl Iterator<Item = Self> + Send + 'static {
        let bodies: Vec<Self> = (0..BODIES).map(|byte| vec![byte + 1; LARGE].into()).collect();
        let mut turn = 0;
        iter::repeat_with(move || {
            turn = (turn + 1) % bodies.len();
            bodies[(turn + bodies.len() - 1) % bodies.len()].clone()
        })
    }

    fn is(&self, number: u64) -> bool {
        let (words, rest) = self.as_chunks::<8>();
        let sum = words
            .iter()
            .fold(0, |sum: u64, word| sum.wrapping_add(u64::from_ne_bytes(*word)));
        let byte = number % u64::from(BODIES) + 1;
        let expected = (byte * 0x0101_0101_0101_0101).wrapping_mul(LARGE as u64 / 8);
        self.len() == LARGE && rest.is_empty() && sum == expected
    }
}

/// Reads one stream.
pub(crate) struct Reader<I> {
    items: Pin<Box<dyn Stream<Item = Result<I>> + Send>>,
    next: u64,
}

impl<I: Item> Reader<I> {
    pub(crate) fn session(items: impl Stream<Item = Result<I>> + Send + 'static) -> Box<dyn Session> {
        Box::new(Self {
            items: Box::pin(items),
            next: 0,
        })
    }
}

impl<I: Item> Session for Reader<I> {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let first = self.next;
            while !stop.is_set() {
                let item = self.items.next().await.ok_or("the stream ended")??;
                if !item.is(self.next) {
                    return Err(format!("item {} is another one", self.next).into());
                }
                self.next += 1;
            }
            Ok(Done::untimed(self.next - first))
        })
    }
}

/// Streams that are only kept.
pub(crate) struct Held<T>(Vec<T>);

impl<T: Send + 'static> Held<T> {
    pub(crate) fn session(streams: Vec<T>) -> Box<dyn Session> {
        Box::new(Self(streams))
    }
}

impl<T: Send> Session for Held<T> {
    fn run(&mut self, _stop: Stop) -> BoxFuture<'_, Result<Done>> {
        let held = self.0.len() as u64;
        Box::pin(async move { Ok(Done::untimed(held)) })
    }
}
