//! The layers that a builder was given.

use std::{fmt, sync::Arc};

use tower_service::Service;

use super::{Next, Request, Response, foreign::BoxError, interceptor::Interceptor, shared::SharedService};
use crate::Error;

/// The layers that a builder was given, the outermost first.
#[derive(Default)]
pub(crate) struct Layers(Vec<Box<dyn FnOnce(Next) -> Next + Send>>);

impl Layers {
    pub(crate) fn push<L>(&mut self, layer: L)
    where
        L: tower_layer::Layer<Next> + Send + 'static,
        L::Service: Service<Request, Response = Response> + Send + 'static,
        <L::Service as Service<Request>>::Error: Into<BoxError>,
        <L::Service as Service<Request>>::Future: Send,
    {
        let wrap = move |next| Next::service(Arc::new(SharedService::new(layer.layer(next))));
        self.0.push(Box::new(wrap));
    }

    /// A layer of one closure, which gets a clone of itself for each call and so may keep what it holds across awaits.
    pub(crate) fn intercept<F, A>(&mut self, interceptor: F)
    where
        F: FnOnce(Request, Next) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Response, Error>> + Send + 'static,
    {
        let wrap = move |next| Next::service(Arc::new(Interceptor { interceptor, next }));
        self.0.push(Box::new(wrap));
    }

    /// The layers around `bottom`; `None` without layers, so that a call does not pass through anything.
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
