//! Users that read streams, in the orders in which programs do.

use super::{Attachment, Error, Flow, StreamId, ThinVec, UserWork, UserWorld, VecDeque};
use crate::proto::{ItemBatch, ItemReader, Received};

/// In what order the streams of one message are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadOrder {
    /// By a task for each.
    Each,
    /// One after another, those that an item carries before the next item.
    Deep,
    /// One item of each in turn.
    Zip,
    /// The first item of each; the ends are kept until all are there.
    Firsts,
    /// The first stream that has an item, which is read with all that it carries.
    Merge,
}

const ORDERS: &[ReadOrder] = &[
    ReadOrder::Each,
    ReadOrder::Each,
    ReadOrder::Deep,
    ReadOrder::Zip,
    ReadOrder::Firsts,
    ReadOrder::Merge,
];

/// A user that reads streams.
#[derive(Debug)]
pub(super) struct StreamReader {
    order: ReadOrder,
    feeds: VecDeque<OpenStream>,
    /// Those that are read before anything else, the last one first.
    inner: Vec<OpenStream>,
    /// Ends that are kept.
    kept: Vec<OpenStream>,
    /// After so many items of a stream it stops.
    enough: usize,
}

/// One stream.
#[derive(Debug)]
struct OpenStream {
    stream: StreamId,
    /// What the items of the latest batch carry that were not taken.
    items: VecDeque<ThinVec<Attachment>>,
    taken: usize,
}

/// What a stream has for its reader.
enum NextRead {
    Item(ThinVec<Attachment>),
    Nothing,
    End,
}

impl OpenStream {
    fn new(stream: StreamId) -> Self {
        Self {
            stream,
            items: VecDeque::new(),
            taken: 0,
        }
    }

    fn unpack(&mut self, batch: ItemBatch) {
        let (mut items, mut lists) = (ItemReader::new(batch.items), batch.attachments);
        while let Some(item) = items.next() {
            let list = item.carries.then(|| lists.pop_front().expect("the item's list"));
            self.items.push_back(list.unwrap_or_default());
        }
        assert!(items.is_over(), "a part of an item");
        assert!(lists.is_empty(), "lists without items");
    }
}

impl UserWorld<'_> {
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
        let reader = |feeds| StreamReader {
            order,
            feeds,
            inner: Vec::new(),
            kept: Vec::new(),
            enough,
        };
        if order == ReadOrder::Each {
            let one = |stream| self.reader(side, reader([OpenStream::new(stream)].into()));
            return streams.into_iter().map(one).collect();
        }
        let mut all = reader(streams.into_iter().map(OpenStream::new).collect());
        if order == ReadOrder::Deep {
            all.inner = all.feeds.drain(..).rev().collect();
        }
        vec![self.reader(side, all)]
    }

    fn reader(&mut self, side: usize, reader: StreamReader) -> usize {
        let streams: Vec<_> = reader
            .feeds
            .iter()
            .chain(&reader.inner)
            .map(|feed| feed.stream)
            .collect();
        let task = self.add(side, UserWork::Reads(reader));
        self.readers
            .extend(streams.into_iter().map(|stream| ((side, stream.0), task)));
        task
    }

    /// Says whether it could, and whether all is read.
    pub(super) fn read(&mut self, task: usize, side: usize, reader: &mut StreamReader) -> (bool, bool) {
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
        let asked = if reader.order == ReadOrder::Merge {
            reader.feeds.len()
        } else {
            1
        };
        for _ in 0..asked.min(reader.feeds.len()) {
            let Some(mut feed) = reader.feeds.pop_front() else {
                break;
            };
            let next = self.next(side, &mut feed);
            if matches!(next, NextRead::Nothing) && reader.order != ReadOrder::Merge {
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
        reader: &mut StreamReader,
        mut feed: OpenStream,
        next: NextRead,
    ) -> (bool, Option<OpenStream>) {
        let list = match next {
            NextRead::Nothing => return (false, Some(feed)),
            NextRead::End => {
                self.drop_feed(side, &feed);
                return (true, None);
            }
            NextRead::Item(list) => list,
        };
        feed.taken += 1;
        let kept = if reader.order == ReadOrder::Firsts {
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

    fn next(&mut self, side: usize, feed: &mut OpenStream) -> NextRead {
        if let Some(list) = feed.items.pop_front() {
            return NextRead::Item(list);
        }
        match self.net.ends[side].receive(feed.stream) {
            Received::Items(batch) => feed.unpack(batch),
            Received::Nothing => return NextRead::Nothing,
            Received::Finished | Received::Failed(_) => return NextRead::End,
        }
        NextRead::Item(feed.items.pop_front().expect("a batch has items"))
    }

    /// What an item that was taken carries.
    fn claim_item(&mut self, task: usize, side: usize, reader: &mut StreamReader, list: &[Attachment]) {
        if !matches!(reader.order, ReadOrder::Deep | ReadOrder::Merge) {
            self.claim(side, list);
            return;
        }
        for entry in list.iter().rev() {
            if let &Attachment::Stream { stream, flow } = entry {
                if flow == Flow::Sends {
                    self.sender(side, stream);
                } else {
                    self.readers.insert((side, stream.0), task);
                    reader.inner.push(OpenStream::new(stream));
                }
            }
        }
    }

    pub(super) fn drop_reader(&mut self, side: usize, reader: &StreamReader) {
        for feed in reader.feeds.iter().chain(&reader.inner).chain(&reader.kept) {
            self.drop_feed(side, feed);
        }
    }

    /// Stops a stream, and gives back what the items carry that came and were not taken.
    fn drop_feed(&mut self, side: usize, feed: &OpenStream) {
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
