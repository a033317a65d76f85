//! A running handler of a call that came over a connection.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
    task::block_in_place,
};

use super::{
    continuations::Continuations,
    host::{Host, Permit},
    pace::{Place, PollManner},
    work::{HandlerAnswer, Work, late},
};
use crate::{Error, Metadata, Outcome, clock::now, driver::Link, service::Context as CallContext};

/// What must be given at the end of a call: an answer, and its place. If this is dropped without an answer, the handler
/// was stopped.
pub(super) struct Finish {
    owed: Option<(Arc<Link>, u32)>,
    permit: Option<Permit>,
}

impl Finish {
    pub(super) fn new(link: Arc<Link>, call: u32, permit: Permit) -> Self {
        Self {
            owed: Some((link, call)),
            permit: Some(permit),
        }
    }

    fn answer(&mut self, (metadata, answer): HandlerAnswer) {
        self.permit = None;
        if let Some((link, call)) = self.owed.take() {
            link.reply(call, &metadata, answer);
        }
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if self.owed.is_some() {
            let error = Error::cancelled("the handler was stopped before it ended").with_outcome(Outcome::Unknown);
            self.answer((Metadata::new(), Err(error)));
        }
    }
}

/// A running handler of a call. As a future it answers the call itself; with `poll_answer` the caller does that.
pub(super) struct HandlerTask {
    /// Until it has answered and goes on elsewhere.
    work: Option<Work>,
    rests: Arc<Continuations>,
    finish: Option<Finish>,
    detached: bool,
    /// Its deadline, as long as it has not started.
    starts_by: Option<Instant>,
    /// Its first poll is to be timed.
    timed: Option<(Arc<Host>, Place, PollManner)>,
    /// What is dropped when the handler has stopped.
    counted: Option<watch::Receiver<()>>,
}

impl HandlerTask {
    pub(super) fn new(work: Work, rests: Arc<Continuations>, finish: Finish, detached: bool) -> Self {
        Self {
            work: Some(work),
            rests,
            finish: Some(finish),
            detached,
            starts_by: None,
            timed: None,
            counted: None,
        }
    }

    /// Does not start the handler if its turn comes after the deadline. Other handlers may compute for long before.
    pub(super) fn starting_by(mut self, deadline: Option<Instant>) -> Self {
        self.starts_by = deadline;
        self
    }

    /// Tells the host how long the first poll takes.
    pub(super) fn timed(mut self, host: &Arc<Host>, place: Place, manner: PollManner) -> Self {
        self.timed = Some((Arc::clone(host), place, manner));
        self
    }

    /// Counts the handler among those of `host` that run.
    pub(super) fn counted(mut self, host: &Host) -> Self {
        self.counted = Some(host.count());
        self
    }

    pub(super) fn is_detached(&self) -> bool {
        self.detached
    }

    pub(super) fn context(&self) -> CallContext {
        self.work.as_ref().map(Work::context).unwrap_or_default()
    }

    /// The answer, when the handler has one. What is left of the handler then goes on elsewhere.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<HandlerAnswer> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let answer = ready!(work.poll_answer(cx));
        Poll::Ready(match self.go_on() {
            Ok(()) => answer,
            Err(error) => (Metadata::new(), Err(error)),
        })
    }

    /// The same, timed if that is wanted.
    fn poll_timed(&mut self, cx: &mut Context<'_>) -> Poll<HandlerAnswer> {
        let Some((host, place, manner)) = self.timed.take() else {
            return self.poll_answer(cx);
        };
        let mut timed = || {
            let begun = now();
            let polled = self.poll_answer(cx);
            host.pace.polled_alone(place, now().saturating_duration_since(begun));
            polled
        };
        match manner {
            PollManner::BesideOthers => beside_others(timed),
            _ => timed(),
        }
    }

    /// Lets the handler go on if it feeds streams of its answer, in its place among those that run.
    fn go_on(&mut self) -> Result<(), Error> {
        let Some(work) = self.work.take_if(|work| work.has_rest()) else {
            return Ok(());
        };
        let permit = self.finish.as_mut().and_then(|finish| finish.permit.take());
        self.rests.spawn(work, permit)
    }

    /// The caller of `poll_answer` sends the answer.
    pub(super) fn finished(mut self) {
        if let Some(finish) = &mut self.finish {
            finish.owed = None;
        }
    }
}

impl Future for HandlerTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let answer = if self.starts_by.take().is_some_and(|deadline| deadline <= now()) {
            self.work = None;
            (Metadata::new(), Err(late()))
        } else {
            ready!(self.poll_timed(cx))
        };
        if let Some(mut finish) = self.finish.take() {
            // A layer may have answered in the place of a handler that cannot be stopped.
            if let Some(context) = self.work.as_ref().and_then(Work::made_context) {
                context.finish_when_free(finish.permit.take());
            }
            finish.answer(answer);
        }
        Poll::Ready(())
    }
}

/// Runs what may compute for long. A runtime of several threads goes on with its other tasks meanwhile, also with those
/// that wait behind this one.
fn beside_others<R>(compute: impl FnOnce() -> R) -> R {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => block_in_place(compute),
        _ => compute(),
    }
}

impl Drop for HandlerTask {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        let context = work.made_context().cloned();
        // The handler has stopped before its place is free.
        drop(work);
        if let (Some(finish), Some(context)) = (self.finish.take(), context) {
            // Something that cannot be stopped may still work for the call: it finishes the call when it is done.
            context.finish_when_free(finish);
        }
    }
}
