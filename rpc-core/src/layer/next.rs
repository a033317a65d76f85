//! What a layer wraps.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{
    Request, Response,
    shared::{Below, ServiceTurn},
};
use crate::Error;

/// The future of a [`Next`].
pub type Answering = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// What a layer wraps: the layers below it, and at the bottom the call itself.
///
/// As a service it is ready when the layer below it is.
pub struct Next {
    stack: Stack,
    /// If the layer below is not ready.
    turn: Option<ServiceTurn>,
}

type Function = dyn Fn(Request) -> Answering + Send + Sync;

#[derive(Clone)]
enum Stack {
    Function(Arc<Function>),
    Service(Arc<dyn Below>),
}

impl Next {
    /// The bottom of a stack.
    pub(crate) fn bottom(function: impl Fn(Request) -> Answering + Send + Sync + 'static) -> Self {
        Self::new(Stack::Function(Arc::new(function)))
    }

    /// A layer's service.
    pub(super) fn service(service: Arc<dyn Below>) -> Self {
        Self::new(Stack::Service(service))
    }

    fn new(stack: Stack) -> Self {
        Self { stack, turn: None }
    }

    /// Passes the request on, and gives the answer.
    ///
    /// Dropping the future gives the attempt up, as dropping a call does.
    ///
    /// # Errors
    /// What became of the call below.
    pub async fn run(self, request: Request) -> Result<Response, Error> {
        self.answer(request).await
    }

    /// Waits until the service below takes a call.
    pub(super) fn poll_below(&self, turn: &mut Option<ServiceTurn>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &self.stack {
            Stack::Function(_) => Poll::Ready(Ok(())),
            Stack::Service(service) => service.poll_ready(turn, cx),
        }
    }

    /// Answers one call.
    pub(crate) fn answer(&self, request: Request) -> Answering {
        match &self.stack {
            Stack::Function(function) => function(request),
            Stack::Service(service) => Arc::clone(service).answer(request),
        }
    }
}

impl Clone for Next {
    fn clone(&self) -> Self {
        Self::new(self.stack.clone())
    }
}

impl Service<Request> for Next {
    type Response = Response;
    type Error = Error;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut turn = self.turn.take();
        let ready = self.poll_below(&mut turn, cx);
        self.turn = turn;
        ready
    }

    fn call(&mut self, request: Request) -> Answering {
        self.turn = None;
        self.answer(request)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}
