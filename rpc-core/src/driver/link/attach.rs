//! From what a message offers to what it carries on this connection, and back.

use std::sync::Arc;

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{Due, Link, State};
use crate::{
    Code, Error, Outcome,
    driver::attachments::{Bound, Carried, Offered},
    driver::{Import, Inlet, Outlet},
    proto::{Attachment, Flow},
};

/// What a message is to carry. As long as the lock is held it can be taken back.
#[derive(Default)]
pub(in crate::driver) struct Attached {
    pub(in crate::driver) attachments: ThinVec<Attachment>,
    /// Objects that the peer is given for the first time.
    fresh: Vec<u32>,
}

impl State {
    /// Gives everything that a message offers a number on this connection.
    ///
    /// # Errors
    /// What cannot travel, and nothing is changed.
    pub(in crate::driver) fn attach(&mut self, link: &Arc<Link>, offered: &[Offered]) -> Result<Attached, Error> {
        let mut attached = Attached::default();
        for offered in offered {
            if let Err(error) = self.attach_one(link, offered, &mut attached) {
                self.detach(&attached);
                return Err(error);
            }
        }
        Ok(attached)
    }

    fn attach_one(&mut self, link: &Arc<Link>, offered: &Offered, attached: &mut Attached) -> Result<(), Error> {
        let attachment = match offered {
            Offered::Stream { flow, .. } => Attachment::Stream {
                stream: self.connection.open_stream(*flow)?,
                flow: *flow,
            },
            Offered::Object(object) => {
                let (number, fresh) = self.export(object)?;
                attached.fresh.extend(fresh.then_some(number));
                Attachment::Object {
                    object: number,
                    service: object.service_id(),
                }
            }
            Offered::Import(import) if Arc::ptr_eq(import.link(), link) => Attachment::Returned {
                object: import.object(),
            },
            Offered::Import(import) => {
                let text = format!(
                    "the message's sender has the object from another connection, with {}: a reference goes back there \
                     and nowhere else; have the one who offers the object hand it out, or the sender offer one of its \
                     own that passes calls on",
                    import.link().peer()
                );
                return Err(Error::refused(Code::FailedPrecondition, text));
            }
        };
        attached.attachments.push(attachment);
        Ok(())
    }

    /// Takes back what no message has carried.
    pub(in crate::driver) fn detach(&mut self, attached: &Attached) {
        for &attachment in &attached.attachments {
            match attachment {
                Attachment::Stream { stream, .. } => self.connection.discard_stream(stream),
                Attachment::Object { object, .. } => self.connection.unexport(object),
                Attachment::Returned { .. } => {}
            }
        }
        for &object in &attached.fresh {
            // Whoever offered the object has it still, so it is not dropped here.
            self.exports.forget(object);
        }
    }

    /// The message is on its way: what stays of what it offered belongs to this connection now.
    pub(in crate::driver) fn settle(
        &mut self,
        link: &Arc<Link>,
        attached: &Attached,
        offered: ThinVec<Offered>,
        due: &mut Due,
    ) {
        for (&attachment, offered) in attached.attachments.iter().zip(offered) {
            match (attachment, offered) {
                (Attachment::Stream { stream, flow }, Offered::Stream { end, .. }) => {
                    self.hold();
                    let link = Arc::clone(link);
                    let bound = match flow {
                        Flow::Sends => Bound::Outlet(Outlet::new(link, stream)),
                        Flow::Receives => Bound::Inlet(Inlet::new(link, stream)),
                    };
                    due.ends.push((end, bound));
                }
                (attachment, offered) => {
                    if let Attachment::Returned { object } = attachment {
                        self.imports.used(object);
                    }
                    due.offered.push(offered);
                }
            }
        }
    }

    /// Makes handles of what a message carried, so that dropping them gives it back.
    pub(in crate::driver) fn carried(
        &mut self,
        link: &Arc<Link>,
        attachments: ThinVec<Attachment>,
    ) -> ThinVec<Carried> {
        if attachments.is_empty() {
            return ThinVec::new();
        }
        let handle = |attachment| match attachment {
            Attachment::Stream { stream, flow } => {
                self.hold();
                let link = Arc::clone(link);
                match flow {
                    Flow::Sends => Carried::Outlet(Outlet::new(link, stream)),
                    Flow::Receives => Carried::Inlet(Inlet::new(link, stream)),
                }
            }
            Attachment::Object { object, service } => {
                self.hold();
                self.imports.add(object);
                Carried::Import(Arc::new(Import::new(Arc::clone(link), object, service)))
            }
            Attachment::Returned { object } => match self.exports.get(object) {
                Some(object) => Carried::Object(Arc::clone(object)),
                None => Carried::Nothing,
            },
        };
        attachments.into_iter().map(handle).collect()
    }

    /// Attaches what the result of a call offers. Where the reply does not go as it is, the connection says why, and
    /// what was offered goes to nobody.
    pub(super) fn carry_with_reply(
        &mut self,
        link: &Arc<Link>,
        id: u32,
        metadata: &Bytes,
        length: usize,
        offered: ThinVec<Offered>,
        due: &mut Due,
    ) -> Result<(), Error> {
        if self.is_over() || !self.connection.can_reply(id, metadata, length) {
            due.forsake(offered);
            return Ok(());
        }
        match self.attach(link, &offered) {
            Ok(attached) => {
                self.connection.attach_reply(id, &attached.attachments);
                self.settle(link, &attached, offered, due);
                Ok(())
            }
            Err(error) => {
                due.forsake(offered);
                let text = format!("the result was made and cannot be sent: {}", error.message());
                Err(Error::new(error.code(), text).with_outcome(Outcome::Executed))
            }
        }
    }
}
