//! Large messages that wait to be written.

use bytes::Bytes;

use crate::proto::{Keyed, StreamId, frame::Kind};

/// The kind of a large message. Requests and replies have separate budgets, so that neither starves the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Request,
    Reply,
}

impl MessageKind {
    /// The kind of a message's first frame, and of the others.
    pub(super) fn frame_kinds(self) -> (Kind, Kind) {
        match self {
            Self::Request => (Kind::Request, Kind::RequestData),
            Self::Reply => (Kind::Reply, Kind::ReplyData),
        }
    }

    /// The message of a call: a request and a reply may belong to calls with the same id.
    pub(super) fn key(self, call: u32) -> u64 {
        (self as u64) << 32 | u64::from(call)
    }
}

/// The rest of a message whose body is not copied.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) kind: MessageKind,
    pub(super) call: u32,
    /// What stands before the body; taken with the first piece.
    pub(super) head: Bytes,
    /// How many bytes of the message's body end the head.
    pub(super) before: usize,
    pub(super) body: Bytes,
    /// What the message counts against the peer's budget.
    pub(super) cost: usize,
    /// The memory that it keeps until its last byte has left.
    pub(super) held: usize,
    pub(super) begun: bool,
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) enum Contender {
    Message(Large),
    Stream(StreamId),
}

impl Keyed for Large {
    fn key(&self) -> Option<u64> {
        Some(self.call.into())
    }
}

impl Keyed for Contender {
    fn key(&self) -> Option<u64> {
        match self {
            Self::Message(message) => Some(message.kind.key(message.call)),
            Self::Stream(_) => None,
        }
    }
}

/// What left the outbox with a turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Departed {
    pub(crate) kind: MessageKind,
    pub(crate) call: u32,
    /// The position in the stream behind the message's last byte.
    pub(crate) end: u64,
}

/// What became of a message that was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// It was not waiting here: all of it has left.
    Gone,
    /// Nothing of it had left.
    Unbegun,
    /// Some of it had left; the rest never will.
    Begun,
}
