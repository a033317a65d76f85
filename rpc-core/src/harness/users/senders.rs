//! Users that send on a stream, and what messages carry.

use super::{Attachment, Bytes, Error, Flow, StreamId, ThinVec, UserWork, UserWorld, ZEROS};
use crate::harness::pair::body;
use crate::proto::Capacity;

/// A user that sends on a stream.
#[derive(Debug)]
pub(super) struct StreamWriter {
    stream: StreamId,
    /// The items that are still to go.
    left: usize,
    longest: usize,
    /// Its items may carry streams.
    nests: bool,
    /// It ends with an error.
    fails: bool,
}

impl UserWorld<'_> {
    /// The longest message that `side` may send.
    pub(super) fn longest(&self, side: usize) -> usize {
        self.limits[1 - side].max_message.min(self.limits[side].max_message)
    }

    /// A message's bytes: often as many as there may be.
    pub(super) fn content(&mut self, most: usize) -> Bytes {
        let length = *self.choices.pick(&[10, 5000, 40_000, most, most]);
        Bytes::from_static(&ZEROS[..length.min(most)])
    }

    /// What a message is to carry; claimed for its sender when it is sent.
    pub(super) fn list(&mut self, side: usize, most: usize) -> ThinVec<Attachment> {
        let mut list = ThinVec::new();
        for _ in 0..self.choices.below(most + 1) {
            let flow = if self.choices.one_in(4) {
                Flow::Receives
            } else {
                Flow::Sends
            };
            if self.streams > 0
                && let Ok(stream) = self.net.ends[side].open_stream(flow)
            {
                self.streams -= 1;
                list.push(Attachment::Stream { stream, flow });
            }
        }
        list
    }

    /// Users for what a message brought, or took along; gives their tasks.
    pub(super) fn claim(&mut self, side: usize, list: &[Attachment]) -> Vec<usize> {
        let (mut tasks, mut received) = (Vec::new(), Vec::new());
        for entry in list {
            match *entry {
                Attachment::Stream {
                    stream,
                    flow: Flow::Sends,
                } => tasks.push(self.sender(side, stream)),
                Attachment::Stream { stream, .. } => received.push(stream),
                _ => {}
            }
        }
        tasks.extend(self.readers(side, received));
        tasks
    }

    pub(super) fn sender(&mut self, side: usize, stream: StreamId) -> usize {
        let most = self.longest(side);
        let sender = StreamWriter {
            stream,
            left: self.choices.below(6),
            longest: (*self.choices.pick(&[100, 5000, 30_000, most, most])).min(most),
            nests: self.choices.one_in(3),
            fails: self.choices.one_in(8),
        };
        let task = self.add(side, UserWork::Sends(sender));
        self.readers.insert((side, stream.0), task);
        task
    }

    /// Says whether it could, and whether all is sent.
    pub(super) fn send(&mut self, side: usize, sender: &mut StreamWriter) -> (bool, bool) {
        match self.net.ends[side].capacity(sender.stream) {
            Capacity::Full => return (false, false),
            Capacity::Room if sender.left > 0 => {}
            _ => {
                self.end_sender(side, sender);
                return (true, true);
            }
        }
        sender.left -= 1;
        let most = if self.choices.one_in(2) {
            sender.longest
        } else {
            self.choices.between(0, sender.longest)
        };
        let list = if sender.nests {
            self.list(side, 3)
        } else {
            ThinVec::new()
        };
        let content = Bytes::from_static(&ZEROS[..most]);
        let sent = self.net.ends[side].send_item(sender.stream, &list, body(&content));
        sent.expect("it is within the limits");
        self.claim(side, &list);
        (true, false)
    }

    pub(super) fn end_sender(&mut self, side: usize, sender: &StreamWriter) {
        let error = Error::aborted("half of it is gone");
        let end = if sender.fails { Err(&error) } else { Ok(()) };
        self.net.ends[side].end_stream(sender.stream, end);
        self.readers.remove(&(side, sender.stream.0));
    }
}
