//! One call that this side made.

use std::time::{Duration, Instant};

use bytes::Bytes;
use thin_vec::ThinVec;

use crate::proto::{Attachment, RequestHead, agreements::Unchecked, assembly::Assembly};

/// How far a call has come with the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    #[default]
    Open,
    /// It was given up, or is past its deadline: the peer was told to stop.
    Cancelled,
    /// The peer has sent its last frame, or never heard of the call.
    Ended,
}

/// What becomes of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Caller {
    /// It waits for the answer, or has it.
    #[default]
    There,
    /// The end of the call waits to be handed out. Until then the id is not used again: otherwise another call would
    /// get the answer.
    Queued { released: bool },
    /// The caller does not wait for the answer.
    Released,
}

/// A long reply, as far as it has come.
#[derive(Debug)]
pub(crate) struct PartialReply {
    pub(super) metadata: Bytes,
    pub(super) body: Assembly,
}

/// One call that this side made.
#[derive(Debug, Default)]
pub(crate) struct OutgoingCall {
    pub(super) deadline: Option<Instant>,
    /// What the caller allowed, for the error that says so.
    pub(crate) timeout: Option<Duration>,
    pub(crate) progress: Progress,
    pub(super) caller: Caller,
    /// The position in the stream behind the request's last byte; `None` while some of it waits.
    pub(crate) end: Option<u64>,
    /// The caller waits for the request to leave.
    pub(super) watched: bool,
    /// What the request costs of the peer's budget.
    pub(crate) cost: usize,
    /// A list went before the request.
    pub(crate) attached: bool,
    /// What its answer says of the peer's method.
    pub(crate) unchecked: Option<Box<Unchecked>>,
    /// The object that is called.
    pub(crate) object: Option<u32>,
    /// What the reply that is to come carries, once its list has come.
    attachments: Option<ThinVec<Attachment>>,
    pub(super) reply: Option<Box<PartialReply>>,
}

impl OutgoingCall {
    /// A call whose request is to be queued.
    pub(crate) fn new(head: &RequestHead, unchecked: Option<Unchecked>, deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            timeout: head.timeout,
            attached: !head.attachments.is_empty(),
            object: head.target.object(),
            unchecked: unchecked.map(Box::new),
            ..Self::default()
        }
    }

    /// Whether its caller waits for an answer that is to come.
    pub(super) fn is_awaited(&self) -> bool {
        self.progress == Progress::Open && self.caller == Caller::There
    }

    /// The deadline of a call that may still miss it.
    pub(super) fn open_until(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.is_awaited())
    }

    /// Whether a long reply has begun to come.
    pub(crate) fn has_reply(&self) -> bool {
        self.reply.is_some()
    }

    /// Whether the list of its reply may come.
    pub(crate) fn expects_list(&self) -> bool {
        !self.has_reply() && self.attachments.is_none()
    }

    /// The list of its reply has come; returns it if the caller does not wait any more.
    pub(crate) fn put_list(&mut self, list: ThinVec<Attachment>) -> ThinVec<Attachment> {
        let (kept, unwanted) = match self.progress {
            Progress::Open => (list, ThinVec::new()),
            Progress::Cancelled | Progress::Ended => (ThinVec::new(), list),
        };
        self.attachments = Some(kept);
        unwanted
    }

    /// Takes what the reply carries.
    pub(crate) fn take_list(&mut self) -> ThinVec<Attachment> {
        self.attachments.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn release(&mut self) {
        self.caller = match self.caller {
            Caller::There | Caller::Released => Caller::Released,
            Caller::Queued { .. } => Caller::Queued { released: true },
        };
    }
}
