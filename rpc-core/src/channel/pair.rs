//! A sender and a receiver.

use crate::Error;
use std::{
    marker::PhantomData,
    task::{Context, Poll},
};

/// Sends items.
pub struct Sender<T>(PhantomData<fn(T)>);
/// Receives items.
pub struct Receiver<T>(PhantomData<fn() -> T>);

/// A channel.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    (Sender(PhantomData), Receiver(PhantomData))
}

impl<T> futures_core::Stream for Receiver<T> {
    type Item = Result<T, Error>;
    fn poll_next(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Pending
    }
}

impl<T> serde::Serialize for Receiver<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(0)
    }
}

impl<'de, T> serde::Deserialize<'de> for Receiver<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

pub(crate) async fn feed<T>(
    sender: Sender<T>,
    stream: impl futures_core::Stream<Item = Result<T, Error>>,
    deadline: Option<std::time::Instant>,
) {
}
