//! The end of a turn: timers, sleep, and what an idle connection gives back.

use std::task::Context;

use bytes::BytesMut;
use tokio::time::Instant;

use super::{Driver, Round, act::queue_answers, input};
use crate::{buffers, driver::CallHandler, proto::Lost, transport::LastHeard};

impl<I: CallHandler + Unpin> Driver<I> {
    /// The turn ends although there may be more to read and write. Timers do not wait for that, but for what was read
    /// already: an answer among it came in time.
    pub(super) fn looked(&mut self) -> Result<(), Lost> {
        while self.unread && self.is_pressing() {
            self.act()?;
        }
        let now = self.now.into_std();
        let mut state = self.link.lock();
        // A handler that has ended in time is not late because its answer was not queued yet.
        queue_answers(&mut state, &mut self.answers);
        let wanted = state.look.looked(now);
        let due = state.is_due(now);
        drop(state);
        if wanted {
            self.link.tell_looked();
        }
        if due { self.time_out() } else { Ok(()) }
    }

    /// Whether a call waits until the driver has looked at all that came, or a timer is due.
    fn is_pressing(&self) -> bool {
        let state = self.link.lock();
        state.look.is_wanted() || state.is_due(self.now.into_std())
    }

    /// Acts on timers that are due. A peer from which the transport has heard since bytes were read is not silent.
    fn time_out(&mut self) -> Result<(), Lost> {
        self.now = Instant::now();
        let now = self.now.into_std();
        let heard = self.heard.as_ref().and_then(LastHeard::get);
        let mut state = self.link.lock();
        if let Some(at) = heard {
            state.connection.handle_heard(at);
        }
        state.expire_waiting(now);
        state.connection.handle_timeout(now)?;
        drop(state);
        self.forward();
        Ok(())
    }

    /// Goes to sleep unless there is something to write that the transport may take, something to tell, or a timer is
    /// due. What is to be written leaves after the next read: what comes then may leave with it.
    pub(super) fn rest(&mut self, cx: &mut Context<'_>, blocked: bool) -> Result<Round, Lost> {
        let now = self.now.into_std();
        let mut state = self.link.lock();
        queue_answers(&mut state, &mut self.answers);
        let news = state.connection.has_events();
        self.wants_write = !blocked && state.connection.wants_write();
        let awake = news || self.wants_write;
        let wanted = !awake && state.look.looked(now);
        if !awake {
            state.sleep(cx.waker());
        }
        let idle = !awake && self.input.is_empty() && state.connection.is_idle(now);
        if idle {
            state.shrink();
        }
        let finished = !awake && self.output.is_empty() && state.is_finished();
        let due = state.poll_timeout();
        drop(state);
        if !awake {
            input::give_back(&mut self.input);
        }
        if idle {
            self.shrink();
            buffers::tidy(now);
        }
        if wanted {
            self.link.tell_looked();
        }
        if news {
            // Writing has made room for streams, or a user has dropped something.
            self.forward();
        }
        if !self.is_pending(cx, due) {
            self.time_out()?;
            return Ok(Round::Goes);
        }
        Ok(match awake {
            true => Round::Goes,
            false if finished => Round::Finished,
            false => Round::Sleeps,
        })
    }

    /// Pings come and go, and an idle connection keeps no memory for them.
    fn shrink(&mut self) {
        self.input = BytesMut::new();
        self.output.shrink_to_fit();
        self.deferred.shrink();
        self.answers.ready.shrink_to_fit();
        self.inbound.shrink();
    }

    /// Keeps the timer at or before the connection's next instant, and waits for it. It is moved only when it would be
    /// late, and asked only when it may have news, so that a busy connection does not touch it.
    fn is_pending(&mut self, cx: &mut Context<'_>, due: Option<std::time::Instant>) -> bool {
        let Some(due) = due.map(Instant::from_std) else {
            return true;
        };
        let set = self.timer.deadline();
        if set <= due && self.now < set && self.armed.as_ref().is_some_and(|armed| armed.will_wake(cx.waker())) {
            return true;
        }
        if due < set || self.timer.is_elapsed() {
            self.timer.as_mut().reset(due);
        }
        let pending = self.timer.as_mut().poll(cx).is_pending();
        self.armed = pending.then(|| cx.waker().clone());
        pending
    }
}
