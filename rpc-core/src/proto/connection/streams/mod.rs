//! Streams of items.

mod frames;
mod receiving;
mod sending;

use bytes::Bytes;

use super::Connection;
use crate::{
    Code, Error,
    proto::{Flow, StreamId, head::encode_failure, stream::ItemBatch},
};

/// What a sender may do now.
#[derive(Debug)]
pub(crate) enum Capacity {
    /// One more item, of any size.
    Room,
    /// Nothing until [`Event::Sendable`](crate::proto::Event::Sendable).
    Full,
    /// Nothing any more: the receiver is gone, or said why it stopped.
    Stopped(Error),
}

/// What a receiver gets.
#[derive(Debug)]
pub(crate) enum Received {
    Items(ItemBatch),
    /// Nothing until [`Event::Receivable`](crate::proto::Event::Receivable).
    Nothing,
    /// The sender finished.
    Finished,
    /// The sender failed.
    Failed(Error),
}

impl Connection {
    /// Chooses a number for a stream that the next message will carry.
    ///
    /// # Errors
    /// `ResourceExhausted` and not executed, when the peer takes no more streams.
    pub(crate) fn open_stream(&mut self, flow: Flow) -> Result<StreamId, Error> {
        self.streams.open(flow).ok_or_else(|| {
            let limit = self.streams.limit();
            let more = if limit == 0 { "no" } else { "no more" };
            // It may be read on either side: where the message carries an answer, the caller reads it.
            let text = format!(
                "the message's receiver takes {more} streams on this connection: its limit (`max_streams`) is {limit}"
            );
            Error::refused(Code::ResourceExhausted, text)
        })
    }

    /// Takes back a stream that no message has carried.
    pub(crate) fn discard_stream(&mut self, stream: StreamId) {
        self.streams.discard(stream);
    }

    fn last_word(&self, why: Option<&Error>) -> Bytes {
        why.map(|why| encode_failure(why, self.terms.peer.max_metadata as usize).freeze())
            .unwrap_or_default()
    }

    fn proceed(&mut self, id: StreamId) {
        self.streams.proceed(id, self.outbox.writer());
    }
}
