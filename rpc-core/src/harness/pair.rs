//! Two connections in memory, on a clock of their own.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use ::bytes::{BufMut, Bytes, BytesMut};
use fastrand::Rng;

use crate::{
    Error, Limits,
    proto::{Announced, Body, COPIED, Carrier, Connection, Event, Landing, Lost, RequestHead, Settings},
};

pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

/// How many bytes are on their way in one direction at most, as with a socket's buffers.
const CAPACITY: usize = 256 << 10;

/// One of the two sides.
#[derive(Debug)]
pub(crate) struct PairEnd {
    pub(crate) connection: Connection,
    /// Whether it takes what comes.
    pub(crate) reads: bool,
    /// Given by the connection, and not taken by the transport yet.
    output: VecDeque<Bytes>,
    /// Taken by the peer's transport, and not read yet.
    wire: BytesMut,
    /// Read, and not a whole frame yet.
    input: BytesMut,
    /// A piece of a long message that is being read.
    landing: Option<Landing>,
}

/// Two connections that talk to each other. Bytes move in pieces of random lengths, the same for the same seed.
#[derive(Debug)]
pub(crate) struct ConnectionPair {
    pub(crate) ends: [PairEnd; 2],
    pub(crate) now: Instant,
    rng: Rng,
    /// Whether long messages are read to where they stay.
    lands: bool,
}

impl ConnectionPair {
    /// A client and a server with these limits.
    pub(crate) fn new(limits: [Limits; 2], idle: Option<Duration>, seed: u64, now: Instant) -> Self {
        let [client, server] = limits.map(Limits::normalised);
        let end = |ours: &Limits, peer: &Limits, idle| PairEnd {
            connection: Connection::new(
                Settings {
                    ours: ours.clone(),
                    peer: Announced::over(Carrier::Stream, peer),
                    carrier: Carrier::Stream,
                    idle,
                },
                now,
            ),
            reads: true,
            output: VecDeque::new(),
            wire: BytesMut::new(),
            input: BytesMut::new(),
            landing: None,
        };
        Self {
            ends: [end(&client, &server, None), end(&server, &client, idle)],
            now,
            rng: Rng::with_seed(seed),
            lands: seed.is_multiple_of(2),
        }
    }

    pub(crate) fn connection(&mut self, end: usize) -> &mut Connection {
        &mut self.ends[end].connection
    }

    /// Makes a call with a method of its own number.
    pub(crate) fn start(
        &mut self,
        from: usize,
        method: u64,
        content: &Bytes,
        timeout: Option<Duration>,
    ) -> Result<u32, Error> {
        let head = RequestHead {
            method,
            timeout,
            ..RequestHead::default()
        };
        let deadline = timeout.map(|timeout| self.now + timeout);
        self.connection(from).start(&head, body(content), deadline)
    }

    pub(crate) fn reply(&mut self, from: usize, call: u32, content: &Bytes) {
        self.connection(from).reply(call, &Bytes::new(), Ok(body(content)));
    }

    /// All events that wait at one end.
    pub(crate) fn events(&mut self, end: usize) -> Vec<Event> {
        std::iter::from_fn(|| self.connection(end).poll_event()).collect()
    }

    /// The transport of `from` takes at most `most` bytes; says how many.
    pub(crate) fn write(&mut self, from: usize, most: usize) -> usize {
        let room = CAPACITY - self.ends[1 - from].wire.len();
        let mut taken = BytesMut::new();
        let end = &mut self.ends[from];
        if end.output.is_empty() {
            end.connection.poll_transmit(&mut end.output);
        }
        while let Some(chunk) = end.output.front_mut() {
            let piece = chunk.split_to(chunk.len().min(most.min(room) - taken.len()));
            taken.extend_from_slice(&piece);
            if !chunk.is_empty() {
                break;
            }
            end.output.pop_front();
        }
        if !taken.is_empty() {
            end.connection
                .handle_written(taken.len(), !end.output.is_empty(), self.now);
        } else if !end.output.is_empty() {
            end.connection.handle_blocked(self.now);
        }
        self.ends[1 - from].wire.extend_from_slice(&taken);
        taken.len()
    }

    /// `to` reads at most `most` bytes; says how many.
    pub(crate) fn read(&mut self, to: usize, most: usize) -> Result<usize, Lost> {
        let end = &mut self.ends[to];
        let length = end.wire.len().min(most);
        if length == 0 {
            return Ok(0);
        }
        let mut come = end.wire.split_to(length);
        end.connection.handle_heard(self.now);
        if !self.lands {
            end.input.unsplit(come);
            while end.connection.handle_input(&mut end.input, 2, self.now)? {}
            return Ok(length);
        }
        while !come.is_empty() {
            read(&mut come, &mut end.input, &mut end.landing);
            while end
                .connection
                .handle_read(&mut end.input, &mut end.landing, 2, self.now)?
            {}
        }
        Ok(length)
    }

    /// Moves bytes in both directions until there are none to move.
    pub(crate) fn exchange(&mut self) -> Result<(), Lost> {
        let mut moved = true;
        while moved {
            moved = false;
            for end in [CLIENT, SERVER] {
                let most = self.cut();
                moved |= self.write(end, most) > 0;
                let most = self.cut();
                moved |= self.ends[end].reads && self.read(end, most)? > 0;
            }
        }
        Ok(())
    }

    /// Changes one byte on its way to `to`, mostly near the front.
    #[cfg(test)]
    pub(crate) fn garble(&mut self, to: usize, rng: &mut Rng) {
        let wire = &mut self.ends[to].wire;
        let reach = wire.len().min(1 << rng.u32(1..12));
        if reach > 0 {
            wire[rng.usize(..reach)] ^= 1 << rng.u8(..8);
        }
    }

    fn cut(&mut self) -> usize {
        let most = *self.rng.choice(&[1 << 5, 1 << 10, 1 << 14, 1 << 18]).unwrap_or(&1);
        self.rng.usize(1..=most)
    }

    /// Lets time pass, and bytes move, with every timeout on time.
    #[cfg(test)]
    pub(crate) fn pass(&mut self, time: Duration) -> Result<(), Lost> {
        let until = self.now + time;
        while let Some(due) = self.due().filter(|&due| due <= until) {
            self.now = self.now.max(due);
            self.fire()?;
            self.exchange()?;
        }
        self.now = until;
        Ok(())
    }

    /// When the next timeout of either end is due.
    #[cfg(test)]
    pub(crate) fn due(&self) -> Option<Instant> {
        self.ends.iter().filter_map(|end| end.connection.poll_timeout()).min()
    }

    /// Acts on what time has brought at both ends.
    pub(crate) fn fire(&mut self) -> Result<(), Lost> {
        for end in &mut self.ends {
            end.connection.handle_timeout(self.now)?;
            let due = end.connection.poll_timeout();
            assert!(due.is_none_or(|due| due > self.now), "a timeout that fires for ever");
        }
        Ok(())
    }
}

/// What a driver reads of what has come.
pub(super) fn read(come: &mut BytesMut, input: &mut BytesMut, landing: &mut Option<Landing>) {
    match landing {
        Some(landing) => {
            let mut room = landing.room();
            let length = room.remaining_mut().min(come.len());
            room.put(come.split_to(length));
        }
        None => input.unsplit(come.split()),
    }
}

/// What a driver makes of an encoded value.
pub(crate) fn body(content: &Bytes) -> Body<'_> {
    if content.len() <= COPIED {
        Body::Small(content)
    } else {
        Body::from(content.clone())
    }
}
