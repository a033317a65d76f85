//! What waits to be written: small frames in order, large messages taking turns.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{
    IndexedQueue, Keyed, StreamId,
    frame::{Kind, PIECE, put_header},
    stream::Streams,
    writer::Writer,
};

/// Bodies up to this long are copied behind their header; longer ones are handed over without a copy.
pub(crate) const COPIED: usize = 8 << 10;
/// How many bytes one turn of the writer takes at most, so that a small frame never waits behind more than that.
const TURN: usize = 256 << 10;

/// A message whose body is not copied, as far as it is not yet taken.
#[derive(Debug)]
struct Large {
    kind: Kind,
    call: u32,
    /// What stands before the body; taken with the first piece.
    head: Bytes,
    body: Bytes,
    /// What the message counts against the peer's budget.
    cost: usize,
    /// The memory that it keeps until its last byte has left.
    held: usize,
    begun: bool,
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    Message(Large),
    Stream(StreamId),
}

impl Keyed for Large {
    fn key(&self) -> Option<u64> {
        Some(self.call.into())
    }
}

impl Keyed for Turn {
    fn key(&self) -> Option<u64> {
        match self {
            Self::Message(message) => Some(turn_key(message.kind, message.call)),
            Self::Stream(_) => None,
        }
    }
}

/// What left the outbox with a turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Departed {
    pub(crate) kind: Kind,
    pub(crate) call: u32,
    /// The position in the stream behind the message's last byte.
    pub(crate) end: u64,
}

/// What became of a message that was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// It was not waiting here: all of it has left.
    Gone,
    /// Nothing of it had left.
    Unbegun,
    /// Some of it had left; the rest never will.
    Begun,
}

/// What waits to be written.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Whole small frames and the headers of large ones.
    writer: Writer,
    /// Large messages under way and streams with something to send; each turn takes one piece of each, in a circle.
    turns: IndexedQueue<Turn>,
    /// Large requests and large replies that the peer's budget has no room for yet. They keep their order: one that
    /// does not fit holds up those behind it in its own direction, else a stream of smaller ones would starve it.
    waiting: [IndexedQueue<Large>; 2],
    /// The bytes of requests and of replies in `turns` and `waiting`.
    large: [usize; 2],
    /// The cost of requests begun and not ended, and of replies begun and not all taken.
    spent: [usize; 2],
    budget: usize,
    /// The memory of large replies: each piece keeps the whole until the last one is written.
    held: usize,
    /// What becomes free of it when the transport has taken everything up to a position.
    leaving: VecDeque<(u64, usize)>,
}

