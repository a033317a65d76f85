//! A layer made of a closure.

use std::{
    future::Future,
    task::{Context, Poll},
};

use farcall::{
    Error, Result,
    layer::{Next, Request, Response},
};
use tower_layer::{Layer, layer_fn};
use tower_service::Service;

/// A layer that answers a request with `answer`, which gets the rest of the stack to go on with.
pub fn wrap<F, A>(answer: F) -> impl Layer<Next, Service = Wrapped<F>>
where
    F: Fn(Request, Next) -> A + Clone,
{
    layer_fn(move |next| Wrapped {
        answer: answer.clone(),
        next,
    })
}

#[derive(Clone)]
pub struct Wrapped<F> {
    answer: F,
    next: Next,
}

impl<F, A> Service<Request> for Wrapped<F>
where
    F: Fn(Request, Next) -> A,
    A: Future<Output = Result<Response>>,
{
    type Response = Response;
    type Error = Error;
    type Future = A;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> A {
        (self.answer)(request, self.next.clone())
    }
}
