//! The ends of a channel as values in messages.

use std::{any::Any, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _, Visitor},
    ser::Error as _,
};

use super::{
    Receiver, Sender, channel,
    coding::{Encode, decode},
    pipe::Pipe,
};
use crate::{
    contract::{RECEIVER, SENDER},
    driver::attachments::{self, Bound, IncomingAttachment, OutgoingAttachment, StreamEnd},
    proto::Flow,
};

impl<T: Serialize + Send + 'static> Serialize for Receiver<T> {
    /// Into a message of a call only; the receiver leaves with it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = self.take().map_err(S::Error::custom)?;
        leave(serializer, Flow::Sends, end)
    }
}

impl<T: DeserializeOwned + Send + 'static> Serialize for Sender<T> {
    /// Into a message of a call only; the sender leaves with it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = self.take().map_err(S::Error::custom)?;
        leave(serializer, Flow::Receives, end)
    }
}

fn leave<S: Serializer>(serializer: S, flow: Flow, end: impl StreamEnd + 'static) -> Result<S::Ok, S::Error> {
    let end = Box::new(end);
    let place = attachments::offer(OutgoingAttachment::Stream { flow, end }).map_err(S::Error::custom)?;
    serializer.serialize_u32(place)
}

impl<'de, T: DeserializeOwned + Send + 'static> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RECEIVER, Arriving::<Self>(PhantomData))
    }
}

impl<'de, T: Serialize + DeserializeOwned + Send + 'static> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SENDER, Arriving::<Self>(PhantomData))
    }
}

/// An end that comes with a message.
trait ArrivingEnd: Sized + 'static {
    type Item: DeserializeOwned;

    fn arrived<E: serde::de::Error>(carried: IncomingAttachment) -> Result<Self, E>;

    /// One that leads nowhere, where only the type is looked at.
    fn blank() -> Self;
}

impl<T: DeserializeOwned + Send + 'static> ArrivingEnd for Receiver<T> {
    type Item = T;

    fn arrived<E: serde::de::Error>(carried: IncomingAttachment) -> Result<Self, E> {
        match carried {
            IncomingAttachment::RecvStream(recv_stream) => Ok(Self::over(Pipe::incoming(recv_stream, decode::<T>))),
            carried => local(carried),
        }
    }

    fn blank() -> Self {
        channel().1
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> ArrivingEnd for Sender<T> {
    type Item = T;

    fn arrived<E: serde::de::Error>(carried: IncomingAttachment) -> Result<Self, E> {
        match carried {
            IncomingAttachment::SendStream(send_stream) => Ok(Self::over(Pipe::outgoing(send_stream, Encode::new()))),
            carried => local(carried),
        }
    }

    fn blank() -> Self {
        channel().0
    }
}

struct Arriving<End>(PhantomData<fn() -> End>);

impl<'de, End: ArrivingEnd> Visitor<'de> for Arriving<End> {
    type Value = End;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of a channel")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<End, D::Error> {
        End::arrived(arrive(deserializer)?)
    }

    /// The shape of the type is looked at, and this is an item.
    fn visit_some<D: Deserializer<'de>>(self, item: D) -> Result<End, D::Error> {
        End::Item::deserialize(item).map(|_| End::blank())
    }
}

fn arrive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IncomingAttachment, D::Error> {
    let place = u32::deserialize(deserializer)?;
    let (carried, _) = attachments::claim(place).map_err(D::Error::custom)?;
    Ok(carried)
}

/// The end itself, from a message that never left the process.
pub(super) fn local<End: 'static, E: serde::de::Error>(carried: IncomingAttachment) -> Result<End, E> {
    let IncomingAttachment::Local(OutgoingAttachment::Stream { end, .. }) = carried else {
        return Err(E::custom(
            "the message carries something else in the place of a channel's end",
        ));
    };
    let end = end
        .into_any()
        .downcast()
        .map_err(|_| E::custom("the message carries a channel whose items have another type"))?;
    Ok(*end)
}

impl<T: Serialize + Send + 'static> StreamEnd for Receiver<T> {
    fn bind(self: Box<Self>, bound: Bound) {
        if let Bound::SendStream(send_stream) = bound {
            self.disarm();
            self.pipe().receiver_left(send_stream, Encode::new());
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl<T: DeserializeOwned + Send + 'static> StreamEnd for Sender<T> {
    fn bind(self: Box<Self>, bound: Bound) {
        if let Bound::RecvStream(recv_stream) = bound {
            self.disarm();
            self.pipe().sender_left(recv_stream, decode::<T>);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
