//! A call for which there is a method, on its way to the handler.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{
    claimed::Claimed,
    layered::{bottom, layered},
    router::Route,
    work::Work,
};
use crate::{
    Code, Error, Metadata, Peer,
    auth::{Principal, Unverified},
    contract::{Claim, FormatKind},
    driver::attachments::{IncomingAttachment, Wire},
    layer::{self, Next, Parcel},
    proto::parse_metadata,
    service::{CallParts, Context as CallContext, Handler, Invocation, Scope},
    trace::Trace,
};

/// A call for which there is a method, on its way to the handler. It came over a connection, or from this process.
pub(super) struct RoutedCall<'a> {
    pub(super) route: &'a Route,
    pub(super) peer: &'a Arc<Peer>,
    pub(super) wire: Wire,
    /// What the caller means by the method, if that is still to be checked.
    pub(super) claim: Option<Box<Claim>>,
    /// Whether it is told how the types differ.
    pub(super) tells_types: bool,
    pub(super) deadline: Option<Instant>,
    pub(super) metadata: Metadata,
    pub(super) body: Bytes,
    pub(super) carried: ThinVec<IncomingAttachment>,
    /// How many calls to objects of this process run around it.
    pub(super) level: u16,
    /// Whom the caller's token speaks for, if that is known already.
    pub(super) principal: Option<Principal>,
    /// The token that is to be verified before anything else is done.
    pub(super) unverified: Option<Unverified>,
}

/// The metadata of a call, which came as a block.
pub(super) fn read_block(block: &Bytes) -> Result<Metadata, Error> {
    parse_metadata(block)
        .map_err(|violation| Error::refused(Code::InvalidArgument, format!("the metadata is broken: {violation}")))
}

impl RoutedCall<'_> {
    /// The handler, behind the layers if there are any; nothing runs before it is polled.
    pub(super) fn into_work(mut self, layers: Option<&Next>) -> Work {
        let method = self.route.method;
        let trace = Trace::serve(method, self.peer, &mut self.metadata);
        let scope = Scope::new(CallParts {
            peer: Arc::clone(self.peer),
            method,
            instance: self.route.instance.clone(),
            deadline: self.deadline,
            metadata: std::mem::take(&mut self.metadata),
            principal: self.principal.take(),
            level: self.level,
        });
        let tells_panics = self.wire.tells_panics;
        let handler = match (layers, self.unverified.take()) {
            (None, None) => self.dispatch(),
            (Some(layers), None) => layered(layers, self.into_request(scope.context())),
            (layers, Some(unverified)) => self.verified(unverified, layers, scope.context()),
        };
        Work::new(handler, scope, trace, tells_panics)
    }

    fn dispatch(self) -> Handler {
        let route = self.route;
        if let Some(refusal) = self.claimed().and_then(|claimed| claimed.refusal(self.peer)) {
            return Box::pin(std::future::ready(Err(refusal)));
        }
        let invocation = Invocation::arrived(route.method, self.body, self.wire, self.carried);
        route.service.dispatch(route.index, invocation)
    }

    /// The handler, once its caller's token is verified.
    fn verified(self, unverified: Unverified, layers: Option<&Next>, context: CallContext) -> Handler {
        let layers = layers.cloned().unwrap_or_else(|| Next::bottom(bottom));
        let request = self.into_request(context.clone());
        Box::pin(async move {
            let principal = unverified.verify(context.metadata()).await?;
            context.set_principal(principal);
            layered(&layers, request).await
        })
    }

    /// What is to be checked before the call is decoded.
    fn claimed(&self) -> Option<Claimed> {
        Some(Claimed {
            claim: self.claim.clone()?,
            method: self.route.method,
            types: self.route.types?,
            kind: FormatKind::of(self.wire.format),
            tells_types: self.tells_types,
        })
    }

    /// The call as layers see it, with the way to its handler.
    fn into_request(self, context: CallContext) -> layer::Request {
        let (service, index, method) = (Arc::clone(&self.route.service), self.route.index, self.route.method);
        let (claimed, peer) = (self.claimed(), Arc::clone(self.peer));
        let (wire, carried) = (self.wire, Parcel::list(self.carried));
        layer::Request {
            method,
            instance: self.route.instance.clone(),
            peer: self.peer.address().clone(),
            deadline: context.deadline(),
            metadata: context.metadata().clone(),
            body: self.body,
            sent: Parcel::default(),
            attempts: Arc::default(),
            types: None,
            target: Some(layer::HandlerTarget {
                context,
                start: Arc::new(move |body| {
                    // Behind the layers: they decide first who may call at all.
                    if let Some(refusal) = claimed.as_ref().and_then(|claimed| claimed.refusal(&peer)) {
                        return Box::pin(std::future::ready(Err(refusal)));
                    }
                    let carried = carried.take().unwrap_or_default();
                    service.dispatch(index, Invocation::arrived(method, body, wire, carried))
                }),
            }),
        }
    }
}
