//! What is known about a call while its handler is polled; it becomes a [`Context`] only when the handler asks.

use std::{
    cell::OnceCell,
    sync::{Arc, OnceLock},
    time::Instant,
};

use super::{Context, MethodDescriptor, context::ContextInner};
use crate::{Metadata, principal::Principal, sync::Mutex, transport::Peer};

/// What is known about a call while its handler is polled.
pub(crate) struct Scope {
    call: Option<CallParts>,
    context: OnceCell<Context>,
}

/// The parts of a context, before there is one.
pub(crate) struct CallParts {
    pub(crate) peer: Arc<Peer>,
    pub(crate) method: &'static MethodDescriptor,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) metadata: Metadata,
    pub(crate) principal: Option<Principal>,
    /// How many calls to objects of this process are under way around this one.
    pub(crate) level: u16,
}

impl Scope {
    /// The scope of a call that just came in.
    pub(crate) fn new(call: CallParts) -> Self {
        Self {
            call: Some(call),
            context: OnceCell::new(),
        }
    }

    /// A scope around a context that exists.
    pub(crate) fn of(context: Context) -> Self {
        Self {
            call: None,
            context: OnceCell::from(context),
        }
    }

    /// The context, made now if it was not before.
    pub(crate) fn context(&self) -> Context {
        self.context
            .get_or_init(|| self.call.as_ref().map_or_else(Context::default, CallParts::context))
            .clone()
    }

    /// The context, if it was asked for.
    pub(crate) fn made_context(&self) -> Option<&Context> {
        self.context.get()
    }

    /// How many calls to objects of this process are under way around it.
    pub(crate) fn level(&self) -> u16 {
        match &self.call {
            Some(call) => call.level,
            None => self.context.get().map_or(0, Context::level),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.call {
            Some(call) => call.deadline,
            None => self.context.get().and_then(Context::deadline),
        }
    }
}

impl CallParts {
    fn context(&self) -> Context {
        Context::from_inner(ContextInner {
            peer: Arc::clone(&self.peer),
            method: self.method,
            instance: self.instance.clone(),
            deadline: self.deadline,
            metadata: self.metadata.clone(),
            principal: self.principal.clone().map(OnceLock::from).unwrap_or_default(),
            level: self.level,
            reply: Mutex::default(),
            liveness: Arc::default(),
        })
    }
}
