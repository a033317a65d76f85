//! The span of a call, on the client or on the server.

use tracing::{Span, debug_span, field::Empty};

use super::parent::TraceParent;
use crate::{Address, Context, Error, Metadata, Peer, service::MethodDescriptor};

const TRACE_PARENT: &str = "traceparent";
/// What the systems on the way noted about the trace; passed on as it is.
const TRACE_STATE: &str = "tracestate";

/// The span of a call, on the client or on the server.
///
/// If the span is not recorded, an incoming trace goes on unchanged, and no trace begins: without a subscriber the
/// feature adds nothing to a call.
pub(crate) struct Trace {
    span: Span,
    parent: Option<TraceParent>,
    state: Option<String>,
    finished: bool,
}

/// The two spans differ in their name, which has to be a literal.
macro_rules! call_span {
    ($name:literal, $method:expr, $peer:expr) => {
        debug_span!(
            target: "farcall",
            $name,
            rpc.service = $method.service(),
            rpc.method = $method.method(),
            peer = %$peer,
            trace_id = Empty,
            span_id = Empty,
            parent_id = Empty,
            code = Empty,
            outcome = Empty,
        )
    };
}

impl Trace {
    /// On the client: a child of the trace parent in `own`, the client's metadata, or else of the call whose handler
    /// runs here.
    pub(crate) fn call<'a>(
        method: &'static MethodDescriptor,
        own: &Metadata,
        peer: impl FnOnce() -> &'a Address,
    ) -> Self {
        let context = Context::current();
        let from = [own, context.metadata()]
            .into_iter()
            .find(|metadata| metadata.value(TRACE_PARENT).is_some());
        Self::new(call_span!("farcall.call", method, peer()), from)
    }

    /// On the server: a child of the call that came in. From then on it is the trace parent in the call's metadata,
    /// where the calls that the handler makes find it.
    pub(crate) fn serve(method: &'static MethodDescriptor, peer: &Peer, metadata: &mut Metadata) -> Self {
        let trace = Self::new(call_span!("farcall.serve", method, peer), Some(metadata));
        if let Some(parent) = trace.parent {
            trace.put(parent, metadata);
        }
        trace
    }

    fn new(span: Span, from: Option<&Metadata>) -> Self {
        let value = |key| from.and_then(|metadata| metadata.value(key));
        let above: Option<TraceParent> = value(TRACE_PARENT).and_then(|text| text.parse().ok());
        let parent = if span.is_disabled() {
            above
        } else {
            let parent = above.map_or_else(TraceParent::root, TraceParent::child);
            span.record("trace_id", parent.trace_id());
            span.record("span_id", parent.span_id());
            if let Some(above) = above {
                span.record("parent_id", above.span_id());
            }
            Some(parent)
        };
        Self {
            span,
            parent,
            // It belongs to the trace that goes on, and means nothing for a new one.
            state: above.and(value(TRACE_STATE)).map(str::to_owned),
            finished: false,
        }
    }

    /// `own` with the trace parent for the server; `None` where there is no trace.
    pub(crate) fn metadata(&self, own: &Metadata) -> Option<Metadata> {
        self.parent.map(|parent| {
            let mut metadata = own.clone();
            self.put(parent, &mut metadata);
            metadata
        })
    }

    fn put(&self, parent: TraceParent, metadata: &mut Metadata) {
        metadata.remove(TRACE_PARENT);
        metadata.remove(TRACE_STATE);
        let state = self.state.clone().map(|state| (TRACE_STATE, state));
        for (key, value) in [(TRACE_PARENT, parent.to_string())].into_iter().chain(state) {
            metadata.append(key, value).expect("both constants are keys of text");
        }
    }

    pub(crate) fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        self.span.in_scope(work)
    }

    /// The call has ended. A typed error of the service's own is an answer like any other here.
    pub(crate) fn finished(&mut self, error: Option<&Error>) {
        self.finished = true;
        match error {
            Some(error) => {
                self.span.record("code", tracing::field::debug(error.code()));
                self.span.record("outcome", tracing::field::debug(error.outcome()));
            }
            None => {
                self.span.record("code", "Ok");
            }
        }
    }
}

impl Drop for Trace {
    /// The caller has dropped its future, or the handler was stopped.
    fn drop(&mut self) {
        if !self.finished {
            self.span.record("code", "Cancelled");
        }
    }
}
