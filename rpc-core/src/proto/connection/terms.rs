//! What both sides of a connection allow.

use crate::proto::{Announced, Carrier, Limits, Violation};

/// What both sides of a connection allow.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) ours: Limits,
    pub(super) peer: Announced,
    pub(super) carrier: Carrier,
}

impl Terms {
    /// The longest item that both sides take.
    pub(super) fn max_item(&self) -> usize {
        self.carrier.max_message(&self.ours).min(self.peer.max_message as usize)
    }

    /// Why a message does not leave, if it is too large for one of both sides; `what` begins the sentence, up to its
    /// length.
    pub(super) fn too_large(&self, what: &str, length: usize) -> Option<String> {
        let (ours, theirs) = (self.carrier.max_message(&self.ours), self.peer.max_message as usize);
        let limit = ours.min(theirs);
        if length <= limit {
            return None;
        }
        let lowered = ours < self.ours.max_message;
        let rest = match self.carrier {
            Carrier::Datagrams if ours <= theirs && lowered => {
                format!("the limit over udp (`max_udp_message`) is {limit}; larger messages belong on tcp")
            }
            // The other side announces one number for both.
            Carrier::Datagrams if theirs < ours => format!(
                "the limit (`max_message`) is {limit} on the receiving side, or its `max_udp_message`; larger messages \
                 belong on tcp"
            ),
            _ => format!("the limit (`max_message`) is {limit}"),
        };
        Some(format!("{what} {length} bytes, {rest}"))
    }

    /// Refuses a message that an honest peer never sends, because it was told the limit.
    pub(super) fn check_received(&self, what: &str, length: usize) -> Result<(), Violation> {
        let limit = self.carrier.max_message(&self.ours);
        if length <= limit {
            return Ok(());
        }
        let lowered = limit < self.ours.max_message;
        let name = if lowered { "max_udp_message" } else { "max_message" };
        Err(Violation::new(format!(
            "{what} of {length} bytes, the limit (`{name}`) is {limit}"
        )))
    }
}
