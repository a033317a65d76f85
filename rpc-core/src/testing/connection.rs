//! One simulated connection: two directions and what befell it.

use std::{
    io::{self, IoSlice},
    ops::{Index, IndexMut},
    task::Waker,
};

use tokio::{io::ReadBuf, time::Instant};

use super::{
    conditions::Conditions,
    direction::{Direction, View},
};

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The end that connected; the first of a [`pair`](super::Network::pair).
    Client,
    /// The end that was connected to; the second of a [`pair`](super::Network::pair).
    Server,
}

impl End {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// One thing for each end.
#[derive(Default)]
pub(super) struct Ends<T> {
    pub(super) client: T,
    pub(super) server: T,
}

impl<T> Index<End> for Ends<T> {
    type Output = T;

    fn index(&self, end: End) -> &T {
        match end {
            End::Client => &self.client,
            End::Server => &self.server,
        }
    }
}

impl<T> IndexMut<End> for Ends<T> {
    fn index_mut(&mut self, end: End) -> &mut T {
        match end {
            End::Client => &mut self.client,
            End::Server => &mut self.server,
        }
    }
}

impl<T> Ends<T> {
    pub(super) fn both(&mut self) -> [&mut T; 2] {
        [&mut self.client, &mut self.server]
    }
}

/// What a read or a write comes to.
pub(super) enum StreamStep<T> {
    Done(io::Result<T>),
    /// Nothing yet; the waker is kept. With an instant, try again then at the latest.
    Wait(Option<Instant>),
}

#[derive(Default)]
pub(super) struct SimulatedConnection {
    /// By the end that reads.
    towards: Ends<Direction>,
    dropped: Ends<bool>,
    /// Silent since then.
    frozen_since: Option<Instant>,
    reset: bool,
}

impl SimulatedConnection {
    /// Reads at `end`: 0 bytes are the end of file.
    pub(super) fn read(
        &mut self,
        end: End,
        buffer: &mut ReadBuf<'_>,
        now: Instant,
        conditions: &Conditions,
        waker: &Waker,
    ) -> StreamStep<usize> {
        if self.reset {
            return StreamStep::Done(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let view = self.view(now, conditions);
        let rate = conditions.read_rate[end];
        let incoming = &mut self.towards[end];
        let received = incoming.receive(buffer, rate, view);
        if received > 0 || incoming.has_ended(rate, view) {
            return StreamStep::Done(Ok(received));
        }
        incoming.reader = Some(waker.clone());
        StreamStep::Wait(incoming.next_read(rate, view))
    }

    /// Writes at `end` as much of `slices` as fits.
    pub(super) fn write(
        &mut self,
        end: End,
        slices: &[IoSlice<'_>],
        now: Instant,
        conditions: &mut Conditions,
        waker: &Waker,
    ) -> StreamStep<usize> {
        if self.reset {
            return StreamStep::Done(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let view = self.view(now, conditions);
        if self.towards[end.other()].is_finished() || self.towards[end].has_gone(view) {
            return StreamStep::Done(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let outgoing = &mut self.towards[end.other()];
        let sent = outgoing.send(slices, now, conditions);
        if sent > 0 || slices.iter().all(|slice| slice.is_empty()) {
            return StreamStep::Done(Ok(sent));
        }
        outgoing.writer = Some(waker.clone());
        StreamStep::Wait(self.towards[end].next_gone(view))
    }

    /// Whether `end` writes nothing more.
    pub(super) fn is_shut_down(&self, end: End) -> bool {
        self.towards[end.other()].is_finished()
    }

    /// `end` writes nothing more.
    pub(super) fn shut_down(&mut self, end: End, now: Instant, conditions: &mut Conditions) -> io::Result<()> {
        if self.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.towards[end.other()].finish(now, conditions);
        Ok(())
    }

    /// `end` is dropped. Says whether both are now.
    pub(super) fn drop_end(&mut self, end: End, now: Instant, conditions: &mut Conditions) -> bool {
        self.towards[end.other()].abandon(now, conditions);
        self.dropped[end] = true;
        self.dropped[end.other()]
    }

    /// Both directions end after what is in flight.
    pub(super) fn cut(&mut self, now: Instant, conditions: &mut Conditions) {
        for direction in self.towards.both() {
            direction.finish(now, conditions);
        }
    }

    pub(super) fn reset(&mut self) {
        self.reset = true;
        self.towards.both().into_iter().for_each(Direction::clear);
    }

    pub(super) fn freeze(&mut self, now: Instant) {
        self.frozen_since.get_or_insert(now);
    }

    /// See [`Direction::heal`].
    pub(super) fn heal(&mut self, since: Instant, now: Instant) {
        for direction in self.towards.both() {
            direction.heal(since, now);
        }
    }

    /// Who waits for bytes to read at `end`.
    pub(super) fn take_reader(&mut self, end: End) -> Option<Waker> {
        self.towards[end].reader.take()
    }

    /// Who waits for room to write at `end`.
    pub(super) fn take_writer(&mut self, end: End) -> Option<Waker> {
        self.towards[end.other()].writer.take()
    }

    fn view(&self, now: Instant, conditions: &Conditions) -> View {
        let blocked_since = self.frozen_since.into_iter().chain(conditions.partitioned_since).min();
        View { now, blocked_since }
    }
}
