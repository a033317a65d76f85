//! What is asked of every peer.

use std::fmt;

/// A named load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) load: Load,
}

/// How many calls are under way at once, and how large they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// On each connection.
    pub(crate) in_flight: usize,
    /// Bytes of the argument and of the result.
    pub(crate) body: usize,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load {
            connections,
            in_flight,
            body,
        } = self.load;
        write!(
            f,
            "`{}`: connections {connections}, calls in flight on each {in_flight}, body {body} bytes",
            self.name
        )
    }
}
