//! Objects by name.
//!
//! A [`Registry`] is a service like any other, and [`Names`] is its implementation. The owner of a server offers it
//! there, binds objects to names, and decides who else may. Clients look the names up and get a [`Reference`], which
//! they turn into a client of the object's service.
//!
//! ```
//! use farcall::{Server, registry::{Names, RegistryClient, RegistryServer}};
//!
//! #[farcall::service]
//! pub trait Inventory {
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
//! let names = Names::new();
//! names.bind("warehouse/eu", &InventoryClient::local(Warehouse))?;
//! let server = Server::new().service(RegistryServer::new(names)).listen("tcp://127.0.0.1:0").await?;
//!
//! let registry = RegistryClient::connect(server.local_addr()).await?;
//! let inventory: InventoryClient = registry.lookup("warehouse/eu").await?.client()?;
//! assert_eq!(inventory.stock("apple").await?, 7);
//! # Ok(())
//! # }
//! ```
//!
//! # Where an object may go
//! A server hands out its own objects, and clients of servers with an address (`tcp://…`), which the other side dials
//! itself. An object that a client bound lives behind that client's connection: the server and that client can call it,
//! but it cannot be sent to another client. A client that looks it up gets
//! [`FailedPrecondition`](crate::Code::FailedPrecondition).

mod names;
mod reference;

use serde::{Deserialize, Serialize};

pub use names::Names;
pub use reference::Reference;

use crate::Result;

/// Objects by name.
///
/// Names are 1 to 255 bytes long and have no structure: `warehouse/eu` is not below `warehouse`.
#[farcall::service(name = "farcall.Registry")]
pub trait Registry {
    /// Binds an object to a name that is free.
    ///
    /// # Errors
    /// `AlreadyExists`, `PermissionDenied`, `InvalidArgument` for a name that is empty or too long, `ResourceExhausted`
    /// when there are too many.
    async fn bind(&self, name: &str, object: Reference) -> Result<()>;

    /// Binds an object to a name, whether it is free or not.
    ///
    /// # Errors
    /// As [`bind`](Self::bind), except for `AlreadyExists`.
    async fn rebind(&self, name: &str, object: Reference) -> Result<()>;

    /// Frees a name. Clients of its object go on.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`.
    async fn unbind(&self, name: &str) -> Result<()>;

    /// The object that is bound to a name.
    ///
    /// # Errors
    /// `NotFound`, also when the server knows that the object is gone, and `FailedPrecondition` when the object lives
    /// behind the connection of another client.
    async fn lookup(&self, name: &str) -> Result<Reference>;

    /// The names in use, in order.
    ///
    /// # Errors
    /// A remote failure.
    async fn list(&self) -> Result<Vec<Entry>>;
}

/// A name in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The service of the object, by its name on the wire.
    pub service: String,
}
