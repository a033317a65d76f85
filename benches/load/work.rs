//! What is asked of every peer.

use std::fmt;

/// A named load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) load: Load,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Bodies go there and come back.
    Calls(Calls),
    /// One stream from the server to the client, as fast as it goes.
    Items(Size),
    /// The server calls an object of the client's, one call after the other, inside a call of the client's.
    Callbacks,
    /// So many streams that are open and carry nothing; not a work, but what is weighed.
    Idle(usize),
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

/// Of the items of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Load {
    /// What is counted.
    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Self::Calls(_) => "call",
            Self::Items(_) => "item",
            Self::Callbacks => "callback",
            Self::Idle(_) => "stream",
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.load)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(Calls {
                connections,
                in_flight,
                body,
            }) => write!(
                f,
                "connections {connections}, calls in flight on each {in_flight}, body {body} bytes"
            ),
            Self::Items(Size::Small) => f.write_str("one stream from the server, items of 16 bytes"),
            Self::Items(Size::Large) => f.write_str("one stream from the server, items of 64 KiB"),
            Self::Callbacks => f.write_str("the server calls the client's object inside a call, one at a time"),
            Self::Idle(streams) => write!(f, "{streams} open streams that carry nothing"),
        }
    }
}
