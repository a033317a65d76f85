//! A layer of one closure.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Answering, Next, Request, Response,
    shared::{Below, ServiceTurn},
};
use crate::Error;

/// A layer of one closure, and what is below it.
pub(super) struct Interceptor<F> {
    pub(super) interceptor: F,
    pub(super) next: Next,
}

impl<F, A> Below for Interceptor<F>
where
    F: FnOnce(Request, Next) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Error>> + Send,
{
    fn poll_ready(&self, turn: &mut Option<ServiceTurn>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.next.poll_below(turn, cx)
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        // Cloning and calling the closure runs foreign code. Only in here does its panic fail just this call.
        Box::pin(async move {
            let (interceptor, next) = (self.interceptor.clone(), self.next.clone());
            interceptor(request, next).await
        })
    }
}
