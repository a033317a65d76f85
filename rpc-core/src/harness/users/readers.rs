//! Users that read streams, in the orders in which programs do.

use super::{Attachment, Error, Flow, StreamId, ThinVec, VecDeque, Work, World};
use crate::proto::{Batch, ItemReader, Received};

/// In what order the streams of one message are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By a task for each.
    Each,
    /// One after another, those that an item carries before the next item.
    Deep,
    /// One item of each in turn.
    Zip,
    /// The first item of each; the ends are kept until all are there.
    Firsts,
    /// Whichever has an item, which is read with all that it carries.
    Merge,
}

const ORDERS: &[Order] = &[
    Order::Each,
    Order::Each,
    Order::Deep,
    Order::Zip,
    Order::Firsts,
    Order::Merge,
];

/// A user that reads streams.
#[derive(Debug)]
pub(super) struct Reader {
    order: Order,
    feeds: VecDeque<Feed>,
    /// Those that are read before anything else, the last one first.
    inner: Vec<Feed>,
    /// Ends that are kept.
    kept: Vec<Feed>,
    /// After so many items of a stream it stops.
    enough: usize,
}

/// One stream.
#[derive(Debug)]
struct Feed {
    stream: StreamId,
    /// What the items of the latest batch carry that were not taken.
    items: VecDeque<ThinVec<Attachment>>,
    taken: usize,
}

/// What a stream has for its reader.
enum Next {
    Item(ThinVec<Attachment>),
    Nothing,
    End,
}

impl Feed {
    fn new(stream: StreamId) -> Self {
        Self {
            stream,
            items: VecDeque::new(),
            taken: 0,
        }
    }

    fn unpack(&mut self, batch: Batch) {
        let (mut items, mut lists) = (ItemReader::new(batch.items), batch.attachments);
        while let Some(item) = items.next() {
            let list = item.carries.then(|| lists.pop_front().expect("the item's list"));
            self.items.push_back(list.unwrap_or_default());
        }
        assert!(items.is_over(), "a part of an item");
        assert!(lists.is_empty(), "lists without items");
    }
}

impl World<'_> {
    pub(super) fn readers(&mut self, side: usize, streams: Vec<StreamId>) -> Vec<usize> {
        if streams.is_empty() {
            return Vec::new();
        }
        let order = *self.choices.pick(ORDERS);
        let enough = if self.choices.one_in(8) {
            1 + self.choices.below(3)
        } else {
            usize::MAX
        };
        let reader = |feeds| Reader {
            order,
            feeds,
            inner: Vec::new(),
            kept: Vec::new(),
            enough,
        };
        if order == Order::Each {
            let one = |stream| self.reader(side, reader([Feed::new(stream)].into()));
            return streams.into_iter().map(one).collect();
        }
        let mut all = reader(streams.into_iter().map(Feed::new).collect());
        if order == Order::Deep {
            all.inner = all.feeds.drain(..).rev().collect();
        }
        vec![self.reader(side, all)]
    }

    fn reader(&mut self, side: usize, reader: Reader) -> usize {
        let streams: Vec<_> = reader
            .feeds
            .iter()
            .chain(&reader.inner)
            .map(|feed| feed.stream)
            .collect();
        let task = self.add(side, Work::Reads(reader));
        self.readers
            .extend(streams.into_iter().map(|stream| ((side, stream.0), task)));
        task
    }

    /// Says whether it could, and whether all is read.
    pub(super) fn read(&mut self, task: usize, side: usize, reader: &mut Reader) -> (bool, bool) {
        if let Some(mut feed) = reader.inner.pop() {
            let next = self.next(side, &mut feed);
            let place = reader.inner.len();
            let (moved, kept) = self.take(task, side, reader, feed, next);
            if let Some(feed) = kept {
                reader.inner.insert(place, feed);
            }
            return (moved, false);
        }
        // Only those that are merged are asked while another one waits.
        let asked = if reader.order == Order::Merge {
            reader.feeds.len()
        } else {
            1
        };
        for _ in 0..asked.min(reader.feeds.len()) {
            let Some(mut feed) = reader.feeds.pop_front() else {
                break;
            };
            let next = self.next(side, &mut feed);
            if matches!(next, Next::Nothing) && reader.order != Order::Merge {
                reader.feeds.push_front(feed);
                return (false, false);
            }
            let (moved, kept) = self.take(task, side, reader, feed, next);
            reader.feeds.extend(kept);
            if moved {
                return (true, false);
            }
        }
        if !reader.feeds.is_empty() {
            return (false, false);
        }
        self.drop_reader(side, reader);
        (true, true)
    }

    /// Takes what there is; says whether there was anything, and gives the stream back if it is to be read on.
    fn take(
        &mut self,
        task: usize,
        side: usize,
        reader: &mut Reader,
        mut feed: Feed,
        next: Next,
    ) -> (bool, Option<Feed>) {
        let list = match next {
            Next::Nothing => return (false, Some(feed)),
            Next::End => {
                self.drop_feed(side, &feed);
                return (true, None);
            }
            Next::Item(list) => list,
        };
        feed.taken += 1;
        let kept = if reader.order == Order::Firsts {
            reader.kept.push(feed);
            None
        } else if feed.taken >= reader.enough {
            self.drop_feed(side, &feed);
            None
        } else {
            Some(feed)
        };
        self.claim_item(task, side, reader, &list);
        (true, kept)
    }

    fn next(&mut self, side: usize, feed: &mut Feed) -> Next {
        if let Some(list) = feed.items.pop_front() {
            return Next::Item(list);
        }
        match self.net.ends[side].receive(feed.stream) {
            Received::Items(batch) => feed.unpack(batch),
            Received::Nothing => return Next::Nothing,
            Received::Finished | Received::Failed(_) => return Next::End,
        }
        Next::Item(feed.items.pop_front().expect("a batch has items"))
    }

    /// What an item that was taken carries.
    fn claim_item(&mut self, task: usize, side: usize, reader: &mut Reader, list: &[Attachment]) {
        if !matches!(reader.order, Order::Deep | Order::Merge) {
            self.claim(side, list);
            return;
        }
        for entry in list.iter().rev() {
            if let &Attachment::Stream { stream, flow } = entry {
                if flow == Flow::Sends {
                    self.sender(side, stream);
                } else {
                    self.readers.insert((side, stream.0), task);
                    reader.inner.push(Feed::new(stream));
                }
            }
        }
    }

    pub(super) fn drop_reader(&mut self, side: usize, reader: &Reader) {
        for feed in reader.feeds.iter().chain(&reader.inner).chain(&reader.kept) {
            self.drop_feed(side, feed);
        }
    }

    /// Stops a stream, and gives back what the items carry that came and were not taken.
    fn drop_feed(&mut self, side: usize, feed: &Feed) {
        self.net.ends[side].stop_stream(feed.stream, None);
        self.readers.remove(&(side, feed.stream.0));
        for &entry in feed.items.iter().flatten() {
            if let Attachment::Stream { stream, flow } = entry {
                match flow {
                    Flow::Sends => self.net.ends[side].end_stream(stream, Err(&Error::aborted("dropped"))),
                    Flow::Receives => self.net.ends[side].stop_stream(stream, None),
                }
            }
        }
    }
}
