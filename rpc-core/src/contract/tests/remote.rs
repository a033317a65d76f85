//! Values that stand for something outside of the message.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use super::{sentences, text};
use crate::contract::{RECEIVER, SENDER, trace::CLIENT};

/// The end of a channel, as it asks for its place.
struct Receiving<T>(PhantomData<T>);
struct Sending<T>(PhantomData<T>);
struct Client;

struct EndVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EndVisitor<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a place in the message")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom("there is no message"))
    }

    fn visit_some<D: Deserializer<'de>>(self, item: D) -> Result<(), D::Error> {
        T::deserialize(item).map(drop)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Receiving<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = EndVisitor::<T>(PhantomData);
        deserializer.deserialize_newtype_struct(RECEIVER, visitor)?;
        Ok(Self(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sending<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = EndVisitor::<T>(PhantomData);
        deserializer.deserialize_newtype_struct(SENDER, visitor)?;
        Ok(Self(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Client {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = const_name();
        deserializer.deserialize_newtype_struct(name, EndVisitor::<()>(PhantomData))?;
        Ok(Self)
    }
}

/// What the attribute writes with `concat!`.
fn const_name() -> &'static str {
    let name = "farcall::Client of Inventory";
    assert!(name.starts_with(CLIENT));
    name
}

#[derive(Deserialize)]
struct Watch<T> {
    updates: Receiving<T>,
    orders: Sending<Option<u8>>,
    inventory: Client,
    name: String,
}

#[test]
fn ends_of_channels_have_the_shape_of_their_items() {
    assert_eq!(
        text::<Watch<u32>>(),
        "Watch\nstruct Watch { updates: Receiver<u32>, orders: Sender<Option<u8>>, \
         inventory: client of Inventory, name: string }"
    );
    assert_eq!(
        sentences::<Watch<u32>, Watch<i32>>(),
        ["`updates`: the type is `u32` on this side and `i32` on the other side"]
    );
    assert_eq!(sentences::<Receiving<u8>, Sending<u8>>().len(), 1);
    assert_eq!(sentences::<Receiving<u8>, u32>().len(), 1);
}
