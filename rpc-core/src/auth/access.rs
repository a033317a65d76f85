//! What rules look at.

use crate::{Identity, Metadata, principal::Principal, service::MethodDescriptor, transport::Address};

/// A caller and the method that it asks for, as [rules](super::Rules::allow_if) see them.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    pub(crate) peer: &'a Address,
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) method: &'static MethodDescriptor,
    pub(crate) instance: Option<&'a str>,
}

impl<'a> Access<'a> {
    /// What the caller of the handler that runs in this context has to do with this method.
    #[cfg(feature = "reflection")]
    pub(crate) fn of_caller(
        context: &'a crate::Context,
        method: &'static MethodDescriptor,
        instance: Option<&'a str>,
    ) -> Option<Self> {
        Some(Self {
            peer: context.peer()?,
            identity: context.identity(),
            principal: context.principal(),
            metadata: context.metadata(),
            method,
            instance,
        })
    }

    /// The address of the caller.
    pub fn peer(&self) -> &'a Address {
        self.peer
    }

    /// Who the caller is, as its transport has verified.
    pub fn identity(&self) -> Option<&'a Identity> {
        self.identity
    }

    /// Whom the caller's token speaks for.
    pub fn principal(&self) -> Option<&'a Principal> {
        self.principal
    }

    /// What the caller says beside the arguments. Anyone may say anything there: it can narrow what a caller may do,
    /// and is no proof of who it is.
    pub fn metadata(&self) -> &'a Metadata {
        self.metadata
    }

    /// The method, with what it [requires](MethodDescriptor::requires).
    pub fn method(&self) -> &'static MethodDescriptor {
        self.method
    }

    /// The named instance, if one is called.
    pub fn instance(&self) -> Option<&'a str> {
        self.instance
    }
}
