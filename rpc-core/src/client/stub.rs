//! What a generated client holds: a channel and how to call on it.

use std::{fmt, sync::OnceLock, time::Duration};

use bytes::Bytes;
use serde::Serialize;

use super::{
    Call, Channel, ReplyMetadata,
    decode::Answer,
    feeds::Feeds,
    raw::{EncodedCall, RawCall, Timeout},
    streaming,
    timers::Idle,
};
use crate::{
    Error, Metadata, Outcome,
    channel::Streaming,
    proto::encode_metadata,
    service::{Form, MethodDescriptor, Payload, ServiceTypes, Typed, TypedMethod},
    trace::Trace,
};

/// What a generated client holds: a channel, and what its calls carry.
#[derive(Clone)]
pub struct Stub {
    channel: Channel,
    timeout: Option<Duration>,
    item_timeout: Option<Duration>,
    metadata: Metadata,
    /// The metadata, encoded once for all calls.
    block: Bytes,
    /// What was wrong with the metadata; each call fails with it.
    invalid: Option<Error>,
    capture: Option<ReplyMetadata>,
    /// The types of the methods that are called, once one is.
    types: OnceLock<&'static ServiceTypes>,
}

impl Stub {
    /// A stub over `channel`.
    pub fn new(channel: Channel) -> Self {
        let metadata = channel.inner().metadata.clone();
        let block = encode_metadata(&metadata);
        Self {
            channel,
            timeout: None,
            item_timeout: None,
            metadata,
            block,
            invalid: None,
            capture: None,
            types: OnceLock::new(),
        }
    }

    /// The same, which knows the types of the methods of `T`.
    #[inline]
    pub fn of<T: Typed>(&self) -> &Self {
        self.types.get_or_init(ServiceTypes::of::<T>);
        self
    }

    /// The same, with methods whose contract another program told.
    #[cfg(feature = "reflection")]
    #[must_use]
    pub fn with_types(mut self, types: &'static ServiceTypes) -> Self {
        self.types = OnceLock::from(types);
        self
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(super) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(super) fn with_item_timeout(mut self, timeout: Duration) -> Self {
        self.item_timeout = Some(timeout);
        self
    }

    pub(super) fn with_metadata(mut self, change: impl FnOnce(&mut Metadata) -> Result<(), Error>) -> Self {
        match change(&mut self.metadata) {
            Ok(()) => self.block = encode_metadata(&self.metadata),
            Err(error) => self.invalid = Some(error.with_outcome(Outcome::NotExecuted)),
        }
        self
    }

    pub(super) fn with_reply_metadata(mut self, capture: &ReplyMetadata) -> Self {
        self.capture = Some(capture.clone());
        self
    }

    /// Prepares a call: the arguments are encoded now and sent when the call is polled first.
    pub fn call<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> Call<R> {
        self.feeding(method, arguments, Feeds::default(), decode)
    }

    /// The same with streams among the arguments.
    pub fn feeding<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> Call<R> {
        self.prepare(method, arguments, feeds, None, decode)
    }

    /// The same where the answer opens a stream of items, which is the first that may not take longer than an item.
    pub fn opening<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> Call<R> {
        self.prepare(method, arguments, feeds, self.idle(method), decode)
    }

    fn prepare<A: Serialize, R>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
        idle: Option<Idle>,
        decode: fn(Result<Answer, Error>) -> R,
    ) -> Call<R> {
        let payload = match &self.invalid {
            Some(error) => Err(error.clone()),
            None => {
                Payload::arguments(self.channel.inner().wire.format, method.arguments, arguments).map_err(|error| {
                    Error::invalid_argument(format!("the arguments cannot be encoded: {error}"))
                        .with_outcome(Outcome::NotExecuted)
                })
            }
        };
        let trace = Trace::call(method, &self.metadata, || self.channel.address());
        let types = self.types.get().and_then(|types| types.find(method));
        let call = self.outgoing(payload, types, trace.metadata(&self.metadata));
        let call = RawCall::new(self.channel.clone(), method, call)
            .capture(self.capture.clone())
            .streams(feeds, idle);
        Call::new(call, trace, decode)
    }

    /// The items that a call returns, which is made when the first of them is asked for.
    pub fn stream<I: 'static, F: Form<I>, A: Serialize>(
        &self,
        method: &'static MethodDescriptor,
        arguments: &A,
        feeds: Feeds,
    ) -> Streaming<F::Seen> {
        let call = self.feeding(method, arguments, feeds, streaming::items::<F::Wire>);
        streaming::lazy::<I, F>(call, self.idle(method))
    }

    /// What watches over the waits for items, if they are limited.
    fn idle(&self, method: &'static MethodDescriptor) -> Option<Idle> {
        let limit = self.item_timeout?;
        Some(Idle::new(limit, method, self.channel.runtime().ok()))
    }

    fn outgoing(
        &self,
        payload: Result<Payload, Error>,
        types: Option<&'static TypedMethod>,
        traced: Option<Metadata>,
    ) -> EncodedCall {
        EncodedCall {
            payload,
            types,
            timeout: Timeout::After(self.timeout),
            metadata: traced.as_ref().map_or_else(|| self.block.clone(), encode_metadata),
            shown: self.channel.inner().layers.as_ref().map(|_| {
                let shown = traced.unwrap_or_else(|| self.metadata.clone());
                Box::new(shown)
            }),
        }
    }
}

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stub")
            .field("channel", &self.channel)
            .field("timeout", &self.timeout)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
