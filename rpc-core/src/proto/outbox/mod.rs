//! What waits to be written: small frames in order, large messages taking turns.

mod message;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use message::{Contender, Large};
pub(crate) use message::{Departed, MessageKind, Withdrawn};

use super::{
    IndexedQueue,
    frame::{PIECE, put_header},
    stream::StreamTable,
    writer::Writer,
};

/// How many bytes one turn of the writer takes at most, so that a small frame never waits behind more than that.
const TURN: usize = 256 << 10;

/// What waits to be written.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Whole small frames and the headers of large ones.
    writer: Writer,
    /// Large messages that have begun and streams with something to send; each turn takes one piece of each.
    turns: IndexedQueue<Contender>,
    /// Large requests and large replies that the peer's budget has no room for yet. They keep their order: one that
    /// does not fit delays those of its kind behind it, because a series of smaller ones would starve it otherwise.
    waiting: [IndexedQueue<Large>; 2],
    /// The bytes of requests and of replies in `turns` and `waiting`.
    large: [usize; 2],
    /// The cost of requests begun and not ended, and of replies begun and not all taken.
    spent: [usize; 2],
    budget: usize,
    /// The memory of large replies: each piece keeps the whole until the last one is written.
    held: usize,
    /// How much of that becomes free when the transport has taken everything up to a position.
    leaving: VecDeque<(u64, usize)>,
    /// The messages that have left entirely since the last time this was asked.
    departed: VecDeque<Departed>,
    /// How many bytes the transport took.
    written: u64,
}

