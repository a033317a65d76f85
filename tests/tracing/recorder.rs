//! A subscriber that records farcall's spans, and a layer that records the trace parents that pass it.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use farcall::layer::{Next, Request};
use tokio::sync::mpsc::UnboundedSender;
use tower_service::Service;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, Interest},
};

/// The fields of a span and `name`, or those of an event and `level`.
pub(crate) type Fields = BTreeMap<&'static str, String>;

#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Fields>>>, Arc<Mutex<Vec<Fields>>>);

/// Records on this thread until it is dropped.
pub(crate) struct Recording {
    recorder: Recorder,
    _guard: DefaultGuard,
}

impl Recorder {
    pub(crate) fn start() -> Recording {
        let recorder = Self::default();
        let guard = tracing::subscriber::set_default(recorder.clone());
        Recording {
            recorder,
            _guard: guard,
        }
    }

    fn change<R>(&self, change: impl FnOnce(&mut Vec<Fields>) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Recording {
    /// In the order of their beginnings.
    pub(crate) fn spans(&self) -> Vec<Fields> {
        self.recorder.change(|spans| spans.clone())
    }
}

impl Recording {
    /// The events with this message.
    pub(crate) fn events(&self, message: &str) -> Vec<Fields> {
        let events = self.recorder.1.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |fields: &&Fields| fields.get("message").is_some_and(|said| said == message);
        events.iter().filter(named).cloned().collect()
    }
}

impl Subscriber for Recorder {
    /// Asked anew each time, because other threads of this process record nothing.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "farcall"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::from([("name", attributes.metadata().name().to_owned())]);
        attributes.record(&mut Visitor(&mut fields));
        self.change(|spans| {
            spans.push(fields);
            Id::from_u64(spans.len() as u64)
        })
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let index = usize::try_from(span.into_u64()).expect("an index") - 1;
        self.change(|spans| values.record(&mut Visitor(&mut spans[index])));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::from([("level", event.metadata().level().to_string())]);
        event.record(&mut Visitor(&mut fields));
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// Tells the trace parent of each call.
pub(crate) struct Watch(pub(crate) UnboundedSender<String>);

#[derive(Clone)]
pub(crate) struct Watching {
    next: Next,
    seen: UnboundedSender<String>,
}

impl tower_layer::Layer<Next> for Watch {
    type Service = Watching;

    fn layer(&self, next: Next) -> Watching {
        Watching {
            next,
            seen: self.0.clone(),
        }
    }
}

impl Service<Request> for Watching {
    type Response = <Next as Service<Request>>::Response;
    type Error = farcall::Error;
    type Future = <Next as Service<Request>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), farcall::Error>> {
        self.next.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let parent = request.metadata.value("traceparent").unwrap_or("none").to_owned();
        self.seen.send(parent).expect("the test listens");
        self.next.call(request)
    }
}
