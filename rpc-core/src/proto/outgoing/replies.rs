//! Long replies, as far as they have come.

use bytes::Bytes;

use super::{OutgoingCalls, Progress, call::PartialReply};
use crate::proto::{
    Carrier, Violation,
    assembly::{Assembly, Extent, Piece},
};

/// What an honest peer may send of a reply before the end of an earlier one has come, where calls overtake each other:
/// more than the largest window.
const OVERTAKING: usize = 4 << 20;

impl OutgoingCalls {
    /// A long reply begins. What comes for a caller who is gone is not kept.
    pub(crate) fn begin_reply(
        &mut self,
        id: u32,
        metadata: Bytes,
        extent: Extent,
        first: &[u8],
    ) -> Result<(), Violation> {
        let carrier = self.carrier;
        let call = self.in_flight(id)?;
        if call.progress == Progress::Cancelled {
            return Ok(());
        }
        let body = Assembly::begin(extent, first)?;
        let cost = reply_cost(carrier, &body);
        call.reply = Some(Box::new(PartialReply { metadata, body }));
        self.reply_cost += cost;
        Ok(())
    }

    /// Takes a piece of a long reply; gives the metadata and the body with the last one.
    pub(crate) fn push_reply(
        &mut self,
        id: u32,
        piece: Piece<'_>,
        more: bool,
    ) -> Result<Option<(Bytes, Bytes)>, Violation> {
        let carrier = self.carrier;
        let call = self.in_flight(id)?;
        if call.progress == Progress::Cancelled {
            return Ok((!more).then(Default::default));
        }
        let Some(reply) = call.reply.as_deref_mut() else {
            return Err(Violation::new(format!(
                "a piece of a reply to call {id} that never began"
            )));
        };
        let before = reply_cost(carrier, &reply.body);
        let body = reply.body.push(piece, more)?;
        let after = reply_cost(carrier, &reply.body);
        let whole = body.map(|body| (reply.metadata.clone(), body));
        self.reply_cost = self.reply_cost - before + after;
        Ok(whole)
    }

    /// The reply that is coming to a call.
    pub(crate) fn assembly(&mut self, id: u32) -> Option<&mut Assembly> {
        Some(&mut self.find(id)?.reply.as_deref_mut()?.body)
    }

    /// What came of a reply goes.
    pub(crate) fn drop_reply(&mut self, id: u32) {
        if let Some(reply) = self.find(id).and_then(|call| call.reply.take()) {
            self.reply_cost -= reply_cost(self.carrier, &reply.body);
        }
    }

    /// Whether a reply has begun.
    pub(crate) fn check_replies(&self, max_buffered: usize) -> Result<(), Violation> {
        let overtaking = if self.carrier.overtakes() { OVERTAKING } else { 0 };
        if self.reply_cost > max_buffered + overtaking {
            return Err(Violation::new("more unfinished replies than `max_buffered` allows"));
        }
        Ok(())
    }
}

/// How many bytes an unfinished reply counts. In a stream these are all that were announced, because they will come. If
/// calls may overtake each other, an honest peer begins the next reply before the last piece of the one before has
/// come, so only the bytes that came count.
fn reply_cost(carrier: Carrier, reply: &Assembly) -> usize {
    if carrier.overtakes() {
        reply.arrived_cost()
    } else {
        reply.cost()
    }
}
