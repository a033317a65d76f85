//! How the end of a session comes about.

use crate::proto::{Lost, datagram::End};

/// Why a link is over.
#[derive(Debug)]
pub(super) enum Over {
    /// A session ended, or could not be made.
    Session(End),
    Lost(Lost),
    Late,
    /// Both sides had done what there was to do.
    Left,
}

impl From<Lost> for Over {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Over {
    /// The network or the peer is to blame.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::Session(End::Broken(what)) => panic!("{what}"),
            Self::Lost(Lost::Violation(violation)) => panic!("{violation}"),
            // What came too late has not begun.
            Self::Session(End::Closed) | Self::Lost(Lost::Closed(_)) | Self::Late | Self::Left => false,
            Self::Session(End::Reset) | Self::Lost(_) => true,
        }
    }
}
