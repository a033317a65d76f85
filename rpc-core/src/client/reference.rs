//! Clients as values: how a generated client travels in arguments, results and items.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser,
};

use super::channel::{CallTarget, Channel};
use crate::{
    Address, Error,
    driver::attachments::{self, IncomingAttachment, OutgoingAttachment},
    proto::service_id,
    service::{LocalObject, ServiceDescriptor},
};

/// What stands for a client in the bytes of a message.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Client")]
pub(crate) enum WrittenClient {
    /// An object, at this place in the list of what the message carries.
    Attached(u32),
    /// The address of a service.
    Address(String),
}

/// Serialises the client of a service into a message: one of an object as a reference to it, one of a server as its
/// address.
///
/// # Errors
/// Outside a message, and for a server with an address that other processes cannot use.
pub fn serialize_client<S: Serializer>(
    channel: &Channel,
    descriptor: &'static ServiceDescriptor,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = WrittenClient::new(channel, descriptor.name).map_err(ser::Error::custom)?;
    written.serialize(serializer)
}

/// Takes a client of a service out of a message.
///
/// # Errors
/// Outside a message, when something else came, or an address that cannot be used here.
pub fn deserialize_client<'de, D: Deserializer<'de>>(
    descriptor: &'static ServiceDescriptor,
    deserializer: D,
) -> Result<Channel, D::Error> {
    deserializer.deserialize_newtype_struct(descriptor.client, Arriving(descriptor))
}

struct Arriving(&'static ServiceDescriptor);

impl<'de> Visitor<'de> for Arriving {
    type Value = Channel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a client of `{}`", self.0.name)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Channel, D::Error> {
        let written = WrittenClient::deserialize(deserializer)?;
        written.into_channel(self.0.name).map_err(de::Error::custom)
    }

    /// The shape of the type is looked at.
    fn visit_none<E: de::Error>(self) -> Result<Channel, E> {
        nowhere().map_err(E::custom)
    }
}

/// A channel for a client of which only the type is looked at.
pub(crate) fn nowhere() -> Result<Channel, Error> {
    Channel::builder().connect_lazily("mem://nowhere")
}

impl WrittenClient {
    /// Puts a client of `service` into the message that is being encoded.
    pub(crate) fn new(channel: &Channel, service: &str) -> Result<Self, String> {
        let offered = match &channel.inner().target {
            CallTarget::Local(object) => OutgoingAttachment::Object(Arc::clone(object) as _),
            CallTarget::Remote(import) => OutgoingAttachment::Import(Arc::clone(import)),
            CallTarget::Server(_) => return travelling(channel, service).map(Self::Address),
        };
        Ok(Self::Attached(attachments::offer(offered)?))
    }

    /// Takes a client of `service` out of the message that is being decoded.
    pub(crate) fn into_channel(self, service: &str) -> Result<Channel, String> {
        match self {
            Self::Attached(place) => claimed(attachments::claim(place)?.0, service),
            Self::Address(address) => dialled(&address, service),
        }
    }
}

/// The address by which other processes reach the service.
fn travelling(channel: &Channel, service: &str) -> Result<String, String> {
    let address = channel.address();
    if ["tls", "quic"].contains(&address.scheme()) {
        return Err(format!(
            "a client of `{service}` over `{address}` cannot be sent: its receiver would not know whom to trust there; \
             send a client of an object (`Channel::local`)"
        ));
    }
    if !["tcp", "udp", "unix", "mem"].contains(&address.scheme()) {
        return Err(format!(
            "a client of `{service}` over `{address}` cannot be sent: another process cannot connect to that address; \
             send a client of an object (`Channel::local`) or of a server that listens"
        ));
    }
    let instance = channel.named_instance().map_or("", |instance| &*instance.name);
    Ok(address.clone().with_instance(instance).to_string())
}

/// A channel that dials with its first call.
fn dialled(address: &str, service: &str) -> Result<Channel, String> {
    let wrong = |error: Error| {
        format!(
            "a client of `{service}` came with an address that cannot be read: {}",
            error.message()
        )
    };
    let address: Address = address.parse().map_err(wrong)?;
    if address.is_near() && !attachments::is_near() {
        return Err(format!(
            "the client of `{service}` at `{address}` came from a peer that may be on another machine, where this \
             address means another place; only tcp:// and udp:// addresses work between machines"
        ));
    }
    Channel::builder().connect_lazily(address).map_err(wrong)
}

fn claimed(carried: IncomingAttachment, service: &str) -> Result<Channel, String> {
    let (came, channel) = match carried {
        IncomingAttachment::Import(import) | IncomingAttachment::Local(OutgoingAttachment::Import(import)) => {
            (import.service(), Some(Channel::to_import(import)))
        }
        IncomingAttachment::Object(object) | IncomingAttachment::Local(OutgoingAttachment::Object(object)) => {
            (object.service_id(), LocalObject::of(object).map(Channel::to_object))
        }
        IncomingAttachment::SendStream(_)
        | IncomingAttachment::RecvStream(_)
        | IncomingAttachment::Local(OutgoingAttachment::Stream { .. }) => {
            return Err(format!(
                "the message carries a stream in the place of a client of `{service}`"
            ));
        }
        IncomingAttachment::Nothing => {
            return Err(format!(
                "the `{service}` object is gone: its last reference was dropped meanwhile"
            ));
        }
    };
    channel
        .filter(|_| came == service_id(service))
        .ok_or_else(|| format!("the message carries an object of another service in the place of `{service}`"))
}
