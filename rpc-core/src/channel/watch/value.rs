//! A watch receiver as a value in messages.

use std::{any::Any, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _, Visitor},
    ser::Error as _,
};

use super::{Receiver, SharedValue, source::ValueSource};
use crate::{
    Error,
    channel::{
        coding::{decode, not_encoded},
        value::local,
    },
    codec::Format,
    contract::WATCH,
    driver::attachments::{self, Bound, IncomingAttachment, OutgoingAttachment, Payload, StreamEnd},
    proto::Flow,
};

/// How values are encoded; chosen where the type is known to be serialisable.
pub(super) type EncodeValue<T> = fn(Format, &T) -> Result<Payload, Error>;

fn encode<T: Serialize>(format: Format, value: &T) -> Result<Payload, Error> {
    Payload::encode(format, &Plain(value)).map_err(|error| not_encoded(&error))
}

/// An encoded value. It goes to several receivers, and later values replace it, so it carries only bytes.
struct Plain<'a, T>(&'a T);

impl<T: Serialize> Serialize for Plain<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        attachments::plain(|| self.0.serialize(serializer))
    }
}

impl<T: Serialize + Send + Sync + 'static> Serialize for Receiver<T> {
    /// Into a message of a call only; this receiver stays. Refused when the value is not plain data.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.shared().source.is_some() {
            return Err(S::Error::custom(
                "the receiver came over a connection and cannot be sent on; \
                 make a watch channel of your own and pass the values on",
            ));
        }
        let state = self.shared().state();
        let end = Box::new(Leaving {
            receiver: self.having_seen(state.version),
            version: state.version,
        });
        let flow = Flow::Sends;
        let place = attachments::offer(OutgoingAttachment::Stream { flow, end }).map_err(S::Error::custom)?;
        (place, Plain(&*state.value)).serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned + Send + Sync + 'static> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(WATCH, Arriving(PhantomData))
    }
}

struct Arriving<T>(PhantomData<fn() -> T>);

impl<'de, T: DeserializeOwned + Send + Sync + 'static> Visitor<'de> for Arriving<T> {
    type Value = Receiver<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver of a watch channel")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Receiver<T>, D::Error> {
        let (place, value) = <(u32, T)>::deserialize(deserializer)?;
        match attachments::claim(place).map_err(D::Error::custom)? {
            (IncomingAttachment::RecvStream(recv_stream), _) => {
                let source = ValueSource::new(recv_stream, decode::<T>);
                Ok(Receiver::new(SharedValue::new(value, Some(source)).into()))
            }
            (carried, _) => local(carried),
        }
    }

    /// The shape of the type is looked at, and this is a value.
    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Receiver<T>, D::Error> {
        T::deserialize(value).map(|value| Receiver::new(SharedValue::new(value, None).into()))
    }
}

/// A receiver for the other side, with the version of the value that goes along.
struct Leaving<T> {
    receiver: Receiver<T>,
    version: u64,
}

impl<T: Serialize + Send + Sync + 'static> StreamEnd for Leaving<T> {
    fn bind(self: Box<Self>, bound: Bound) {
        if let Bound::SendStream(send_stream) = bound {
            self.receiver
                .shared()
                .subscribe_away(send_stream, encode::<T>, self.version);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        Box::new(self.receiver)
    }
}
