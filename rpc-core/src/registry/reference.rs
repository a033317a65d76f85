//! A client without its type.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser,
};

use crate::{
    Channel, Client, Error, Outcome,
    client::{WrittenClient, nowhere},
};

/// A client without its type: the name of a service, and the way to an object or a server of it.
///
/// Like a client it may be an argument, a result, an item, or a part of one.
#[derive(Clone)]
pub struct Reference {
    service: String,
    channel: Channel,
}

impl Reference {
    /// The reference behind `client`, without the client's options, such as a timeout.
    pub fn of<C: Client>(client: &C) -> Self {
        Self {
            service: C::descriptor().name.to_owned(),
            channel: client.channel().clone(),
        }
    }

    /// The service, by its name on the wire.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The way to it.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// A client of it.
    ///
    /// # Errors
    /// `InvalidArgument` when `C` is the client of another service.
    pub fn client<C: Client>(&self) -> Result<C, Error> {
        let (expected, found) = (C::descriptor().name, &self.service);
        if expected == found {
            return Ok(C::new(self.channel.clone()));
        }
        let text = format!("the reference is to the service `{found}`: it makes no client of `{expected}`");
        Err(Error::invalid_argument(text).with_outcome(Outcome::NotExecuted))
    }
}

impl<C: Client> From<&C> for Reference {
    fn from(client: &C) -> Self {
        Self::of(client)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = WrittenClient::new(&self.channel, &self.service).map_err(ser::Error::custom)?;
        (&self.service, written).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("farcall::Client of any service", Arriving)
    }
}

struct Arriving;

impl<'de> Visitor<'de> for Arriving {
    type Value = Reference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to an object")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Reference, D::Error> {
        let (service, written) = <(String, WrittenClient)>::deserialize(deserializer)?;
        let channel = written.into_channel(&service).map_err(de::Error::custom)?;
        Ok(Reference { service, channel })
    }

    /// The shape of the type is looked at.
    fn visit_none<E: de::Error>(self) -> Result<Reference, E> {
        let channel = nowhere().map_err(E::custom)?;
        Ok(Reference {
            service: String::new(),
            channel,
        })
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference")
            .field("service", &self.service)
            .field("channel", &self.channel)
            .finish()
    }
}
