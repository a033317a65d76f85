//! Long messages that are read to where they stay.

use std::time::Instant;

use bytes::{Buf, BytesMut};

use super::{Connection, Lost};
use crate::proto::{
    PeerHead, Violation,
    assembly::{Extent, Piece},
    frame::{HEADER, Header, Kind, put_header},
    head::{announced_reply_head_len, take_reply_head},
    landing::{Landing, beginning},
};

impl Connection {
    /// Acts on what was read, as [`handle_input`](Self::handle_input) does. Pieces of long messages are read to where
    /// they stay: while there is a `landing`, that is where to read, and `input` is empty.
    ///
    /// # Errors
    /// The connection is over.
    pub(crate) fn handle_read(
        &mut self,
        input: &mut BytesMut,
        landing: &mut Option<Landing>,
        frames: usize,
        now: Instant,
    ) -> Result<bool, Lost> {
        if landing.as_ref().is_some_and(|landing| !landing.is_whole()) {
            return Ok(false);
        }
        // Most connections have only short messages, which nothing is to be moved for.
        if landing.is_some()
            && let Some(landed) = landing.take()
        {
            self.handle_landed(landed, input, now)?;
        }
        let more = self.handle_input(input, frames, now)?;
        if !more && !input.is_empty() {
            self.cut(input, now)?;
            *landing = self.land(input);
        }
        Ok(more)
    }

    /// Where a long message begins, and its head has come, the rest of that frame is as good as a frame of its own: it
    /// gets a header. `input` holds no whole frame.
    fn cut(&mut self, input: &mut BytesMut, now: Instant) -> Result<(), Lost> {
        let Some((header, kind, further)) = beginning(input) else {
            return Ok(());
        };
        let more = header.more();
        let head_len = match kind {
            Kind::Request => PeerHead::announced_len(&input[HEADER..], more),
            _ => announced_reply_head_len(&input[HEADER..], more),
        };
        let Some(head_len) = head_len.filter(|length| HEADER + length < input.len()) else {
            return Ok(());
        };
        let mut payload = input.split().freeze();
        payload.advance(HEADER);
        let missing = header.length - payload.len();
        let extent = |total: Option<u32>| match total {
            Some(total) => Extent::Pieces(total as usize),
            None => Extent::Frame(header.length.saturating_sub(head_len)),
        };
        let limit = self.terms.ours.max_metadata;
        self.in_use(now, |this| {
            if kind == Kind::Request {
                this.check_idle(header.id)?;
                let (head, total) = PeerHead::take(&mut payload, more, limit)?;
                this.begin_request(header.id, head, payload, extent(total), now)
            } else {
                this.check_unanswered(header.id)?;
                let (metadata, total) = take_reply_head(&mut payload, more, limit)?;
                this.begin_reply(header.id, metadata, payload, extent(total))
            }
        })?;
        put_header(input, further, more, header.id, missing);
        Ok(())
    }

    /// Takes the frame off `input` that it begins with, if that is a piece of a message that has begun to come, and
    /// gives where to read the rest of it.
    fn land(&mut self, input: &mut BytesMut) -> Option<Landing> {
        let header = Header::read(input)?;
        let kind = header.kind()?;
        let assembly = match kind {
            Kind::RequestData => self.incoming.assembly(header.id)?,
            Kind::ReplyData => self.outgoing.assembly(header.id)?,
            _ => return None,
        };
        let begun = input.get(HEADER..)?;
        let buffer = assembly.lend(header.length, begun)?;
        let end = buffer.len() - begun.len() + header.length;
        input.clear();
        Some(Landing {
            kind,
            more: header.more(),
            id: header.id,
            buffer,
            end,
        })
    }

    /// Takes a piece that has landed. What was read behind it goes to `input`.
    fn handle_landed(&mut self, landing: Landing, input: &mut BytesMut, now: Instant) -> Result<(), Lost> {
        let Landing { kind, more, id, .. } = landing;
        let piece = Piece::Landed(landing.finish(input));
        self.in_use(now, |this| match kind {
            Kind::RequestData => this.handle_request_data(id, piece, more),
            _ => this.handle_reply_data(id, piece, more),
        })?;
        Ok(())
    }

    /// Only calls, streams and references keep a connection, and not frames about those that have ended.
    fn in_use(&mut self, now: Instant, act: impl FnOnce(&mut Self) -> Result<(), Violation>) -> Result<(), Violation> {
        let used = self.is_used();
        act(self)?;
        if used || self.is_used() {
            self.idleness.touch(now);
        }
        Ok(())
    }
}
