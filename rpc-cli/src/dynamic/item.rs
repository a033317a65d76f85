//! What goes into streams and comes out of them and of calls, and how the types of what comes are known.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

use farcall::contract::NodeId;
use futures::Stream;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error as _},
};
use serde_json::Value;

use super::{to_json::Reading, typed::Typed, types::Types};

/// An item that is sent.
#[derive(Debug)]
pub(crate) struct Sent(pub(crate) Typed);

/// A value that came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Came(pub(crate) Value);

/// An error of the service's own, or the failure of the call.
#[derive(Debug)]
pub(crate) enum Failed {
    Own(Value),
    Call(farcall::Error),
}

/// What is decoded at the moment. A type knows nothing of values: so who decodes says here what it is.
#[derive(Clone, Copy)]
struct Decoded {
    types: &'static Types,
    value: NodeId,
}

thread_local! {
    static DECODED: Cell<Option<Decoded>> = const { Cell::new(None) };
}

/// A future or a stream in which values of that type are decoded.
#[derive(Debug)]
pub(crate) struct Decoding<T> {
    inner: T,
    types: &'static Types,
    value: NodeId,
}

impl<T> Decoding<T> {
    pub(crate) fn new(types: &'static Types, value: NodeId, inner: T) -> Self {
        Self { inner, types, value }
    }

    fn within<R>(&mut self, run: impl FnOnce(&mut T) -> R) -> R {
        struct Restore(Option<Decoded>);
        impl Drop for Restore {
            fn drop(&mut self) {
                DECODED.set(self.0);
            }
        }
        let decoded = Decoded {
            types: self.types,
            value: self.value,
        };
        let _restore = Restore(DECODED.replace(Some(decoded)));
        run(&mut self.inner)
    }
}

impl<F: Future + Unpin> Future for Decoding<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.within(|inner| Pin::new(inner).poll(cx))
    }
}

impl<S: Stream + Unpin> Stream for Decoding<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.within(|inner| Pin::new(inner).poll_next(cx))
    }
}

fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
    which: impl FnOnce(Decoded) -> Option<NodeId>,
) -> Result<Value, D::Error> {
    let decoded = DECODED.get();
    let place = decoded.and_then(|decoded| Some(Reading::new(decoded.types, which(decoded)?)));
    let reading = place.ok_or_else(|| D::Error::custom("a value came for which the contract has no type"))?;
    reading.deserialize(deserializer)
}

impl<'de> Deserialize<'de> for Came {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |decoded| Some(decoded.value)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Failed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |decoded| decoded.types.error).map(Self::Own)
    }
}

impl From<farcall::Error> for Failed {
    fn from(error: farcall::Error) -> Self {
        Self::Call(error)
    }
}

impl Serialize for Sent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Items of streams are both. This one is never sent.
impl Serialize for Came {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
