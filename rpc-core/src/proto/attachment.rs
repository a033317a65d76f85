//! What a message carries beside its bytes.

/// The most that one message carries: the list fits into one frame.
pub(crate) const MAX_ATTACHMENTS: usize = 1024;

/// A stream, as this side names it: the top bit says that the peer chose the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(pub(crate) u32);

/// What this side does on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Sends,
    Receives,
}

/// What a message carries beside its bytes, as seen from this side, whoever sent the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// A new stream, and what this side does on it.
    Stream { stream: StreamId, flow: Flow },
    /// An object of the message's sender, with the hash of its service's name.
    Object { object: u32, service: u32 },
    /// An object of the message's recipient, which comes back to it.
    Returned { object: u32 },
}
