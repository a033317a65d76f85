//! Clients as values: how a generated client travels in arguments, results and items.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{Channel, channel::Target};
use crate::{
    Address,
    carry::{self, Carried, Offered},
    service::{ServiceDescriptor, method_id},
};

/// What stands for a client in the bytes of a message.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Client")]
enum Written {
    /// An object, at this place in the list of what the message carries.
    Attached(u32),
    /// The address of a service.
    Address(String),
}

/// Serialises the client of a service into a message: one of an object as a reference to it, one of a server as its address.
///
/// # Errors
/// Outside a message, and for a server with an address that means nothing to others.
pub fn serialize_client<S: Serializer>(
    channel: &Channel,
    descriptor: &'static ServiceDescriptor,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let offered = match &channel.inner().target {
        Target::Local(object) => Offered::Object(object.clone()),
        Target::Remote(import) => Offered::Import(import.clone()),
        Target::Dialled(_) => {
            let address = travelling(channel, descriptor).map_err(ser::Error::custom)?;
            return Written::Address(address).serialize(serializer);
        }
    };
    let place = carry::offer(offered).map_err(ser::Error::custom)?;
    Written::Attached(place).serialize(serializer)
}

/// Takes a client of a service out of a message.
///
/// # Errors
/// Outside a message, when something else came, or an address that means nothing here.
pub fn deserialize_client<'de, D: Deserializer<'de>>(
    descriptor: &'static ServiceDescriptor,
    deserializer: D,
) -> Result<Channel, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Attached(place) => {
            let (carried, _) = carry::claim(place).map_err(de::Error::custom)?;
            claimed(carried, descriptor).map_err(de::Error::custom)
        }
        Written::Address(address) => dialled(&address, descriptor).map_err(de::Error::custom),
    }
}

/// The address that others reach the service by.
fn travelling(channel: &Channel, descriptor: &ServiceDescriptor) -> Result<String, String> {
    let address = channel.address();
    if !["tcp", "udp", "unix", "mem"].contains(&address.scheme()) {
        return Err(format!(
            "a client of `{}` over `{address}` cannot be sent: the address means nothing to others; send one of an object \
             (`Channel::local`) or of a server that listens",
            descriptor.name
        ));
    }
    let instance = channel.named_instance().map_or("", |instance| &*instance.name);
    Ok(address.clone().with_instance(instance).to_string())
}

/// A channel that dials with its first call.
fn dialled(address: &str, descriptor: &ServiceDescriptor) -> Result<Channel, String> {
    let name = descriptor.name;
    let wrong = |error: crate::Error| format!("the address of a client of `{name}` is none: {}", error.message());
    let address: Address = address.parse().map_err(wrong)?;
    let far = ["tcp", "udp"].contains(&address.scheme());
    if !far && !carry::is_near() {
        return Err(format!(
            "the client of `{name}` at `{address}` came from a peer that may be on another machine, where the address means another \
             place; only tcp:// and udp:// addresses travel that far"
        ));
    }
    Channel::builder().connect_lazily(address).map_err(wrong)
}

fn claimed(carried: Carried, descriptor: &ServiceDescriptor) -> Result<Channel, String> {
    match carried {
        Carried::Import(import) | Carried::Local(Offered::Import(import)) => {
            check(import.service(), descriptor)?;
            Ok(Channel::to_import(import))
        }
        Carried::Object(object) | Carried::Local(Offered::Object(object)) => {
            check(service_hash(object.descriptor()), descriptor)?;
            Ok(Channel::to_object(object))
        }
        Carried::Outlet(_) | Carried::Inlet(_) | Carried::Local(Offered::Stream { .. }) => {
            let name = descriptor.name;
            Err(format!("a stream came in the place of a client of `{name}`"))
        }
        Carried::Nothing => {
            let name = descriptor.name;
            Err(format!("the `{name}` object is gone: its last reference here was given back meanwhile"))
        }
    }
}

fn check(service: u32, descriptor: &ServiceDescriptor) -> Result<(), String> {
    if service == service_hash(descriptor) {
        return Ok(());
    }
    let name = descriptor.name;
    Err(format!(
        "an object of another type came in the place of a client of `{name}`"
    ))
}

/// How a service is called on the wire: the upper half of all its methods' ids.
fn service_hash(descriptor: &ServiceDescriptor) -> u32 {
    (method_id(descriptor.name, "") >> 32) as u32
}
