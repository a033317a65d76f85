//! A call and its answer as layers see them.

use std::{fmt, sync::Arc, time::Instant};

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{attempts::Attempts, parcel::Parcel};
use crate::{
    Address, Context, Identity, Metadata,
    driver::attachments::{IncomingAttachment, OutgoingAttachment},
    principal::Principal,
    service::{Continuation, Handler, MethodDescriptor, TypedMethod},
};

/// A call as a layer sees it.
///
/// It may be cloned and sent again; its clones are attempts at one call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// Service, method and policy.
    pub method: &'static MethodDescriptor,
    /// The named instance, if one is called.
    pub instance: Option<Arc<str>>,
    /// The other end: the caller on a server, the server on a client.
    pub peer: Address,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What travels beside the arguments.
    pub metadata: Metadata,
    /// The encoded arguments, for measuring or recording.
    pub body: Bytes,
    /// On a client: what goes with the arguments.
    pub(crate) sent: Parcel<ThinVec<OutgoingAttachment>>,
    /// On a server: where the request leads.
    pub(crate) target: Option<HandlerTarget>,
    /// On a client: the types of the method, if they are known.
    pub(crate) types: Option<&'static TypedMethod>,
    /// What has become of the call so far.
    pub(crate) attempts: Arc<Attempts>,
}

impl Request {
    /// On a server: who the caller is, as its transport has verified. `None` if it does not verify that, and on a
    /// client.
    pub fn identity(&self) -> Option<&Identity> {
        self.target.as_ref()?.context.identity()
    }

    /// On a server: whom the caller's token speaks for. `None` without a token, if the server does not
    /// [verify](crate::Server::verify_tokens) any, and on a client.
    pub fn principal(&self) -> Option<&Principal> {
        self.target.as_ref()?.context.principal()
    }

    /// On a client: whether it can be sent a second time, which streams and clients among the arguments cannot.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.sent.is_empty()
    }
}

/// Where a request on a server leads once it has passed the layers; it may pass them again, as a retry does.
#[derive(Clone)]
pub(crate) struct HandlerTarget {
    pub(crate) context: Context,
    pub(crate) start: Arc<dyn Fn(Bytes) -> Handler + Send + Sync>,
}

impl fmt::Debug for HandlerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerTarget").finish_non_exhaustive()
    }
}

/// An answer as a layer sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// What travels beside the result.
    pub metadata: Metadata,
    /// The encoded result.
    pub body: Bytes,
    /// On a server: what goes with the result.
    pub(crate) sent: Parcel<ThinVec<OutgoingAttachment>>,
    /// On a server: what the handler still does after its result.
    pub(crate) continuation: Parcel<Continuation>,
    /// On a client: what came with the result.
    pub(crate) came: Parcel<ReceivedParts>,
}

/// What came with a result.
pub(crate) struct ReceivedParts {
    pub(crate) carried: ThinVec<IncomingAttachment>,
    pub(crate) deadline: Option<Instant>,
}

impl Response {
    /// An answer that is only bytes.
    pub fn new(metadata: Metadata, body: Bytes) -> Self {
        Self {
            metadata,
            body,
            sent: Parcel::default(),
            continuation: Parcel::default(),
            came: Parcel::default(),
        }
    }

    /// A server's answer.
    pub(crate) fn sending(
        metadata: Metadata,
        body: Bytes,
        sent: ThinVec<OutgoingAttachment>,
        continuation: Option<Continuation>,
    ) -> Self {
        Self {
            sent: Parcel::list(sent),
            continuation: Parcel::new(continuation),
            ..Self::new(metadata, body)
        }
    }

    /// A client's answer.
    pub(crate) fn received(metadata: Metadata, body: Bytes, came: ReceivedParts) -> Self {
        Self {
            came: Parcel::new(Some(came)),
            ..Self::new(metadata, body)
        }
    }
}
