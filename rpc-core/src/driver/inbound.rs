//! What a driver hands over to whoever answers the peer's calls.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use crate::{
    Error, Metadata,
    carry::Carried,
    proto::{RequestHead, Stop, encode_metadata},
    service::{LocalObject, Payload},
};

/// What the driver does with the peer's calls.
pub(crate) trait Inbound: Send {
    /// Starts a call; its answer goes to `answers` now or to the [`Link`](super::Link) later.
    fn start(&mut self, request: Request, answers: &mut Answers);
    /// Asks a handler to stop; the call is still answered.
    fn stop(&mut self, call: u32, why: Stop);
}

/// A call of the peer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) call: u32,
    pub(crate) head: RequestHead,
    pub(crate) deadline: Option<Instant>,
    pub(crate) body: Bytes,
    /// The object that is called, where the head names one: it may have been let go since.
    pub(crate) target: Option<Arc<LocalObject>>,
    /// What came along.
    pub(crate) carried: Vec<Carried>,
}

/// Answers that are ready at once, and so leave together.
#[derive(Debug)]
pub(crate) struct Answers {
    /// When the calls that are being started were looked at.
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
        self.length += answer.as_ref().map_or(0, |payload| payload.as_slice().len());
        self.ready.push((call, encode_metadata(metadata), answer));
    }
}
