//! What a server offers, told to its callers: services, named instances, contracts, and the docs of traits.
//!
//! [`Server::reflection`](crate::Server::reflection) offers it as a service like any other, so the layers of the server
//! decide who may ask. The command line asks it, and programs can as well:
//!
//! ```
//! use farcall::{Server, reflection::ReflectionClient};
//!
//! /// Stock of one warehouse.
//! #[farcall::service]
//! pub trait Inventory {
//!     /// How many of `sku` are on the shelf.
//!     async fn stock(&self, sku: &str) -> farcall::Result<u32>;
//! }
//!
//! struct Warehouse;
//!
//! impl Inventory for Warehouse {
//!     async fn stock(&self, _sku: &str) -> farcall::Result<u32> {
//!         Ok(7)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//! let server = Server::new()
//!     .service(InventoryServer::new(Warehouse))
//!     .reflection()
//!     .listen("tcp://127.0.0.1:0")
//!     .await?;
//!
//! let reflection = ReflectionClient::connect(server.local_addr()).await?;
//! let offered = reflection.services().await?;
//! assert_eq!((&*offered[0].service, &*offered[0].docs), ("Inventory", "Stock of one warehouse."));
//!
//! let told = reflection.describe("Inventory", None).await?;
//! assert_eq!(told.contract, InventoryClient::contract());
//! assert_eq!(told.method_docs["stock"], "How many of `sku` are on the shelf.");
//! # Ok(())
//! # }
//! ```
//!
//! # Who learns what
//! Whoever may call this service learns the names of all services, instances and methods, their types, and the doc
//! comments of traits and methods, which are in the program only with the feature `reflection`. It is a service without
//! a named instance: clients of a server whose address has a path call it with
//! [`Channel::with_instance`](crate::Channel::with_instance)`(None)`.
//! [`Server::hide_services`](crate::Server::hide_services) keeps names out of errors, not out of these answers.

mod offered;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use offered::{Made, Offers};

use crate::{Result, contract::Contract};

/// The name of the service on the wire.
pub const SERVICE: &str = "farcall.Reflection";

/// What a server offers.
#[farcall::service(name = "farcall.Reflection")]
pub trait Reflection {
    /// The services of the server, by name and instance. This one is among them.
    ///
    /// # Errors
    /// A remote failure.
    async fn services(&self) -> Result<Vec<Offered>>;

    /// What the methods of a service look like on the wire, in every format, and its docs.
    ///
    /// # Errors
    /// `NotFound` for a service or an instance that the server does not offer, and `FailedPrecondition` for a service
    /// that was written without the attribute and so has no contract.
    async fn describe(&self, service: &str, instance: Option<&str>) -> Result<Description>;
}

/// A service of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Offered {
    /// Its name on the wire.
    pub service: String,
    /// The named instance that offers it; `None` for the one that addresses without a path reach.
    pub instance: Option<String>,
    /// How many methods it has.
    pub methods: u32,
    /// The doc comment of the trait.
    pub docs: String,
}

/// A service in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Description {
    /// What both sides of its calls have to agree on.
    pub contract: Contract,
    /// The doc comment of the trait.
    pub docs: String,
    /// The doc comments of the methods that have one, by name.
    pub method_docs: BTreeMap<String, String>,
}
