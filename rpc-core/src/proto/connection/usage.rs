//! What a connection holds, for those who hold it to its bounds.

use super::Connection;
use crate::proto::StreamId;

/// What a connection holds for calls in flight, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Large requests of the peer, as announced.
    pub(crate) requests: usize,
    /// Large replies of the peer, as announced.
    pub(crate) replies: usize,
    /// Large requests and replies that count against the peer's budgets.
    pub(crate) spent: [usize; 2],
    /// The memory of messages that have not arrived entirely.
    pub(crate) assembled: usize,
    /// Streams, in number.
    pub(crate) streams: usize,
    /// What the windows of streams have grown by, and what items beyond them take.
    pub(crate) beyond: usize,
    /// What items beyond their windows take that were asked for, came and were not taken.
    pub(crate) asked: usize,
    /// Items that came and were not taken.
    pub(crate) arrived: usize,
    /// References in both directions, in number.
    pub(crate) objects: usize,
    /// Lists of requests that did not come yet, in number.
    pub(crate) lists: usize,
    /// How many events were not taken.
    pub(crate) events: usize,
}

impl Connection {
    /// What is held for calls in flight.
    pub(crate) fn held(&self) -> Usage {
        let [beyond, asked] = self.streams.budget.held();
        Usage {
            beyond,
            asked,
            requests: self.incoming.cost(),
            replies: self.outgoing.reply_cost(),
            spent: self.outbox.spent(),
            streams: self.streams.len(),
            arrived: self.streams.arrived(),
            objects: self.references.len(),
            lists: self.incoming.lists(),
            assembled: self.outgoing.assembled() + self.incoming.assembled(),
            events: self.events.len(),
        }
    }

    /// The streams whose users have not let go.
    pub(crate) fn streams(&self) -> Vec<StreamId> {
        self.streams.held()
    }
}
