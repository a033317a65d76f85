//! A subscriber that hears everything, of farcall and of others.

use std::fmt::Debug;

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, Interest},
};

use crate::secrets::Heard;

struct Recorder(Heard);

/// Records on this thread until the result is dropped.
pub(crate) fn record(heard: &Heard) -> DefaultGuard {
    tracing::subscriber::set_default(Recorder(heard.clone()))
}

impl Subscriber for Recorder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.0.say(&attributes.metadata().name());
        attributes.record(&mut Visitor(&self.0));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Visitor(&self.0));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Visitor(&self.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Visitor<'a>(&'a Heard);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0.say(&value);
    }
}
