//! What a driver hands over to the code that answers the peer's calls.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use thin_vec::ThinVec;

use crate::{
    Error, Metadata,
    contract::Claim,
    driver::attachments::{IncomingAttachment, Object, Payload},
    proto::{Stop, encode_metadata, failure_len},
};

/// What the driver does with the peer's calls.
pub(crate) trait CallHandler: Send {
    /// Starts a call; its answer goes to `answers` now or to the [`Link`](super::Link) later.
    fn start(&mut self, request: CallRequest, answers: &mut Answers);
    /// The calls since the last time were started one after the other, which took so long.
    fn started(&mut self, took: Duration);
    /// Gives back the memory that was needed in busier times: no call is open.
    fn shrink(&mut self);
    /// Asks a handler to stop; the call is still answered.
    fn stop(&mut self, call: u32, why: Stop);
}

/// A call of the peer.
#[derive(Debug)]
pub(crate) struct CallRequest {
    pub(crate) call: u32,
    /// Which method, by its id.
    pub(crate) method: u64,
    pub(crate) callee: Callee,
    /// What the caller means by the method, if it says that.
    pub(crate) claim: Option<Box<Claim>>,
    pub(crate) deadline: Option<Instant>,
    /// The metadata, as a block.
    pub(crate) metadata: Bytes,
    pub(crate) body: Bytes,
    /// What came along.
    pub(crate) carried: ThinVec<IncomingAttachment>,
}

/// What is called.
#[derive(Debug)]
pub(crate) enum Callee {
    /// The service that has the method; its instance with this id, if one is named.
    Service(Option<u64>),
    /// An object that was handed out; `None` if it has been dropped since.
    Object(Option<Arc<dyn Object>>),
}

/// Answers that are ready at once, and so leave together.
#[derive(Debug)]
pub(crate) struct Answers {
    /// The time at which the calls that are being started were read.
    pub(crate) now: Instant,
    pub(super) ready: Vec<(u32, Bytes, Result<Payload, Error>)>,
    pub(super) length: usize,
}

impl Answers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            now,
            ready: Vec::new(),
            length: 0,
        }
    }

    /// Answers a call.
    pub(crate) fn answer(&mut self, call: u32, metadata: &Metadata, answer: Result<Payload, Error>) {
        let metadata = encode_metadata(metadata);
        self.length += metadata.len() + answer_len(&answer);
        self.ready.push((call, metadata, answer));
    }
}

/// How much an answer takes beside the metadata of its reply.
pub(super) fn answer_len(answer: &Result<Payload, Error>) -> usize {
    match answer {
        Ok(payload) => payload.len(),
        Err(error) => failure_len(error),
    }
}
