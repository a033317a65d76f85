//! Middleware on either side: an async closure for the everyday case, [`tower`](https://docs.rs/tower) layers for all
//! other cases.
//!
//! A layer sees each call, may wait, refuse it with an [`Error`](crate::Error), and rewrite metadata, deadline and
//! answer. Without layers a call does not pass through any of this.
//!
//! ```
//! use farcall::{Channel, Error, Server};
//!
//! # #[farcall::service] pub trait Inventory { async fn tenant(&self) -> farcall::Result<String>; }
//! # struct Warehouse;
//! # impl Inventory for Warehouse {
//! #     async fn tenant(&self) -> farcall::Result<String> {
//! #         Ok(farcall::Context::current().metadata().value("tenant").unwrap_or("nobody").to_owned())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//! let server = Server::new()
//!     .service(InventoryServer::new(Warehouse))
//!     // On the server: a call without a tenant is refused, and its handler does not start.
//!     .intercept(async |request, next| match request.metadata.value("tenant") {
//!         Some(_) => next.run(request).await,
//!         None => Err(Error::unauthenticated("say which tenant")),
//!     });
//! let tenant = "eu".to_owned();
//! let channel = Channel::builder()
//!     // On the client: each call names the tenant. The closure is cloned for each call, with what it holds.
//!     .intercept(async move |mut request, next| {
//!         request.metadata.append("tenant", tenant)?;
//!         next.run(request).await
//!     })
//!     .loopback(server);
//! assert_eq!(InventoryClient::new(channel).tenant().await?, "eu");
//! # Ok(())
//! # }
//! ```
//!
//! # Tower
//! `layer` takes any [`tower_layer::Layer`] over `Service<Request, Response = Response>` whose errors are tower's boxed
//! errors or can be boxed: those of tower 0.5 fit as they are, alone, in any order, or as a `ServiceBuilder`. A layer
//! makes one service when the server or the channel is made. That serves all calls, so it need not be `Clone`, and a
//! limit in it counts for all calls together. `Buffer` and `RateLimit` must be made inside a tokio runtime, so call
//! [`listen`](crate::Server::listen) and [`connect`](crate::client::ChannelBuilder::connect) inside one.
//!
//! | a layer's error | becomes |
//! | --- | --- |
//! | [`farcall::Error`](crate::Error), also inside another one, as `Buffer` hands it out | what it is |
//! | `Elapsed` of `Timeout`, or of tokio | [`DeadlineExceeded`](crate::Code::DeadlineExceeded) |
//! | `Overloaded` of `LoadShed` | [`ResourceExhausted`](crate::Code::ResourceExhausted) |
//! | `Closed` of `Buffer` | [`Unavailable`](crate::Code::Unavailable) |
//! | anything else | [`Internal`](crate::Code::Internal) |
//!
//! # Outcome
//! A layer cannot say whether a failed call ran: no attempt may have got through, or one, or several. So farcall sets
//! the [`Outcome`](crate::Outcome) of its error. It is [`NotExecuted`](crate::Outcome::NotExecuted) if no attempt left
//! the layers on this side, and never if an attempt left them that may have run. A call that failed so is over: a layer
//! that passes it on later is refused.
//!
//! # Streams and clients
//! Streams, channels and clients among the arguments or in the result are not part of the `body`: they belong to the
//! [`Request`] or [`Response`] itself, and travel with the first of its clones that is sent. So they work in every
//! layer that passes on what it got. A layer that makes a [`Response`] of its own, or sends a request a second time,
//! has only the bytes: such a call fails if its bytes refer to streams or clients.

mod adaptive;
mod attempts;
mod foreign;
mod interceptor;
mod message;
mod next;
mod parcel;
mod shared;
mod stack;

pub use adaptive::AdaptiveLimit;
pub(crate) use attempts::Attempts;
pub(crate) use message::{HandlerTarget, ReceivedParts};
pub use message::{Request, Response};
pub use next::{Answering, Next};
pub(crate) use parcel::Parcel;
pub(crate) use stack::Layers;
