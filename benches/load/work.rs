//! What is measured, and what is asked of a peer for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::beside;

/// A named measurement.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// How much of it is done in a second.
    Rate(Load),
    /// The same with client and server in one process, on one thread.
    InProcess(Calls),
    /// How many calls a server answers in a second of one core.
    ServerCore(Calls),
    /// The latency of small calls beside large ones on their connection.
    Beside,
    /// The latency of calls at a fixed rate beside slow calls.
    Neighbours(Slow),
}

/// What a peer's client does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Bodies go there and come back.
    Echo(Traffic),
    /// One stream from the server to the client, as fast as it goes.
    Items(Size),
    /// The server calls an object of the client's, one call after the other, inside a call of the client's.
    Callbacks,
    /// So many streams that are open and carry nothing; not a work, but what is weighed.
    Idle(usize),
    /// Calls over a connection on which much is open; not a work, but a step of what grows.
    Laden(Ballast, Calls),
}

/// When which bodies are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Traffic {
    /// The next call when one is answered.
    Closed(Calls),
    /// Large calls back to back, counted, and small ones one at a time, timed, on one connection.
    Beside,
    /// Calls at planned times, whether earlier ones are answered or not.
    Paced(Paced),
}

/// How many calls are under way at once, and how large they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls {
    pub(crate) connections: usize,
    /// On each connection.
    pub(crate) in_flight: usize,
    /// Bytes of the argument and of the result.
    pub(crate) body: usize,
}

/// What is open on a connection and is not used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ballast {
    Streams(usize),
    /// Of the server's, that the client can call.
    Objects(usize),
}

/// Calls of 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paced {
    pub(crate) connections: u32,
    /// On all connections together.
    pub(crate) per_second: f64,
    /// What some handlers do before they answer.
    pub(crate) slow: Option<Slow>,
}

/// What a slow handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Slow {
    Asleep,
    Computing,
}

/// Of the items of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Calls {
    /// One call at a time, of so many bytes.
    pub(crate) const fn one(body: usize) -> Self {
        Self {
            connections: 1,
            in_flight: 1,
            body,
        }
    }
}

impl Traffic {
    pub(crate) fn connections(&self) -> usize {
        match self {
            Self::Closed(calls) => calls.connections,
            Self::Beside => 1,
            Self::Paced(paced) => paced.connections as usize,
        }
    }
}

impl Load {
    /// Of the longest call.
    pub(crate) fn body(&self) -> usize {
        match self {
            Self::Echo(Traffic::Closed(calls)) => calls.body,
            Self::Echo(Traffic::Beside) => beside::LARGE,
            _ => 0,
        }
    }

    pub(crate) const fn calls(calls: Calls) -> Self {
        Self::Echo(Traffic::Closed(calls))
    }
}

impl Kind {
    /// What is counted.
    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Self::Rate(Load::Items(_)) => "item",
            Self::Rate(Load::Callbacks) => "callback",
            Self::Beside => "MiB",
            _ => "call",
        }
    }

    /// What [`per_second`](crate::measure::Sample::per_second) says.
    pub(crate) fn rate(&self) -> &'static str {
        match self {
            Self::Rate(Load::Items(_)) => "items/s",
            Self::Rate(Load::Callbacks) => "callbacks/s",
            Self::Beside => "MiB/s",
            Self::ServerCore(_) => "calls per second of server CPU",
            Self::Neighbours(_) => "calls/s, half the peak",
            Self::Rate(_) | Self::InProcess(_) => "calls/s",
        }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            in_flight,
            body,
        } = self;
        write!(
            f,
            "connections {connections}, calls in flight on each {in_flight}, body {body} bytes"
        )
    }
}
