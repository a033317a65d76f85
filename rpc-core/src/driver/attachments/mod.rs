//! What travels beside the bytes of a message: ends of streams, and references to objects.
//!
//! A value that cannot be bytes puts itself into the message's list while it is serialised and writes its place in the
//! list. When it is deserialised, it takes itself out again by that place. The list belongs to the thread, and exists
//! only while a message is encoded or decoded, so such values can be put only into messages.

mod object;
mod payload;
mod scope;
#[cfg(test)]
mod tests;

use std::{any::Any, fmt, sync::Arc};

pub(crate) use object::{Object, revoked};
pub use payload::Payload;
pub(crate) use scope::{claim, collecting, decoding, is_collecting, is_near, offer, plain};

use super::{Import, RecvStream, SendStream};
use crate::{
    codec::{DecodeLimits, Format},
    proto::Flow,
};

/// How values are written on a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wire {
    pub(crate) format: Format,
    pub(crate) limits: DecodeLimits,
    /// Whether both sides check that they mean the same by a method.
    pub(crate) checks: bool,
    /// Whether the peer certainly is on this machine, so that paths and names in memory mean the same to both.
    pub(crate) near: bool,
    /// Whether the peer is told the text of a panic.
    pub(crate) tells_panics: bool,
}

/// What goes out with a message. If it is dropped before it is sent, the value that offered it counts as dropped.
pub(crate) enum OutgoingAttachment {
    /// One end of a stream leaves; what stays is the other one, which sends or receives here.
    Stream {
        /// What this side will do.
        flow: Flow,
        end: Box<dyn StreamEnd>,
    },
    /// An object that lives here.
    Object(Arc<dyn Object>),
    /// An object that lives elsewhere.
    Import(Arc<Import>),
}

/// The end of a stream that leaves, with what it needs to join the one that stays to a connection.
pub(crate) trait StreamEnd: Send + Sync {
    /// The message is on its way: what stays sends or receives over a connection from now on.
    fn bind(self: Box<Self>, bound: Bound);
    /// For a message that stays in the process: the end itself, for code that knows its type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// The end of a stream on a connection.
#[derive(Debug)]
pub(crate) enum Bound {
    SendStream(SendStream),
    RecvStream(RecvStream),
}

/// What came with a message. Dropped without being claimed it is given back to the peer.
pub(crate) enum IncomingAttachment {
    SendStream(SendStream),
    RecvStream(RecvStream),
    /// An object of the peer's.
    Import(Arc<Import>),
    /// An object that lives here and comes back.
    Object(Arc<dyn Object>),
    /// The message never left the process.
    Local(OutgoingAttachment),
    /// An object of this side that has gone meanwhile.
    Nothing,
}

impl fmt::Debug for OutgoingAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream { .. } => "Stream",
            Self::Object(_) => "Object",
            Self::Import(_) => "Import",
        })
    }
}

impl fmt::Debug for IncomingAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendStream(_) => "SendStream",
            Self::RecvStream(_) => "RecvStream",
            Self::Import(_) => "Import",
            Self::Object(_) => "Object",
            Self::Local(_) => "Local",
            Self::Nothing => "Nothing",
        })
    }
}
