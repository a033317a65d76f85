//! What a handler can know about its call.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::{
    MethodDescriptor,
    liveness::{CallLiveness, PlaceHold},
    scope::Scope,
};
use crate::{
    Error, Metadata,
    clock::now,
    principal::Principal,
    sync::Mutex,
    transport::{Address, Identity, Peer},
};

thread_local! {
    /// The call whose handler is being polled on this thread.
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// The call that a handler works on: who asked for what, until when, and whether they still want it.
///
/// [`Context::current`] returns it inside a handler, at any depth, as long as the code runs in the handler's own
/// future; [`Context::scope`] carries it into a spawned task. Calls made there inherit what is left of the deadline by
/// themselves, and are cancelled with the handler because their futures are dropped with its own.
///
/// Outside a handler the context is empty: no peer, no deadline, no metadata, never cancelled.
///
/// ```
/// use farcall::Context;
///
/// let outside = Context::current();
/// assert!(outside.remaining().is_none());
/// assert!(outside.metadata().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<ContextInner>>);

pub(crate) struct ContextInner {
    pub(crate) peer: Arc<Peer>,
    pub(crate) method: &'static MethodDescriptor,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) metadata: Metadata,
    /// Set before the handler starts.
    pub(crate) principal: OnceLock<Principal>,
    pub(crate) level: u16,
    pub(crate) reply: Mutex<Metadata>,
    pub(crate) liveness: Arc<CallLiveness>,
}

static NO_METADATA: Metadata = Metadata::new();

impl Context {
    /// The context of the handler that runs here; an empty one outside a handler.
    pub fn current() -> Self {
        Self::try_current().unwrap_or_default()
    }

    /// The context of the handler that runs here; `None` outside a handler.
    pub fn try_current() -> Option<Self> {
        with_current(Scope::context)
    }

    pub(crate) fn from_inner(inner: ContextInner) -> Self {
        Self(Some(Arc::new(inner)))
    }

    fn inner(&self) -> Option<&ContextInner> {
        self.0.as_deref()
    }

    /// The address of the caller.
    pub fn peer(&self) -> Option<&Address> {
        self.inner().map(|inner| inner.peer.address())
    }

    /// Who the caller is, as the transport has verified; `None` if it does not verify that, as over plain TCP and UDP.
    ///
    /// Code that lets only some callers do a thing uses [`authenticated`](Self::authenticated), which refuses all whom
    /// nobody has verified.
    pub fn identity(&self) -> Option<&Identity> {
        self.inner().and_then(|inner| inner.peer.identity())
    }

    /// Who the caller is, or the error that refuses a caller whom nobody has verified.
    ///
    /// ```
    /// use farcall::Context;
    ///
    /// fn may_delete() -> farcall::Result<()> {
    ///     let context = Context::current();
    ///     if context.authenticated()?.has_name("dns:admin.internal") {
    ///         return Ok(());
    ///     }
    ///     Err(farcall::Error::permission_denied("only the administrator deletes"))
    /// }
    /// assert_eq!(may_delete().unwrap_err().code(), farcall::Code::Unauthenticated);
    /// ```
    ///
    /// # Errors
    /// `Unauthenticated`: the caller has no verified identity, or this is outside a handler.
    pub fn authenticated(&self) -> Result<&Identity, Error> {
        self.identity().ok_or_else(|| {
            Error::unauthenticated(
                "the caller has no verified identity; let it connect over TLS with a certificate of its own, or over \
                 a Unix socket",
            )
        })
    }

    /// Whom the caller's token speaks for, as the server has [verified](crate::Server::verify_tokens) it; `None` if the
    /// caller sent none, or the server does not verify tokens.
    ///
    /// ```
    /// use farcall::Context;
    ///
    /// fn tenant() -> farcall::Result<String> {
    ///     let context = Context::current();
    ///     let principal = context.principal().ok_or_else(|| farcall::Error::unauthenticated("send a token"))?;
    ///     Ok(principal.subject().to_owned())
    /// }
    /// # assert!(tenant().is_err());
    /// ```
    pub fn principal(&self) -> Option<&Principal> {
        self.inner().and_then(|inner| inner.principal.get())
    }

    /// Whom the caller's token speaks for, once that is known.
    pub(crate) fn set_principal(&self, principal: Principal) {
        if let Some(inner) = self.inner() {
            // The token of a call is verified once.
            let _ = inner.principal.set(principal);
        }
    }

    /// The service's name on the wire.
    pub fn service(&self) -> Option<&'static str> {
        self.inner().map(|inner| inner.method.service())
    }

    /// The method's name on the wire.
    pub fn method(&self) -> Option<&'static str> {
        self.inner().map(|inner| inner.method.method())
    }

    /// The named instance that was called, as it was registered.
    pub fn instance(&self) -> Option<&str> {
        self.inner().and_then(|inner| inner.instance.as_deref())
    }

    /// When the caller stops waiting, on this machine's clock.
    pub fn deadline(&self) -> Option<Instant> {
        self.inner().and_then(|inner| inner.deadline)
    }

    /// The time until the deadline, zero when it has passed; `None` without one.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline()
            .map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// What the caller sent beside the arguments.
    pub fn metadata(&self) -> &Metadata {
        self.inner().map_or(&NO_METADATA, |inner| &inner.metadata)
    }

    /// Adds text to the metadata that goes back with the answer, whether it is a result or an error.
    ///
    /// Does nothing in an empty context.
    ///
    /// # Errors
    /// As [`Metadata::append`].
    pub fn append_reply_metadata(&self, key: &str, value: impl Into<String>) -> crate::Result<()> {
        self.with_reply(|reply| reply.append(key, value))
    }

    /// Adds bytes to the metadata that goes back with the answer.
    ///
    /// Does nothing in an empty context.
    ///
    /// # Errors
    /// As [`Metadata::append_bin`].
    pub fn append_reply_metadata_bin(&self, key: &str, value: impl Into<bytes::Bytes>) -> crate::Result<()> {
        self.with_reply(|reply| reply.append_bin(key, value))
    }

    /// Adds a pair that a layer made.
    pub(crate) fn append_wire_reply(&self, key: &str, value: &[u8]) -> crate::Result<()> {
        self.with_reply(|reply| reply.append_wire(key, value))
    }

    fn with_reply(&self, change: impl FnOnce(&mut Metadata) -> crate::Result<()>) -> crate::Result<()> {
        match self.inner() {
            Some(inner) => change(&mut inner.reply.lock()),
            None => Ok(()),
        }
    }

    pub(crate) fn take_reply_metadata(&self) -> Metadata {
        let Some(inner) = self.inner() else {
            return Metadata::new();
        };
        std::mem::take(&mut inner.reply.lock())
    }

    /// Whether the caller gave the call up or its deadline has passed.
    ///
    /// An ordinary handler is dropped at its next await then; this is for `blocking` and `detached` handlers, which go
    /// on.
    pub fn is_cancelled(&self) -> bool {
        self.inner().is_some_and(|inner| inner.liveness.is_cancelled())
    }

    /// Waits until the caller has given the call up or its deadline has passed; for ever in an empty context.
    ///
    /// Cancel safe: nothing is lost when the future is dropped.
    pub async fn cancelled(&self) {
        match self.inner() {
            Some(inner) => inner.liveness.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// How many calls to objects of this process run around this one.
    pub(super) fn level(&self) -> u16 {
        self.inner().map_or(0, |inner| inner.level)
    }

    pub(crate) fn cancel(&self) {
        if let Some(inner) = self.inner() {
            inner.liveness.cancel();
        }
    }

    /// Holds the call's place as long as the result lives.
    pub(crate) fn hold(&self) -> Option<PlaceHold> {
        self.inner().map(|inner| inner.liveness.hold())
    }

    /// Drops `finish` when the call's place is not held any more, which may be now.
    pub(crate) fn finish_when_free(&self, finish: impl std::any::Any + Send) {
        if let Some(inner) = self.inner() {
            inner.liveness.finish_when_free(finish);
        }
    }

    /// Runs `future` in this context, for instance in a task spawned by a handler. The task is not stopped with the
    /// handler; it can watch [`cancelled`](Self::cancelled).
    ///
    /// ```
    /// # async fn example() {
    /// let context = farcall::Context::current();
    /// tokio::spawn(context.scope(async { /* calls made here inherit the deadline */ }));
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let mut scope = Some(Scope::of(self.clone()));
        async move {
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|cx| enter(&mut scope, || future.as_mut().poll(cx))).await
        }
    }

    /// Runs a function in this context.
    pub(crate) fn enter<R>(&self, function: impl FnOnce() -> R) -> R {
        enter(&mut Some(Scope::of(self.clone())), function)
    }

    /// The same context as a layer has rewritten it.
    pub(crate) fn rewritten(&self, deadline: Option<Instant>, metadata: Metadata) -> Self {
        let Some(inner) = self.inner() else {
            return Self::default();
        };
        Self::from_inner(ContextInner {
            peer: Arc::clone(&inner.peer),
            method: inner.method,
            instance: inner.instance.clone(),
            deadline,
            metadata,
            principal: inner.principal.clone(),
            level: inner.level,
            reply: Mutex::default(),
            liveness: Arc::clone(&inner.liveness),
        })
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(inner) = self.inner() else {
            return f.write_str("Context(outside a handler)");
        };
        f.debug_struct("Context")
            .field("peer", &inner.peer)
            .field("principal", &inner.principal.get())
            .field("method", &inner.method.path)
            .field("instance", &inner.instance)
            .field("remaining", &self.remaining())
            .field("metadata", &inner.metadata)
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}

/// Asks the current scope, if there is one.
pub(crate) fn with_current<R>(ask: impl FnOnce(&Scope) -> R) -> Option<R> {
    // The slot is borrowed only here and for a swap in `enter`, and no foreign code runs inside either.
    CURRENT
        .try_with(|current| current.borrow().as_ref().map(ask))
        .ok()
        .flatten()
}

/// Whether this is inside a handler.
pub(crate) fn is_in_handler() -> bool {
    with_current(|_| ()).is_some()
}

/// Runs `function` with `scope` as the current one, and takes it back, on unwinding as well.
pub(crate) fn enter<R>(scope: &mut Option<Scope>, function: impl FnOnce() -> R) -> R {
    struct RestoreScope<'a>(&'a mut Option<Scope>);
    impl Drop for RestoreScope<'_> {
        fn drop(&mut self) {
            CURRENT.with(|current| std::mem::swap(&mut *current.borrow_mut(), self.0));
        }
    }
    CURRENT.with(|current| std::mem::swap(&mut *current.borrow_mut(), scope));
    let _restore = RestoreScope(scope);
    function()
}
