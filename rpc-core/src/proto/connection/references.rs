//! References to objects, of this side and of the peer's.

use bytes::{Buf, Bytes};

use super::{Connection, Event};
use crate::{
    Code, Error,
    proto::{
        Violation,
        frame::{Kind, put_header},
        references::MAX_REFERENCES,
    },
};

impl Connection {
    /// One more reference to an object of this side goes to the peer: to one that it has been given before, or to a new
    /// one.
    ///
    /// # Errors
    /// `ResourceExhausted` and not executed, when there are too many objects.
    pub(crate) fn export(&mut self, object: Option<u32>) -> Result<u32, Error> {
        self.references.export(object).ok_or_else(|| {
            let (limit, has_room) = (self.references.limit(), self.references.has_room());
            // It may be read on either side: where the message carries an answer, the caller reads it.
            let text = if has_room || object.is_some() {
                format!(
                    "the message's receiver holds {MAX_REFERENCES} references to the sender's objects already, the \
                     limit of a connection"
                )
            } else {
                let more = if limit == 0 { "no" } else { "no more" };
                format!(
                    "the message's sender gives away {more} objects on this connection: its limit (`max_objects`) is \
                     {limit}"
                )
            };
            Error::refused(Code::ResourceExhausted, text)
        })
    }

    /// Takes back a reference that no message has carried.
    pub(crate) fn unexport(&mut self, object: u32) {
        if self.references.release(object, 0).unwrap_or_default() {
            self.events.push_back(Event::Released { object });
        }
    }

    /// A reference to an object of the peer's is gone; it was named `uses` times, as the target of a call or going
    /// back.
    pub(crate) fn release_object(&mut self, object: u32, uses: u64) {
        self.references.give_back();
        self.agreements.forget(object);
        self.idleness.touch_later();
        self.put_number(Kind::Release, object, uses);
    }

    /// Asks to be told with an [event](Event::Revoked) when an object of the peer's is revoked. `watch` is a number
    /// that no other watch of this side has or had. Once for each reference at most.
    pub(crate) fn watch_object(&mut self, object: u32, watch: u64) {
        self.put_number(Kind::Watch, object, watch);
    }

    /// Tells the peer that an object of this side which it [watches](Event::Watched) is revoked.
    pub(crate) fn tell_revoked(&mut self, watch: u64) {
        self.put_number(Kind::Revoked, 0, watch);
    }

    pub(super) fn handle_watch(&mut self, object: u32, mut payload: Bytes) -> Result<(), Violation> {
        let watch = payload.try_get_u64_le()?;
        self.references.watch(object)?;
        self.events.push_back(Event::Watched { object, watch });
        Ok(())
    }

    /// The references may be gone meanwhile, and it is not known here whether a task waits for it.
    pub(super) fn handle_revoked(&mut self, mut payload: Bytes) -> Result<(), Violation> {
        let watch = payload.try_get_u64_le()?;
        self.events.push_back(Event::Revoked { watch });
        Ok(())
    }

    /// A frame about an object whose payload is one number.
    fn put_number(&mut self, kind: Kind, object: u32, number: u64) {
        let small = self.outbox.small();
        put_header(small, kind, false, object, 8);
        small.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn handle_release(&mut self, object: u32, mut payload: Bytes) -> Result<(), Violation> {
        let uses = payload.try_get_u64_le()?;
        if self.references.release(object, uses)? {
            self.events.push_back(Event::Released { object });
        }
        Ok(())
    }

    /// A request names its target; returns whether the object exists.
    pub(super) fn name_target(&mut self, object: Option<u32>) -> bool {
        object.is_none_or(|object| self.references.name(object).is_ok())
    }
}
