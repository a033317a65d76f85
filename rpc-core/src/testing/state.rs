//! All that the ends of a simulated network share, behind one lock.

use std::{
    io::{self, IoSlice},
    task::Waker,
    time::Duration,
};

use tokio::{io::ReadBuf, time::Instant};

use super::{
    conditions::Conditions,
    connection::{End, SimulatedConnection, StreamStep},
};

/// Bytes as an end of a connection received them, or the end of file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Delivery {
    /// When, counted from the first connection of the network.
    pub at: Duration,
    /// The number of the connection, in the order of opening, from 0.
    pub connection: usize,
    /// Who received.
    pub to: End,
    /// How many bytes one read gave; 0 is the end of file.
    pub bytes: usize,
}

pub(super) struct NetworkState {
    pub(super) conditions: Conditions,
    pub(super) refuses: bool,
    pub(super) trace: Vec<Delivery>,
    /// To be woken when the lock is released, because a waker may run anything.
    pub(super) woken: Vec<Waker>,
    /// By number. Those that both ends have left stay, empty.
    connections: Vec<SimulatedConnection>,
    first_opened: Option<Instant>,
}

impl NetworkState {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            conditions: Conditions::new(seed),
            refuses: false,
            trace: Vec::new(),
            woken: Vec::new(),
            connections: Vec::new(),
            first_opened: None,
        }
    }

    /// A new connection's number.
    pub(super) fn open(&mut self) -> usize {
        self.first_opened.get_or_insert_with(Instant::now);
        self.connections.push(SimulatedConnection::default());
        self.connections.len() - 1
    }

    pub(super) fn read(
        &mut self,
        (number, end): (usize, End),
        buffer: &mut ReadBuf<'_>,
        waker: &Waker,
    ) -> StreamStep<()> {
        let now = Instant::now();
        let connection = &mut self.connections[number];
        match connection.read(end, buffer, now, &self.conditions, waker) {
            StreamStep::Done(Ok(bytes)) => {
                self.woken.extend(connection.take_writer(end.other()));
                let at = self.first_opened.map_or(Duration::ZERO, |first| now - first);
                self.trace.push(Delivery {
                    at,
                    connection: number,
                    to: end,
                    bytes,
                });
                StreamStep::Done(Ok(()))
            }
            StreamStep::Done(Err(error)) => StreamStep::Done(Err(error)),
            StreamStep::Wait(until) => StreamStep::Wait(until),
        }
    }

    pub(super) fn write(
        &mut self,
        (number, end): (usize, End),
        slices: &[IoSlice<'_>],
        waker: &Waker,
    ) -> StreamStep<usize> {
        let connection = &mut self.connections[number];
        let step = connection.write(end, slices, Instant::now(), &mut self.conditions, waker);
        if let StreamStep::Done(Ok(_)) = step {
            self.woken.extend(connection.take_reader(end.other()));
        }
        step
    }

    pub(super) fn shut_down(&mut self, (number, end): (usize, End)) -> io::Result<()> {
        let connection = &mut self.connections[number];
        if !connection.is_shut_down(end) {
            // Only the first time brings news: two ends that shut down whenever they are polled must not wake each
            // other.
            self.woken.extend(connection.take_reader(end.other()));
        }
        connection.shut_down(end, Instant::now(), &mut self.conditions)
    }

    pub(super) fn drop_end(&mut self, (number, end): (usize, End)) {
        let connection = &mut self.connections[number];
        self.woken.extend(connection.take_reader(end.other()));
        self.woken.extend(connection.take_writer(end.other()));
        if connection.drop_end(end, Instant::now(), &mut self.conditions) {
            *connection = SimulatedConnection::default();
        }
    }

    /// Changes every connection and lets everybody who waits look again.
    pub(super) fn each(&mut self, mut change: impl FnMut(&mut SimulatedConnection, Instant, &mut Conditions)) {
        let now = Instant::now();
        for connection in &mut self.connections {
            change(connection, now, &mut self.conditions);
            for end in [End::Client, End::Server] {
                self.woken.extend(connection.take_reader(end));
                self.woken.extend(connection.take_writer(end));
            }
        }
    }

    pub(super) fn partition(&mut self) {
        self.conditions.partitioned_since.get_or_insert_with(Instant::now);
    }

    pub(super) fn heal(&mut self) {
        if let Some(since) = self.conditions.partitioned_since.take() {
            self.each(|connection, now, _| connection.heal(since, now));
        }
    }
}
