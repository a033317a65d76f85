//! What a handler sees, and what the attribute generates against.
//!
//! [`Context`] is for handlers. Everything else describes a service to a server: its [descriptor](ServiceDescriptor),
//! the [`Service`] trait that dispatches to it, one [`Invocation`] and encoded [`Payload`]s. Layers see a method as a
//! [`MethodDescriptor`].

mod as_bytes;
mod blocking;
pub(crate) mod bounds;
mod context;
mod descriptor;
mod generated;
mod handler;
mod invocation;
pub(crate) mod items;
mod liveness;
mod object;
mod priority;
mod scope;
mod streaming;
mod tasks;
mod types;

pub use as_bytes::AsBytes;
pub use blocking::blocking;
pub use context::Context;
pub(crate) use context::{enter, is_in_handler, with_current};
pub use descriptor::{MethodDescriptor, ServiceDescriptor};
pub(crate) use handler::Continuation;
pub use handler::{Handler, HandlerOutput};
pub use invocation::Invocation;
pub use items::Form;
pub(crate) use object::LocalObject;
pub use priority::Priority;
pub(crate) use scope::{CallParts, Scope};
pub use streaming::{Inbound, Streams, streaming};
pub(crate) use types::TypedMethod;
pub use types::{ServiceTypes, Tracer, TypeOf, Typed};

pub use crate::{driver::attachments::Payload, proto::method_id};

/// An implementation of a service that a server can dispatch calls to.
///
/// The attribute implements it for the generated `…Server<T>`; there is no need to implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service that can be offered: wrap the implementation",
    label = "not a service: `#[farcall::service]` generates one, which wraps an implementation",
    note = "for a trait `Inventory` write `InventoryServer::new(implementation)`"
)]
pub trait Service: Send + Sync + 'static {
    /// The service's name and methods.
    fn descriptor(&self) -> &'static ServiceDescriptor;

    /// The types of its methods, for the check that the caller means the same by them. `None` if they are not known: a
    /// call is not checked then.
    #[doc(hidden)]
    fn types(&self) -> Option<&'static ServiceTypes> {
        None
    }

    /// Starts the method at `index` of the descriptor's list; nothing runs before the handler is polled.
    fn dispatch(&self, index: usize, invocation: Invocation) -> Handler;
}
