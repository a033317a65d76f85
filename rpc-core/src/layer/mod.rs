//! The seam for middleware: what a [`tower_layer::Layer`] sees of a call, on either side.
//!
//! A layer wraps a `Service<Request, Response = Response, Error = Error>`, may await, refuse with an [`Error`], and rewrite
//! metadata, deadline and answer. Without layers no part of this is in the way of a call.
//!
//! ```
//! use std::{future::Future, pin::Pin, task::{Context, Poll}};
//! use farcall::{Channel, Error, Server, layer::{Next, Request, Response}};
//! use tower_layer::layer_fn;
//! use tower_service::Service;
//!
//! /// Tells each call which tenant it is for.
//! #[derive(Clone)]
//! struct Tenant(Next);
//!
//! impl Service<Request> for Tenant {
//!     type Response = Response;
//!     type Error = Error;
//!     type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;
//!
//!     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
//!         self.0.poll_ready(cx)
//!     }
//!
//!     fn call(&mut self, mut request: Request) -> Self::Future {
//!         match request.metadata.append("tenant", "eu") {
//!             Ok(()) => Box::pin(self.0.call(request)),
//!             Err(error) => Box::pin(std::future::ready(Err(error))),
//!         }
//!     }
//! }
//! # #[farcall::service] pub trait Inventory { async fn tenant(&self) -> farcall::Result<String>; }
//! # struct Warehouse;
//! # impl Inventory for Warehouse {
//! #     async fn tenant(&self) -> farcall::Result<String> {
//! #         Ok(farcall::Context::current().metadata().value("tenant").unwrap_or("nobody").to_owned())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//!
//! let server = Server::new().service(InventoryServer::new(Warehouse));
//! let channel = Channel::builder().layer(layer_fn(Tenant)).loopback(server);
//! assert_eq!(InventoryClient::new(channel).tenant().await?, "eu");
//! # Ok(())
//! # }
//! ```
//!
//! # Streams and clients
//! Streams, channels and clients among the arguments or in the result are no part of the `body`: they belong to the [`Request`]
//! or [`Response`] itself, travel with it, and with the first of its clones that gets to its end. So a layer that passes on what
//! it got is in the way of nothing. One that makes a [`Response`] of its own, or sends one request a second time, has only the
//! bytes: such a call fails if its bytes speak of streams or clients.

mod parcel;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use tower_service::Service;

pub(crate) use parcel::Parcel;

use thin_vec::ThinVec;

use crate::{
    Address, Error, Metadata,
    carry::Carried,
    service::{Extra, Handler, MethodDescriptor},
};

/// A call as a layer sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// Service, method and policy.
    pub method: &'static MethodDescriptor,
    /// The named instance, if one is called.
    pub instance: Option<Arc<str>>,
    /// The other end: the caller on a server, the server on a client.
    pub peer: Address,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What travels beside the arguments.
    pub metadata: Metadata,
    /// The encoded arguments, for measuring or recording.
    pub body: Bytes,
    /// On a client: what goes with the arguments.
    pub(crate) sent: Parcel<Box<Extra>>,
    /// On a server: where the request leads.
    pub(crate) target: Option<Target>,
}

/// Where a request on a server leads once it has passed the layers; it may pass them again, as a retry does.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) context: crate::Context,
    pub(crate) start: Arc<dyn Fn(Bytes) -> Handler + Send + Sync>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// An answer as a layer sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// What travels beside the result.
    pub metadata: Metadata,
    /// The encoded result.
    pub body: Bytes,
    /// On a server: what goes with the result.
    pub(crate) sent: Parcel<Box<Extra>>,
    /// On a client: what came with the result.
    pub(crate) came: Parcel<Came>,
}

/// What came with a result.
pub(crate) struct Came {
    pub(crate) carried: ThinVec<Carried>,
    pub(crate) deadline: Option<Instant>,
}

impl Response {
    /// An answer of nothing but bytes.
    pub fn new(metadata: Metadata, body: Bytes) -> Self {
        Self {
            metadata,
            body,
            sent: Parcel::default(),
            came: Parcel::default(),
        }
    }

    /// A server's answer.
    pub(crate) fn sending(metadata: Metadata, body: Bytes, sent: Option<Box<Extra>>) -> Self {
        Self {
            sent: Parcel::new(sent),
            ..Self::new(metadata, body)
        }
    }

    /// A client's answer.
    pub(crate) fn received(metadata: Metadata, body: Bytes, came: Came) -> Self {
        Self {
            came: Parcel::new(Some(came)),
            ..Self::new(metadata, body)
        }
    }
}

/// The future of a [`Next`].
pub type Answering = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// What a layer wraps: the layers below it, and at the bottom the call itself.
#[derive(Clone)]
pub struct Next(Shared);

type Function = dyn Fn(Request) -> Answering + Send + Sync;

#[derive(Clone)]
enum Shared {
    Function(Arc<Function>),
    /// A user's service is cloned for each call, as tower's services are meant to be; the lock is held for the clone only.
    Service(Arc<Mutex<Box<dyn CloneService>>>),
}

impl Next {
    /// The bottom of a stack.
    pub(crate) fn bottom(function: impl Fn(Request) -> Answering + Send + Sync + 'static) -> Self {
        Self(Shared::Function(Arc::new(function)))
    }

    /// One layer more.
    fn wrap<L>(self, layer: &L) -> Self
    where
        L: tower_layer::Layer<Self>,
        L::Service: Service<Request, Response = Response> + Clone + Send + 'static,
        <L::Service as Service<Request>>::Error: Into<Error>,
        <L::Service as Service<Request>>::Future: Send,
    {
        Self(Shared::Service(Arc::new(Mutex::new(Box::new(layer.layer(self))))))
    }

    /// Answers one call.
    pub(crate) fn answer(&self, request: Request) -> Answering {
        match &self.0 {
            Shared::Function(function) => function(request),
            Shared::Service(service) => service.lock().unwrap_or_else(PoisonError::into_inner).answer(request),
        }
    }
}

impl Service<Request> for Next {
    type Response = Response;
    type Error = Error;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        self.answer(request)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

/// The layers that a builder was given, the outermost first.
#[derive(Default)]
pub(crate) struct Layers(Vec<Box<dyn FnOnce(Next) -> Next + Send>>);

impl Layers {
    pub(crate) fn push<L>(&mut self, layer: L)
    where
        L: tower_layer::Layer<Next> + Send + 'static,
        L::Service: Service<Request, Response = Response> + Clone + Send + 'static,
        <L::Service as Service<Request>>::Error: Into<Error>,
        <L::Service as Service<Request>>::Future: Send,
    {
        self.0.push(Box::new(move |next| next.wrap(&layer)));
    }

    /// The layers around `bottom`; `None` without any, so that nothing is in the way of a call.
    pub(crate) fn around(self, bottom: Next) -> Option<Next> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.0.into_iter().rev().fold(bottom, |next, wrap| wrap(next)))
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.len().fmt(f)
    }
}

/// A service that can be cloned behind a box.
trait CloneService: Send {
    fn answer(&self, request: Request) -> Answering;
}

impl<S> CloneService for S
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<Error>,
    S::Future: Send,
{
    fn answer(&self, request: Request) -> Answering {
        let mut service = self.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            service.call(request).await.map_err(Into::into)
        })
    }
}
