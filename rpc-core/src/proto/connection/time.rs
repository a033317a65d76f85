//! Timers: deadlines, keepalive, idleness, and the end.

use std::time::Instant;

use super::{Connection, Event, Lost, stopped};
use crate::{
    Error, Outcome,
    proto::{
        Stop,
        deadlines::earlier,
        frame::{Kind, put_empty},
        incoming::IncomingCall,
        watchdog::Verdict,
    },
};

impl Connection {
    /// By when a call of the peer must be answered.
    pub(crate) fn deadline(&mut self, call: u32) -> Option<Instant> {
        match self.incoming.find(call) {
            Some(IncomingCall::Active { deadline, .. }) => *deadline,
            _ => None,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; it may have nothing to do by then.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let calls = earlier(self.outgoing.earliest_deadline(), self.incoming.earliest_deadline());
        let room = self.streams.budget.poll_timeout(self.idleness.last_use());
        earlier(
            earlier(calls, room),
            earlier(self.idle_until(), self.watchdog.poll_timeout()),
        )
    }

    /// Acts on the timers that are due.
    ///
    /// # Errors
    /// The connection is over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Lost> {
        for id in self.outgoing.expired(now) {
            let timeout = self.outgoing.find(id).and_then(|call| call.timeout).unwrap_or_default();
            let outcome = if self.cancel(id) {
                Outcome::NotExecuted
            } else {
                Outcome::Unknown
            };
            let error = Error::deadline_exceeded(format!("no answer within {timeout:?}")).with_outcome(outcome);
            self.outgoing.queue(id);
            self.events.push_back(Event::Failed { call: id, error });
        }
        for id in self.incoming.expired(now) {
            self.expire_incoming(id);
        }
        if self.streams.budget.handle_timeout(now) {
            self.lend();
        }
        match self.watchdog.handle_timeout(now) {
            Verdict::Alive => {}
            Verdict::Ping => put_empty(self.outbox.small(), Kind::Ping, 0),
            Verdict::Silent => return Err(Lost::Silent(self.terms.ours.keepalive)),
            Verdict::Stalled => return Err(Lost::Stalled(self.terms.ours.write_stall)),
        }
        if self.is_used() {
            self.idleness.touch(now);
        }
        if self.idle_until().is_some_and(|until| until <= now) {
            self.part(now);
        }
        Ok(())
    }

    /// Nothing was open for long. The peer is asked to end the connection, since a call of its own may be on its way:
    /// it knows, and ends a connection that is not used, so that no call fails because of the end. A peer that does not
    /// answer in time is left.
    fn part(&mut self, now: Instant) {
        if self.idleness.ask(now) {
            put_empty(self.outbox.small(), Kind::Unused, 0);
        } else {
            self.go_away();
            self.events.push_back(Event::GoAway);
        }
    }

    /// Whether anything is open in either direction.
    pub(super) fn is_used(&self) -> bool {
        let calls = self.outgoing.len() + self.incoming.len();
        calls + self.streams.len() + self.references.len() > 0
    }

    /// Whether anything is open, beside calls whose answers are only to be taken.
    pub(super) fn is_needed(&self) -> bool {
        let others = self.incoming.len() + self.streams.len() + self.references.len();
        others > 0 || self.outgoing.is_in_flight()
    }

    /// Whether there was no call, stream or reference for about as long as it takes until pings are all that comes.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        !self.is_used() && now.saturating_duration_since(self.idleness.last_use()) >= self.terms.ours.keepalive / 2
    }

    /// Gives back the memory that was needed in busier times, since nothing is open.
    pub(crate) fn shrink(&mut self) {
        if self.outbox.len() == 0 {
            self.incoming.shrink();
            self.outgoing.shrink();
            self.outbox.shrink();
            self.events.shrink_to_fit();
        }
    }

    /// When the peer is to be asked to end the connection because there are no calls, or when its time to answer that
    /// is over, which is that of a ping.
    pub(super) fn idle_until(&self) -> Option<Instant> {
        if self.incoming.going_away {
            return None;
        }
        self.idleness.poll_timeout(self.terms.ours.keepalive)
    }

    pub(super) fn expire_incoming(&mut self, id: u32) {
        match self.incoming.find(id) {
            Some(IncomingCall::Active { stop, .. }) => {
                *stop = Some(Stop::Expired);
                self.events.push_back(Event::Stop {
                    call: id,
                    why: Stop::Expired,
                });
            }
            Some(IncomingCall::Receiving { .. }) => {
                let error = stopped(Stop::Expired).with_outcome(Outcome::NotExecuted);
                let answered = self.put_failure(id, &error);
                if let Some(head) = self.incoming.discard(id, answered) {
                    self.drop_request(head);
                }
            }
            _ => {}
        }
    }

    /// Ends every call that this side made, because the connection is over. Calls whose request did not leave entirely
    /// certainly never ran. If the peer says that it answered all it looked at, calls without an answer did not run
    /// either. Calls that ended before are not among them: take the last events first.
    pub(crate) fn drain_lost(&mut self) -> Vec<(u32, Outcome)> {
        let (written, finished) = (self.outbox.written(), self.outgoing.finished);
        let outcome = |end: Option<u64>| match end {
            Some(end) if end <= written && !finished => Outcome::Unknown,
            _ => Outcome::NotExecuted,
        };
        self.outgoing.drain().map(|(id, end)| (id, outcome(end))).collect()
    }
}