impl Outbox {
    /// An outbox for a peer that takes `budget` bytes of unfinished large messages of each kind.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            writer: Writer::default(),
            turns: IndexedQueue::default(),
            waiting: Default::default(),
            large: [0; 2],
            spent: [0; 2],
            budget,
            held: 0,
            leaving: VecDeque::new(),
            departed: VecDeque::new(),
            written: 0,
        }
    }

    /// Takes all that waits. The count of bytes that the transport took stays.
    pub(super) fn take_all(&mut self) -> Self {
        let empty = Self {
            written: self.written,
            ..Self::new(0)
        };
        std::mem::replace(self, empty)
    }

    /// Gives back unused memory; nothing waits.
    pub(super) fn shrink(&mut self) {
        self.writer.shrink();
        self.leaving.shrink_to_fit();
        self.departed.shrink_to_fit();
    }

    /// Where small frames are appended.
    pub(crate) fn small(&mut self) -> &mut BytesMut {
        self.writer.small()
    }

    /// Where streams write frames that must stay in order.
    pub(super) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    /// The position in the stream behind the small frames appended so far: they leave before anything else.
    pub(crate) fn position(&self) -> u64 {
        self.writer.position()
    }

    /// The position in the stream behind all that was taken.
    pub(crate) fn taken(&self) -> u64 {
        self.writer.taken()
    }

    #[cfg(any(test, farcall_fuzzing))]
    pub(super) fn spent(&self) -> [usize; 2] {
        self.spent
    }

    /// The bytes of answers that the transport has not taken, with everything else that is small.
    pub(super) fn unread(&self) -> usize {
        self.writer.position().saturating_sub(self.written) as usize + self.held
    }

    /// How many bytes the transport took.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The transport has taken `length` bytes more.
    pub(super) fn handle_written(&mut self, length: usize) {
        self.written += length as u64;
        while let Some(&(end, held)) = self.leaving.front()
            && end <= self.written
        {
            self.leaving.pop_front();
            self.held -= held;
        }
    }

    /// A large message needs its memory only until the transport has what was taken of it.
    fn leave(&mut self, message: &Large) {
        if message.held > 0 {
            self.leaving.push_back((self.writer.taken(), message.held));
        }
    }

    /// The bytes that wait, without those of streams, which are bounded for each stream.
    pub(crate) fn len(&self) -> usize {
        self.writer.len() + self.large.iter().sum::<usize>()
    }

    /// The same without large replies up to `spared`, and without large requests.
    pub(super) fn pressing(&self, spared: usize) -> usize {
        self.writer.len() + self.large[MessageKind::Reply as usize].saturating_sub(spared)
    }

    /// Whether a message of this length could leave without waiting for other messages to end.
    pub(super) fn has_room(&self, kind: MessageKind, length: usize) -> bool {
        let ahead = !self.waiting[kind as usize].is_empty();
        length <= PIECE || !ahead && self.spent[kind as usize] + length <= self.budget
    }

    /// Whether a turn would take something.
    pub(crate) fn is_ready(&self) -> bool {
        self.writer.len() > 0 || !self.turns.is_empty()
    }

    /// Queues a message whose body is not to be copied, but for the first `before` bytes of it, which end `head`.
    pub(crate) fn push_large(&mut self, kind: MessageKind, call: u32, head: Bytes, before: usize, body: Bytes) {
        self.large[kind as usize] += head.len() + body.len();
        let length = before + body.len();
        // One frame is never "unfinished": only longer messages count.
        let cost = if length > PIECE { length } else { 0 };
        let held = if kind == MessageKind::Reply {
            head.len() + body.len()
        } else {
            0
        };
        self.held += held;
        let message = Large {
            kind,
            call,
            head,
            before,
            body,
            cost,
            held,
            begun: false,
        };
        if cost == 0 {
            self.turns.push_back(Contender::Message(message));
        } else {
            self.waiting[kind as usize].push_back(message);
            self.admit(kind);
        }
    }

    /// Withdraws a call's message, so that a given-up call costs no more bandwidth.
    pub(crate) fn withdraw(&mut self, kind: MessageKind, call: u32) -> Withdrawn {
        if let Some(message) = self.waiting[kind as usize].remove(call.into()) {
            self.large[kind as usize] -= message.head.len() + message.body.len();
            self.held -= message.held;
            // Messages behind it may have waited for it.
            self.admit(kind);
            return Withdrawn::Unbegun;
        }
        let Some(Contender::Message(message)) = self.turns.remove(kind.key(call)) else {
            return Withdrawn::Gone;
        };
        self.large[kind as usize] -= message.head.len() + message.body.len();
        self.leave(&message);
        // A request that began costs the peer memory until its call has ended; everything else is free again now.
        if !message.begun || kind == MessageKind::Reply {
            self.release(kind, message.cost);
        }
        if message.begun {
            Withdrawn::Begun
        } else {
            Withdrawn::Unbegun
        }
    }

    /// Gives back what a message cost.
    pub(crate) fn release(&mut self, kind: MessageKind, cost: usize) {
        if cost > 0 {
            let spent = &mut self.spent[kind as usize];
            *spent = spent.saturating_sub(cost);
            self.admit(kind);
        }
    }

    /// Moves messages from `waiting` to `turns` while the peer's budget has room.
    fn admit(&mut self, kind: MessageKind) {
        let index = kind as usize;
        while let Some(next) = self.waiting[index].front()
            && self.spent[index] + next.cost <= self.budget
            && let Some(message) = self.waiting[index].pop_front()
        {
            self.spent[index] += message.cost;
            self.turns.push_back(Contender::Message(message));
        }
    }

    /// Takes what is to be written next: all small frames, then pieces of large messages and streams in turn. What has
    /// left entirely has [departed](Self::pop_departed).
    pub(super) fn take(&mut self, streams: &mut StreamTable, chunks: &mut VecDeque<Bytes>) {
        let end = self.writer.taken() + TURN as u64;
        self.queue_streams(streams);
        while self.writer.position() < end {
            match self.turns.pop_front() {
                Some(Contender::Message(message)) => self.take_piece(message, chunks),
                Some(Contender::Stream(stream)) => {
                    if streams.turn(stream, &mut self.writer, chunks) {
                        self.turns.push_back(Contender::Stream(stream));
                    }
                    self.queue_streams(streams);
                }
                None => break,
            }
        }
        self.writer.flush(chunks);
    }

    /// The next message that has left entirely.
    pub(super) fn pop_departed(&mut self) -> Option<Departed> {
        self.departed.pop_front()
    }

    fn queue_streams(&mut self, streams: &mut StreamTable) {
        streams
            .ready()
            .for_each(|stream| self.turns.push_back(Contender::Stream(stream)));
    }

    fn take_piece(&mut self, mut message: Large, chunks: &mut VecDeque<Bytes>) {
        let length = PIECE - std::mem::take(&mut message.before);
        let piece = message.body.split_to(message.body.len().min(length));
        let last = message.body.is_empty();
        let (first, further) = message.kind.frame_kinds();
        let (frame, head) = if message.begun {
            (further, Bytes::new())
        } else {
            (first, std::mem::take(&mut message.head))
        };
        message.begun = true;
        let small = self.writer.small();
        put_header(small, frame, !last, message.call, head.len() + piece.len());
        small.extend_from_slice(&head);
        self.large[message.kind as usize] -= head.len() + piece.len();
        self.writer.hand_over(chunks, piece);
        if !last {
            self.turns.push_back(Contender::Message(message));
            return;
        }
        self.leave(&message);
        if message.kind == MessageKind::Reply {
            self.release(MessageKind::Reply, message.cost);
        }
        self.departed.push_back(Departed {
            kind: message.kind,
            call: message.call,
            end: self.writer.taken(),
        });
    }
}
