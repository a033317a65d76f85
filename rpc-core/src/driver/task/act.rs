//! Acting on what came: answers go to their callers, calls to their handlers.

use tokio::time::Instant;

use super::{CallRequest, Driver};
use crate::{
    Error, Metadata, Outcome,
    driver::{Answers, CallHandler, Callee, inside::inside, link::LinkGuard},
    proto::{Event, IndexedQueue, Lost, Stop, Target},
};

/// While this much waits to be written and delays what comes after it, no handler is started: so a peer that does not
/// read does not cause more answers.
const HIGH_WATER: usize = 1 << 20;
/// Answers that are collected before they are queued, in bytes and in number: a driver keeps room for so many.
const BATCH: (usize, usize) = (64 << 10, 128);

impl<I: CallHandler + Unpin> Driver<I> {
    /// Acts on a portion of what was read.
    pub(super) fn act(&mut self) -> Result<(), Lost> {
        self.now = Instant::now();
        let now = self.now.into_std();
        let mut state = self.link.lock();
        state.connection.handle_heard(now);
        let frames = self.portion.frames(state.connection.crowd());
        let handled = state
            .connection
            .handle_read(&mut self.input, &mut self.landing, frames, now);
        // What came before the end of a connection counts, even if the same bytes brought the end.
        let work = take_events(&mut state, &mut self.deferred);
        self.wants_write = state.connection.wants_write();
        drop(state);
        self.attend(work);
        self.unread = handled?;
        Ok(())
    }

    /// Hands on what happened: answers to their callers, calls to their handlers.
    pub(super) fn forward(&mut self) {
        let mut state = self.link.lock();
        let work = take_events(&mut state, &mut self.deferred);
        drop(state);
        self.attend(work);
    }

    /// Does what the peer wants of this side.
    fn attend(&mut self, work: Wanted) {
        self.start(work.queued);
        for (call, why) in work.stops {
            self.stop(call, why);
        }
    }

    /// Starts the handlers of waiting calls as long as the peer takes the answers.
    pub(super) fn start(&mut self, mut queued: usize) {
        if self.deferred.is_empty() {
            return;
        }
        self.answers.now = self.now.into_std();
        // Handlers may call as well, and what they answered may be queued before the driver writes.
        self.wants_write = true;
        while queued + self.answers.length < HIGH_WATER {
            let Some(request) = self.deferred.pop_front() else {
                break;
            };
            inside(|| self.inbound.start(request, &mut self.answers));
            if self.answers.length >= BATCH.0 || self.answers.ready.len() >= BATCH.1 {
                // The outbox knows how much a large answer counts.
                queued = self.answer();
            }
        }
        let now = Instant::now();
        self.inbound.started(now.saturating_duration_since(self.now));
        self.now = now;
    }

    fn stop(&mut self, call: u32, why: Stop) {
        match self.deferred.remove(call.into()) {
            Some(_) => {
                let error = Error::cancelled("the call waited and never started").with_outcome(Outcome::NotExecuted);
                self.answers.answer(call, &Metadata::new(), Err(error));
            }
            None => self.inbound.stop(call, why),
        }
    }

    /// Queues the answers that were ready at once. Gives how many bytes wait in the outbox.
    pub(super) fn answer(&mut self) -> usize {
        let mut state = self.link.lock();
        queue_answers(&mut state, &mut self.answers);
        state.connection.queued()
    }
}

/// What the peer wants of this side.
struct Wanted {
    /// How many bytes wait in the outbox.
    queued: usize,
    stops: Vec<(u32, Stop)>,
}

/// Hands on what happened, except for handlers; new calls are put behind those that wait.
fn take_events(state: &mut LinkGuard<'_>, deferred: &mut IndexedQueue<CallRequest>) -> Wanted {
    let mut stops = Vec::new();
    let queued = state.connection.queued();
    while let Some(event) = state.connection.poll_event() {
        match event {
            Event::Request { call, head, body } => deferred.push_back(CallRequest {
                call,
                method: head.method,
                deadline: state.connection.deadline(call),
                metadata: head.metadata,
                body,
                claim: head.claim,
                callee: match head.target {
                    // The next event may be that the object goes.
                    Target::Object(object) => Callee::Object(state.object(object)),
                    Target::Service => Callee::Service(None),
                    Target::Instance(instance) => Callee::Service(Some(instance)),
                },
                carried: state.carried(head.attachments),
            }),
            Event::Stop { call, why } => stops.push((call, why)),
            event => state.handle(event),
        }
    }
    // Calls have ended.
    state.take_turns();
    Wanted { queued, stops }
}

pub(super) fn queue_answers(state: &mut LinkGuard<'_>, answers: &mut Answers) {
    if answers.ready.is_empty() {
        return;
    }
    for (call, metadata, answer) in answers.ready.drain(..) {
        state.reply(call, &metadata, answer);
    }
    answers.length = 0;
}
