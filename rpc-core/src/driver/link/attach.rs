//! From what a message offers to what it carries on this connection, and back.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::LinkGuard;
use crate::{
    Code, Error,
    driver::attachments::{Bound, IncomingAttachment, OutgoingAttachment},
    driver::{Import, RecvStream, SendStream},
    proto::{Attachment, Flow},
};

/// What a message is about to carry. Unless it is [settled](Self::settle), all of it is taken back when this is
/// dropped, and what was offered with it.
pub(in crate::driver) struct Attaching<'h, 'a> {
    pub(in crate::driver) held: &'h mut LinkGuard<'a>,
    pub(in crate::driver) attachments: ThinVec<Attachment>,
    /// Objects that the peer is given for the first time.
    fresh: Vec<u32>,
    offered: ThinVec<OutgoingAttachment>,
}

impl<'h, 'a> Attaching<'h, 'a> {
    /// Gives everything that a message offers a number on this connection.
    ///
    /// # Errors
    /// What cannot travel, and nothing is changed.
    #[inline]
    pub(in crate::driver) fn new(
        held: &'h mut LinkGuard<'a>,
        offered: ThinVec<OutgoingAttachment>,
    ) -> Result<Self, Error> {
        let mut attaching = Self {
            held,
            attachments: ThinVec::new(),
            fresh: Vec::new(),
            offered,
        };
        if !attaching.offered.is_empty() {
            attaching.attach()?;
        }
        Ok(attaching)
    }

    fn attach(&mut self) -> Result<(), Error> {
        for offered in &self.offered {
            let attachment = match offered {
                OutgoingAttachment::Stream { flow, .. } => Attachment::Stream {
                    stream: self.held.connection.open_stream(*flow)?,
                    flow: *flow,
                },
                OutgoingAttachment::Object(object) => {
                    let (number, fresh) = self.held.export(object)?;
                    self.fresh.extend(fresh.then_some(number));
                    Attachment::Object {
                        object: number,
                        service: object.service_id(),
                    }
                }
                OutgoingAttachment::Import(import) if Arc::ptr_eq(import.link(), self.held.link) => {
                    Attachment::Returned {
                        object: import.object(),
                    }
                }
                OutgoingAttachment::Import(import) => return Err(from_elsewhere(import)),
            };
            self.attachments.push(attachment);
        }
        Ok(())
    }

    /// The message is on its way: the ends that stay belong to this connection now.
    #[inline]
    pub(in crate::driver) fn settle(mut self) {
        if !self.attachments.is_empty() {
            self.settle_all();
        }
    }

    fn settle_all(&mut self) {
        let offered = std::mem::take(&mut self.offered);
        for (attachment, offered) in std::mem::take(&mut self.attachments).into_iter().zip(offered) {
            match (attachment, offered) {
                (Attachment::Stream { stream, flow }, OutgoingAttachment::Stream { end, .. }) => {
                    self.held.hold();
                    let link = Arc::clone(self.held.link);
                    let bound = match flow {
                        Flow::Sends => Bound::SendStream(SendStream::new(link, stream)),
                        Flow::Receives => Bound::RecvStream(RecvStream::new(link, stream)),
                    };
                    self.held.due.rare().ends.push((end, bound));
                }
                (attachment, offered) => {
                    if let Attachment::Returned { object } = attachment {
                        self.held.imports.used(object);
                    }
                    self.held.due.rare().offered.push(offered);
                }
            }
        }
        self.fresh.clear();
    }

    /// Takes back what no message has carried.
    fn detach(&mut self) {
        for attachment in std::mem::take(&mut self.attachments) {
            match attachment {
                Attachment::Stream { stream, .. } => self.held.connection.discard_stream(stream),
                Attachment::Object { object, .. } => self.held.connection.unexport(object),
                Attachment::Returned { .. } => {}
            }
        }
        for object in self.fresh.drain(..) {
            // The code that offered the object still has it, so it is not dropped here.
            self.held.exports.forget(object);
        }
        self.held.due.forsake(std::mem::take(&mut self.offered));
    }
}

impl Drop for Attaching<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        if !self.offered.is_empty() {
            self.detach();
        }
    }
}

fn from_elsewhere(import: &Import) -> Error {
    let text = format!(
        "the message's sender has the object from another connection, with {}, and a reference can only go back there: \
         let the owner of the object hand it out, or let the sender offer an object of its own that passes calls on",
        import.link().peer()
    );
    Error::refused(Code::FailedPrecondition, text)
}

impl LinkGuard<'_> {
    /// Makes handles of what a message carried, so that dropping them gives it back.
    pub(in crate::driver) fn carried(&mut self, attachments: ThinVec<Attachment>) -> ThinVec<IncomingAttachment> {
        if attachments.is_empty() {
            return ThinVec::new();
        }
        let handle = |attachment| match attachment {
            Attachment::Stream { stream, flow } => {
                self.hold();
                let link = Arc::clone(self.link);
                match flow {
                    Flow::Sends => IncomingAttachment::SendStream(SendStream::new(link, stream)),
                    Flow::Receives => IncomingAttachment::RecvStream(RecvStream::new(link, stream)),
                }
            }
            Attachment::Object { object, service } => {
                self.hold();
                self.imports.add(object);
                IncomingAttachment::Import(Arc::new(Import::new(Arc::clone(self.link), object, service)))
            }
            Attachment::Returned { object } => match self.exports.get(object) {
                Some(object) => IncomingAttachment::Object(Arc::clone(object)),
                None => IncomingAttachment::Nothing,
            },
        };
        attachments.into_iter().map(handle).collect()
    }
}
