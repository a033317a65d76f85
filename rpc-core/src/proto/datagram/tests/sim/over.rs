//! How the end of a session comes about.

use crate::proto::{Lost, datagram::SessionEnd};

/// Why a link is over.
#[derive(Debug)]
pub(super) enum LinkEnd {
    /// A session ended, or could not be made.
    Session(SessionEnd),
    Lost(Lost),
    Late,
    /// Both sides had done what there was to do.
    Left,
}

impl From<Lost> for LinkEnd {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl LinkEnd {
    /// The network or the peer is to blame.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::Session(SessionEnd::Broken(what)) => panic!("{what}"),
            Self::Lost(Lost::Violation(violation)) => panic!("{violation}"),
            // What came too late has not begun.
            Self::Session(SessionEnd::Closed) | Self::Lost(Lost::Closed(_)) | Self::Late | Self::Left => false,
            Self::Session(SessionEnd::Reset) | Self::Lost(_) => true,
        }
    }
}
