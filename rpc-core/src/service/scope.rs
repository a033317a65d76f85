//! What is known about a call while its handler is polled; it becomes a [`Context`] only when somebody asks.

use std::{
    any::Any,
    cell::OnceCell,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Instant,
};

use tokio::sync::Notify;

use super::{Context, MethodDescriptor, context::Inner};
use crate::{Metadata, transport::Address};

/// What is known about a call while its handler is polled.
pub(crate) struct Scope {
    call: Option<Call>,
    context: OnceCell<Context>,
    /// Shared by whoever must be done before the call counts as over; see [`Hold`].
    hold: OnceCell<Hold>,
}

/// The parts of a context, before there is one.
pub(crate) struct Call {
    pub(crate) peer: Arc<Address>,
    pub(crate) method: &'static MethodDescriptor,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) metadata: Metadata,
}

/// Keeps a call's place occupied while something works for it that cannot be stopped, such as a closure on the blocking pool:
/// what the server puts in is dropped with the last clone.
#[derive(Clone, Default)]
pub(crate) struct Hold(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Hold {
    pub(crate) fn put(&self, finish: Box<dyn Any + Send>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(finish);
    }
}

impl Scope {
    /// The scope of a call that just came in.
    pub(crate) fn new(call: Call) -> Self {
        Self {
            call: Some(call),
            context: OnceCell::new(),
            hold: OnceCell::new(),
        }
    }

    /// A scope around a context that exists.
    pub(crate) fn of(context: Context) -> Self {
        Self {
            call: None,
            context: OnceCell::from(context),
            hold: OnceCell::new(),
        }
    }

    /// The context, made now if it was not before.
    pub(crate) fn context(&self) -> Context {
        self.context
            .get_or_init(|| self.call.as_ref().map_or_else(Context::default, Call::context))
            .clone()
    }

    /// The context, if somebody asked for it.
    pub(crate) fn made_context(&self) -> Option<&Context> {
        self.context.get()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.call {
            Some(call) => call.deadline,
            None => self.context.get().and_then(Context::deadline),
        }
    }

    /// Holds the call's place from now on.
    pub(crate) fn hold(&self) -> Hold {
        self.hold.get_or_init(Hold::default).clone()
    }

    /// Who holds the call's place, if anyone ever did.
    pub(crate) fn held(&self) -> Option<&Hold> {
        self.hold.get()
    }
}

impl Call {
    fn context(&self) -> Context {
        Context::from_inner(Inner {
            peer: Arc::clone(&self.peer),
            method: self.method,
            instance: self.instance.clone(),
            deadline: self.deadline,
            metadata: self.metadata.clone(),
            reply: Mutex::default(),
            cancelled: AtomicBool::new(false),
            cancellation: Notify::new(),
        })
    }
}
