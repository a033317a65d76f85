//! Reading what the peer sent.

use std::{
    io,
    pin::pin,
    task::{Context, Poll},
};

use bytes::BufMut;
use tokio::io::AsyncReadExt;

use super::{Driver, Stopped, input::make_room};
use crate::{driver::CallHandler, proto::awaits_head};

/// How much is read in front of the body of a long message: the head, unless it has long metadata.
const HEAD: usize = 512;
/// How much of long messages is read before something is written.
const LANDED: usize = 256 << 10;

impl<I: CallHandler + Unpin> Driver<I> {
    /// Reads once, or as much as a turn takes of a long message, and acts on what came.
    pub(super) fn read(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Stopped> {
        let mut length = 0;
        loop {
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => return Err(Stopped::Ended(self.io_end("it was closed by the peer", None))),
                Poll::Ready(Ok(read)) => length += read,
                Poll::Ready(Err(error)) => return Err(Stopped::Ended(self.io_end("reading failed", Some(error)))),
                Poll::Pending if length == 0 => return Ok(Poll::Pending),
                Poll::Pending => break,
            }
            self.act()?;
            if self.landing.is_none() || length >= LANDED {
                break;
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Reads once; gives how many bytes came. A piece of a long message goes to where it stays.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // The futures of `read_buf` may be dropped at any time: they take nothing before they are ready.
        if let Some(landing) = &mut self.landing {
            return pin!(self.stream.read_buf(&mut landing.room())).poll(cx);
        }
        make_room(&mut self.input);
        let most = if awaits_head(&self.input) {
            self.input.len().max(HEAD)
        } else {
            usize::MAX
        };
        pin!(self.stream.read_buf(&mut (&mut self.input).limit(most))).poll(cx)
    }
}
