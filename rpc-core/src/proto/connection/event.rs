//! What a connection tells its user.

use std::time::Duration;

use bytes::Bytes;
use thin_vec::ThinVec;

use crate::{
    Error,
    proto::{Attachment, PeerHead, Stop, StreamId, Violation},
};

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A call that this side made ended well.
    Reply {
        call: u32,
        metadata: Bytes,
        body: Bytes,
        attachments: ThinVec<Attachment>,
    },
    /// A call that this side made ended badly.
    Failed { call: u32, error: Error },
    /// The peer makes a call, to be answered by its [`deadline`](super::Connection::deadline).
    Request { call: u32, head: PeerHead, body: Bytes },
    /// The handler of the peer's call is to stop; the call still ends with [`reply`](super::Connection::reply).
    Stop { call: u32, why: Stop },
    /// No new calls are to be made: the peer takes none, or the connection ends because neither side has any use for
    /// it.
    GoAway,
    /// A sender that found no room has some, or its receiver has stopped.
    Sendable { stream: StreamId },
    /// A receiver that found nothing has something.
    Receivable { stream: StreamId },
    /// The peer has no reference to an object of this side any more.
    Released { object: u32 },
    /// The peer wants to know when an object of this side is revoked. Only its latest watch of an object counts.
    Watched { object: u32, watch: u64 },
    /// The object of a [watch](super::Connection::watch_object) is revoked.
    Revoked { watch: u64 },
    /// The transport took all of a request that was [watched](super::Connection::watch_leaving).
    Left { call: u32 },
}

/// Up to this size a value is moved by instructions in place, beyond it by a call, and events are moved often.
const _: () = assert!(size_of::<Event>() <= 128);

/// Why the connection is over.
#[derive(Clone, Debug)]
pub(crate) enum Lost {
    /// The peer broke the protocol.
    Violation(Violation),
    /// The peer closed, and said why.
    Closed(Error),
    /// The peer no longer answers.
    Silent(Duration),
    /// The peer no longer reads.
    Stalled(Duration),
}

impl From<Violation> for Lost {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}
