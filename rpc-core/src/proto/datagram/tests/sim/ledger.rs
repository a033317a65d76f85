//! What became of every call, as its caller sees it and as it was.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::streams::StreamLedger;

/// The longest content.
pub(super) const LONGEST: usize = 1 << 20;

/// The most calls, and the places in the noise where contents begin.
pub(super) const MOST: usize = 1 << 12;
/// Any content is a part of it.
static NOISE: OnceLock<Bytes> = OnceLock::new();

fn noise() -> Bytes {
    let mut noise = vec![0; LONGEST + MOST];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    noise.into()
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(super) struct CallPlan {
    pub(super) at: Instant,
    pub(super) client: usize,
    /// The server calls the client.
    pub(super) by_server: bool,
    pub(super) request: usize,
    pub(super) reply: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) cancelled: Option<Instant>,
    /// The caller does not wait for the answer: the call is over when it has left.
    pub(super) one_way: bool,
}

/// What a caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallFate {
    Answered,
    Executed,
    NotExecuted,
    Unknown,
}

#[derive(Debug)]
struct Record {
    ran: u32,
    told: Option<CallFate>,
}

/// Every call by its number.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) calls: Vec<CallPlan>,
    pub(super) streams: StreamLedger,
    records: Vec<Record>,
    noise: Bytes,
    open: usize,
}

impl Ledger {
    pub(super) fn new(calls: Vec<CallPlan>) -> Self {
        assert!(calls.len() <= MOST);
        Self {
            records: calls.iter().map(|_| Record { ran: 0, told: None }).collect(),
            open: calls.len(),
            calls,
            streams: StreamLedger::new(NOISE.get_or_init(noise).clone()),
            noise: NOISE.get_or_init(noise).clone(),
        }
    }

    /// The calls that have not ended for their callers.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn is_open(&self, number: usize) -> bool {
        self.records[number].told.is_none()
    }

    pub(super) fn request(&self, number: usize) -> Bytes {
        self.noise.slice(number..number + self.calls[number].request)
    }

    /// Another part than the request's unless both are empty.
    pub(super) fn reply(&self, number: usize) -> Bytes {
        let reply = self.calls[number].reply;
        let from = self.calls.len() - number + LONGEST - reply;
        self.noise.slice(from..from + reply)
    }

    /// A handler was started.
    pub(super) fn ran(&mut self, number: usize, body: &Bytes) {
        assert_eq!(
            *body,
            self.request(number),
            "the request of call {number} is not what was sent"
        );
        let record = &mut self.records[number];
        record.ran += 1;
        assert_eq!(
            record.ran, 1,
            "call {number} ran more than once; its caller was told {:?}",
            record.told
        );
        assert_ne!(
            record.told,
            Some(CallFate::NotExecuted),
            "call {number} ran after its caller was told that it never will"
        );
    }

    pub(super) fn answered(&mut self, number: usize, body: &Bytes) {
        assert_eq!(
            *body,
            self.reply(number),
            "call {number} has another one's answer, or a damaged one"
        );
        self.told(number, CallFate::Answered);
    }

    pub(super) fn told(&mut self, number: usize, told: CallFate) {
        let record = &mut self.records[number];
        assert_eq!(record.told, None, "call {number} ended twice");
        let may = match told {
            CallFate::Answered | CallFate::Executed => record.ran == 1,
            CallFate::NotExecuted => record.ran == 0,
            CallFate::Unknown => true,
        };
        assert!(
            may,
            "the caller of call {number} was told {told:?}, and it ran {} times",
            record.ran
        );
        record.told = Some(told);
        self.open -= 1;
    }

    /// The bytes of all requests and replies.
    pub(super) fn planned(&self) -> usize {
        self.calls.iter().map(|call| call.request + call.reply).sum()
    }

    /// How many were told this.
    pub(super) fn count(&self, told: CallFate) -> usize {
        self.records.iter().filter(|record| record.told == Some(told)).count()
    }

    /// The calls that were not given up and failed, except for those that the server had no session for.
    pub(super) fn failed(&self) -> Vec<usize> {
        let well = |call: &CallPlan, told| {
            told == Some(CallFate::Answered) || call.by_server && told == Some(CallFate::NotExecuted)
        };
        self.meant(|call, told| !well(call, told))
    }

    /// The calls that were not given up and whose outcome is unknown.
    pub(super) fn unknown(&self) -> Vec<usize> {
        self.meant(|_, told| told == Some(CallFate::Unknown))
    }

    fn meant(&self, which: impl Fn(&CallPlan, Option<CallFate>) -> bool) -> Vec<usize> {
        let meant = |call: &CallPlan| call.timeout.is_none() && call.cancelled.is_none() && !call.one_way;
        let both = self.calls.iter().zip(&self.records).enumerate();
        both.filter(|(_, (call, record))| meant(call) && which(call, record.told))
            .map(|(number, _)| number)
            .collect()
    }
}
