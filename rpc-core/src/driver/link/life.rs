//! How long a connection lives: as long as it is needed.

use std::sync::Arc;

use super::{Link, LinkGuard, LinkState, current_runtime};
use crate::{Error, Outcome};

/// What needs the connection, and whether it takes new calls.
pub(super) struct Life {
    /// Whether there is still a channel that can make calls. Always true on a server's side, which has no channel.
    held: bool,
    /// References to the peer's objects, and ends of streams that have not ended.
    handles: usize,
    /// Handlers that have answered and still feed the streams of their answers.
    rests: usize,
    /// No new calls: end when all is done.
    pub(super) closing: bool,
    /// This side ends the connection when its calls are done, even if it has streams and references.
    draining: bool,
    /// The connection is to end now, and why.
    cut: Option<Error>,
    /// The connection is over, and why.
    pub(super) end: Option<Error>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            held: true,
            handles: 0,
            rests: 0,
            closing: false,
            draining: false,
            cut: None,
            end: None,
        }
    }
}

/// Work for the connection goes on: what is left of a handler that has answered. A connection that drains waits for it.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Link>);

impl Link {
    /// Takes no more calls from the peer; the connection ends when the running calls are done, and what is left of
    /// their handlers.
    pub(crate) fn go_away(self: &Arc<Self>) {
        let mut state = self.lock();
        state.connection.go_away();
        state.life.closing = true;
        state.life.draining = true;
        state.turn_away();
        state.wake_driver();
    }

    /// Ends the connection now; the peer is told why, as far as the transport takes it at once.
    pub(crate) fn cut(self: &Arc<Self>, why: Error) {
        let mut state = self.lock();
        state.life.cut = Some(why);
        state.wake_driver();
    }

    /// Nothing more can be written: other calls need another connection.
    pub(in crate::driver) fn breaks(&self) {
        self.state.lock().life.closing = true;
    }

    /// The last channel is gone: the connection ends when all calls are done, and this side has no reference to one of
    /// the peer's objects and no end of a stream.
    pub(crate) fn finish(self: &Arc<Self>) {
        let mut state = self.lock();
        state.life.held = false;
        state.end_if_unneeded();
    }

    /// Delays the end of a connection that drains.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.state.lock().life.rests += 1;
        Busy(Arc::clone(self))
    }

    /// Whether this is another runtime than the connection's, which therefore may stand still while this one runs.
    pub(crate) fn is_foreign(&self) -> bool {
        let here = current_runtime();
        here.is_some() && here != self.runtime
    }

    /// Whether any call on this connection ended before the connection did.
    pub(crate) fn has_answered(&self) -> bool {
        self.state.lock().answered
    }

    /// Whether new calls may be made on this connection.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.state.lock();
        !state.is_over() && !state.is_closing()
    }

    /// Ends the connection now: every waiting call fails, as not executed if it provably never left; every stream ends,
    /// and every object that the peer could name is dropped.
    pub(in crate::driver) fn end(self: &Arc<Self>, why: &Error) {
        let mut state = self.lock();
        if state.is_over() {
            return;
        }
        // Answers that came before the end are answers.
        while let Some(event) = state.connection.poll_event() {
            state.handle(event);
        }
        // What was sent on streams may have arrived or not.
        let end = why.clone().with_outcome(Outcome::Unknown);
        state.life.end = Some(end.clone());
        for (id, outcome) in state.connection.drain_lost() {
            let waiter = state.waiter(id);
            waiter.answer = Some(Err(why.clone().with_outcome(outcome)));
            let waker = waiter.waker.take();
            state.due.wake(waker);
        }
        state.turn_away();
        let wakers = state.streams.take_all();
        state.due.wake(wakers);
        let (key, objects) = (self.key(), state.exports.clear());
        let rare = state.due.rare();
        rare.objects.extend(objects.inspect(|object| object.unwatch(key)));
        let watched: Vec<_> = state.imports.endings().chain([Arc::clone(&self.ending)]).collect();
        let ended = watched.into_iter().map(|ending| (ending, end.clone()));
        state.due.rare().endings.extend(ended);
        // An end of a stream keeps the link, but must not keep what was never read.
        let unsent = state.connection.take_unsent();
        state.settle_unread();
        drop(state);
        self.tell_looked();
        drop(unsent);
    }
}

impl LinkState {
    pub(in crate::driver) fn is_over(&self) -> bool {
        self.life.end.is_some()
    }

    /// Why the connection is over, if it is.
    pub(in crate::driver) fn end_reason(&self) -> Option<&Error> {
        self.life.end.as_ref()
    }

    /// Why the connection is to end now, if it is.
    pub(in crate::driver) fn take_cut(&mut self) -> Option<Error> {
        self.life.cut.take()
    }

    pub(in crate::driver) fn is_cut(&self) -> bool {
        self.life.cut.is_some()
    }

    pub(in crate::driver) fn is_closing(&self) -> bool {
        self.life.closing
    }

    /// Whether the connection may end now, because all is done and no new calls can come.
    pub(in crate::driver) fn is_finished(&self) -> bool {
        let Life {
            closing,
            draining,
            handles,
            rests,
            ..
        } = self.life;
        // The other side may go on feeding the streams that this one holds: then it is the one to end the connection.
        let unneeded = closing && (draining || handles == 0) && rests == 0;
        unneeded && self.queue.is_empty() && self.connection.is_drained()
    }

    /// Whether any handler runs for the peer, or what is left of one: its calls back are what the peer's calls may wait
    /// for.
    pub(super) fn has_handlers(&self) -> bool {
        self.connection.incoming() > 0 || self.life.rests > 0
    }

    /// There is one more reference or end of a stream.
    pub(super) fn hold(&mut self) {
        self.life.handles += 1;
    }
}

impl LinkGuard<'_> {
    /// There is one reference or end of a stream less. The driver is woken if the connection may end now.
    pub(in crate::driver) fn let_go(&mut self) {
        self.life.handles -= 1;
        self.end_if_unneeded();
    }

    /// The driver is woken when what has just ended may have been the last.
    pub(super) fn wake_for_end(&mut self) {
        if self.life.closing {
            self.wake_driver();
        }
    }

    fn end_if_unneeded(&mut self) {
        let Life { held, handles, .. } = self.life;
        self.life.closing |= !held && handles == 0;
        self.wake_for_end();
        self.wake_for_output();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.life.rests -= 1;
        state.wake_for_end();
    }
}