impl Outbox {
    /// An outbox for a peer that takes `budget` bytes of unfinished large messages in each direction.
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
        }
    }

    /// Where small frames are appended.
    pub(crate) fn small(&mut self) -> &mut BytesMut {
        self.writer.small()
    }

    /// Where streams write what is in order.
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

    /// The bytes that answers take of which the transport has taken only what lies before `written`, with everything
    /// else that is small.
    pub(super) fn unread(&self, written: u64) -> usize {
        self.writer.position().saturating_sub(written) as usize + self.held
    }

    /// The transport has taken everything up to this position.
    pub(super) fn handle_written(&mut self, written: u64) {
        while let Some(&(end, held)) = self.leaving.front()
            && end <= written
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

    /// The bytes that wait, without those of streams: what waits of them is bounded for each.
    pub(crate) fn len(&self) -> usize {
        self.writer.len() + self.large.iter().sum::<usize>()
    }

    /// The same without large replies up to `spared`, and without large requests.
    pub(super) fn pressing(&self, spared: usize) -> usize {
        self.writer.len() + self.large[direction(Kind::Reply)].saturating_sub(spared)
    }

    /// Whether a message of this length would leave without waiting for the end of others.
    pub(super) fn has_room(&self, kind: Kind, length: usize) -> bool {
        let ahead = !self.waiting[direction(kind)].is_empty();
        length <= PIECE || !ahead && self.spent[direction(kind)] + length <= self.budget
    }

    /// Whether a turn would take something.
    pub(crate) fn is_ready(&self) -> bool {
        self.writer.len() > 0 || !self.turns.is_empty()
    }

    /// Queues a message whose body is not to be copied.
    pub(crate) fn push_large(&mut self, kind: Kind, call: u32, head: Bytes, body: Bytes) {
        self.large[direction(kind)] += head.len() + body.len();
        // One frame is never "unfinished": only longer messages count.
        let cost = if body.len() > PIECE { body.len() } else { 0 };
        let held = if kind == Kind::Reply {
            head.len() + body.len()
        } else {
            0
        };
        self.held += held;
        let message = Large {
            kind,
            call,
            head,
            body,
            cost,
            held,
            begun: false,
        };
        if cost == 0 {
            self.turns.push_back(Turn::Message(message));
        } else {
            self.waiting[direction(kind)].push_back(message);
            self.admit(kind);
        }
    }

    /// Withdraws a call's message, so that a given-up call costs no more bandwidth.
    pub(crate) fn withdraw(&mut self, kind: Kind, call: u32) -> Withdrawn {
        if let Some(message) = self.waiting[direction(kind)].remove(call.into()) {
            self.large[direction(kind)] -= message.head.len() + message.body.len();
            self.held -= message.held;
            // It may have held up those behind it.
            self.admit(kind);
            return Withdrawn::Unbegun;
        }
        let Some(Turn::Message(message)) = self.turns.remove(turn_key(kind, call)) else {
            return Withdrawn::Gone;
        };
        self.large[direction(kind)] -= message.head.len() + message.body.len();
        self.leave(&message);
        // A request that began costs the peer memory until its call has ended; everything else is free again now.
        if !message.begun || kind == Kind::Reply {
            self.release(kind, message.cost);
        }
        if message.begun {
            Withdrawn::Begun
        } else {
            Withdrawn::Unbegun
        }
    }

    /// Gives back what a message cost.
    pub(crate) fn release(&mut self, kind: Kind, cost: usize) {
        if cost > 0 {
            let spent = &mut self.spent[direction(kind)];
            *spent = spent.saturating_sub(cost);
            self.admit(kind);
        }
    }

    /// Moves messages from `waiting` to `turns` while the peer's budget has room.
    fn admit(&mut self, kind: Kind) {
        let direction = direction(kind);
        while let Some(next) = self.waiting[direction].front()
            && self.spent[direction] + next.cost <= self.budget
            && let Some(message) = self.waiting[direction].pop_front()
        {
            self.spent[direction] += message.cost;
            self.turns.push_back(Turn::Message(message));
        }
    }

    /// Takes what is to be written next: all small frames, then pieces of large messages and streams in turn. Says what
    /// has left entirely.
    pub(super) fn take(&mut self, streams: &mut Streams, chunks: &mut VecDeque<Bytes>, departed: &mut Vec<Departed>) {
        let end = self.writer.taken() + TURN as u64;
        self.queue_streams(streams);
        while self.writer.position() < end {
            match self.turns.pop_front() {
                Some(Turn::Message(message)) => departed.extend(self.take_piece(message, chunks)),
                Some(Turn::Stream(stream)) => {
                    if streams.turn(stream, &mut self.writer, chunks) {
                        self.turns.push_back(Turn::Stream(stream));
                    }
                    self.queue_streams(streams);
                }
                None => break,
            }
        }
        self.writer.flush(chunks);
    }

    fn queue_streams(&mut self, streams: &mut Streams) {
        streams
            .ready()
            .for_each(|stream| self.turns.push_back(Turn::Stream(stream)));
    }

    fn take_piece(&mut self, mut message: Large, chunks: &mut VecDeque<Bytes>) -> Option<Departed> {
        let piece = message.body.split_to(message.body.len().min(PIECE));
        let last = message.body.is_empty();
        let (kind, head) = if message.begun {
            (continuation(message.kind), Bytes::new())
        } else {
            (message.kind, std::mem::take(&mut message.head))
        };
        message.begun = true;
        let small = self.writer.small();
        put_header(small, kind, !last, message.call, head.len() + piece.len());
        small.extend_from_slice(&head);
        self.large[direction(message.kind)] -= head.len() + piece.len();
        self.writer.hand_over(chunks, piece);
        if !last {
            self.turns.push_back(Turn::Message(message));
            return None;
        }
        self.leave(&message);
        if message.kind == Kind::Reply {
            self.release(Kind::Reply, message.cost);
        }
        Some(Departed {
            kind: message.kind,
            call: message.call,
            end: self.writer.taken(),
        })
    }
}

/// Requests and replies have budgets of their own: a side that sends both must not starve one by the other.
fn direction(kind: Kind) -> usize {
    usize::from(kind == Kind::Reply)
}

/// A request and a reply may be of calls with the same id.
fn turn_key(kind: Kind, call: u32) -> u64 {
    (direction(kind) as u64) << 32 | u64::from(call)
}

fn continuation(kind: Kind) -> Kind {
    if kind == Kind::Reply {
        Kind::ReplyData
    } else {
        Kind::RequestData
    }
}
