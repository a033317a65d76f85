//! The answers of one connection that wait for the peer to read.

use std::sync::Arc;

use super::{Quantity, Share, ShareRefusal};
use crate::{Code, Error, Outcome};

/// Answers up to this length always go out: the refusal in their place would be about as long.
const SHORT: usize = 512;
/// What is taken of the server's share at one time; as much again is free for each connection, so that small calls
/// touch nothing that connections share.
const UNIT: usize = 64 << 10;

/// The answers of one connection that wait for the peer to read, counted against what the connection and the server
/// allow.
#[derive(Debug)]
pub(super) struct Unread {
    share: Arc<Share>,
    /// What was taken of the share: whole units, at most one less than what waits.
    taken: usize,
}

impl Unread {
    pub(super) fn new(share: Arc<Share>) -> Self {
        Self { share, taken: 0 }
    }

    /// Makes room for an answer of `length` bytes behind `waiting` ones.
    ///
    /// # Errors
    /// There is no room: the call was executed, and its answer is dropped.
    pub(super) fn admit(&mut self, waiting: usize, length: usize) -> Result<(), Error> {
        if length <= SHORT {
            return Ok(());
        }
        let (limit, total) = (self.share.max_unread(), waiting.saturating_add(length));
        if total > limit {
            return Err(refused(
                length,
                &format!(
                    "{waiting} bytes of answers wait on this connection to be read, its limit (`max_unread`) is {limit}"
                ),
            ));
        }
        let missing = total.saturating_sub(self.taken + UNIT).next_multiple_of(UNIT);
        if missing > 0 {
            let taken = self.share.take(Quantity::Unread, missing);
            taken.map_err(|why| refused(length, &no_room(why)))?;
            self.taken += missing;
        }
        Ok(())
    }

    /// The peer has read some answers, and `waiting` bytes still wait. What may be needed again soon is kept.
    pub(super) fn settle(&mut self, waiting: usize) {
        let needed = waiting.next_multiple_of(UNIT);
        if self.taken > needed {
            self.share.give(Quantity::Unread, self.taken - needed);
            self.taken = needed;
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.settle(0);
    }
}

fn refused(length: usize, why: &str) -> Error {
    let text = format!(
        "the handler's answer of {length} bytes was dropped on the side that made it: {why}; make fewer calls with \
         large answers at one time, or return a stream"
    );
    Error::new(Code::ResourceExhausted, text).with_outcome(Outcome::Executed)
}

fn no_room(why: ShareRefusal) -> String {
    match why {
        ShareRefusal::Full { limit } => {
            format!(
                "unread answers to all its callers leave no room within its limit of {limit} bytes \
                 (`max_server_unread`)"
            )
        }
        ShareRefusal::Share { own, limit, owner } => format!(
            "{own} bytes of answers to callers {owner} wait to be read, and the rest of its {limit} \
             (`max_server_unread`) is kept for others"
        ),
    }
}
