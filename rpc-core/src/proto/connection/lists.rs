//! The lists of what messages carry, and giving back what is not taken.

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{Connection, Event};
use crate::{
    Error,
    proto::{
        Attachment, Flow, PeerHead, StreamId, Violation,
        attachment::{put_list, take_list},
        frame::Kind,
        head::encode_failure,
        stream::StreamHalf,
    },
};

impl Connection {
    /// What the reply to a call carries, just before [`reply`](Self::reply); see [`can_reply`](Self::can_reply).
    pub(crate) fn attach_reply(&mut self, call: u32, attachments: &[Attachment]) {
        if !attachments.is_empty() {
            self.put_list(Kind::ReplyAttach, call, attachments);
        }
    }

    /// What a request carries that is about to be queued.
    pub(super) fn attach_request(&mut self, call: u32, attachments: &[Attachment]) {
        if !attachments.is_empty() {
            self.put_list(Kind::RequestAttach, call, attachments);
        }
    }

    /// A request was withdrawn before any of it has left: its list is given back.
    pub(super) fn detach_request(&mut self, call: u32, attached: bool, object: Option<u32>) {
        if let Some(object) = object {
            // The side that holds the reference counts the call, so the object's side must count it, too.
            self.put_list(Kind::RequestAttach, call, &[Attachment::Returned { object }]);
        }
        if attached || object.is_some() {
            self.put_list(Kind::RequestAttach, call, &[]);
        }
    }

    fn put_list(&mut self, kind: Kind, call: u32, list: &[Attachment]) {
        put_list(self.outbox.small(), kind, call, list);
        self.streams.announce(list, self.outbox.writer());
    }

    pub(super) fn handle_request_attach(&mut self, call: u32, payload: Bytes) -> Result<(), Violation> {
        self.check_idle(call)?;
        let list = self.accept_list(payload)?;
        let replaced = self.incoming.put_list(call, list);
        self.dispose(replaced);
        Ok(())
    }

    pub(super) fn handle_reply_attach(&mut self, id: u32, payload: Bytes) -> Result<(), Violation> {
        if !self.outgoing.in_flight(id)?.expects_list() {
            return Err(Violation::new(format!(
                "two lists for the reply to call {id}, or a late one"
            )));
        }
        let list = self.accept_list(payload)?;
        let unwanted = self.outgoing.in_flight(id)?.put_list(list);
        self.dispose(unwanted);
        Ok(())
    }

    pub(super) fn handle_item_attach(&mut self, wire: u32, payload: Bytes) -> Result<(), Violation> {
        let id = StreamId::received(wire);
        let length = payload.len();
        let expected = self
            .heard(id)?
            .is_none_or(|stream| matches!(stream.role, StreamHalf::Receives(_)));
        if !expected {
            return Err(Violation::new("an item to the sender of a stream"));
        }
        let list = self.accept_list(payload)?;
        match self
            .streams
            .find(id)
            .filter(|stream| stream.stale == 0 && !stream.is_let_go())
        {
            Some(stream) => {
                if let StreamHalf::Receives(receiver) = &mut stream.role {
                    receiver.count(length)?;
                    receiver.arrive_list(list, length)?;
                }
            }
            // The sender still sends what it had announced, also after its receiver has stopped.
            None => self.dispose(list),
        }
        Ok(())
    }

    /// Reads a list: from now on what is in it is this side's to use or to give back.
    fn accept_list(&mut self, payload: Bytes) -> Result<ThinVec<Attachment>, Violation> {
        let list = take_list(payload)?;
        for entry in &list {
            match *entry {
                Attachment::Stream { stream, flow } => {
                    self.streams.accept(stream, flow, self.outbox.taken())?;
                    if self.terms.carrier.overtakes() {
                        self.greet(stream);
                    }
                }
                Attachment::Object { .. } => self.references.import()?,
                Attachment::Returned { object } => self.references.name(object)?,
            }
        }
        Ok(list)
    }

    /// A list is handed out: gives the events of objects that nothing else keeps, which must follow it.
    pub(super) fn hand_out(&mut self, list: &[Attachment]) -> Vec<Event> {
        let mut released = Vec::new();
        for entry in list {
            if let &Attachment::Returned { object } = entry
                && self.references.hand_out(object)
            {
                released.push(Event::Released { object });
            }
        }
        released
    }

    /// A message is handed out, and then what its list has let go: for most messages nothing.
    pub(super) fn tell(&mut self, message: Event, released: Vec<Event>) {
        self.events.push_back(message);
        if !released.is_empty() {
            self.events.extend(released);
        }
    }

    /// A list has no receiver.
    pub(super) fn dispose(&mut self, list: ThinVec<Attachment>) {
        if !list.is_empty() {
            let released = self.hand_out(&list);
            self.events.extend(released);
            self.give_back(list);
        }
    }

    /// A request has no receiver.
    pub(super) fn drop_request(&mut self, head: PeerHead) {
        if let Some(object) = head.target.object()
            && self.references.hand_out(object)
        {
            self.events.push_back(Event::Released { object });
        }
        self.dispose(head.attachments);
    }

    /// Gives back what was not handed out, with all that came on its streams: in a loop, because the peer chooses how
    /// deep these nest.
    pub(super) fn give_back(&mut self, list: ThinVec<Attachment>) {
        let why = Error::cancelled("the message that carried this stream was discarded");
        let why = encode_failure(&why, 0).freeze();
        let mut lists = vec![list];
        while let Some(list) = lists.pop() {
            for entry in list {
                match entry {
                    Attachment::Stream { stream, flow } => {
                        let unclaimed = self.let_go(stream, flow, why.clone());
                        for list in &unclaimed {
                            let released = self.hand_out(list);
                            self.events.extend(released);
                        }
                        lists.extend(unclaimed);
                    }
                    Attachment::Object { object, .. } => self.release_object(object, 0),
                    Attachment::Returned { .. } => {}
                }
            }
        }
    }

    /// The user of a stream is gone; `last` is what this side says last. Returns the lists that were not taken.
    pub(super) fn let_go(&mut self, id: StreamId, flow: Flow, last: Bytes) -> Vec<ThinVec<Attachment>> {
        let Some((stream, budget)) = self.streams.find_with_budget(id) else {
            return Vec::new();
        };
        let unclaimed = match (&mut stream.role, flow) {
            _ if stream.last.is_some() || stream.said_last.is_some() => return Vec::new(),
            (StreamHalf::Sends(_), Flow::Sends) => Vec::new(),
            (StreamHalf::Receives(receiver), Flow::Receives) => {
                receiver.release(id, budget);
                receiver.drain()
            }
            _ => return Vec::new(),
        };
        stream.last = Some(last);
        self.idleness.touch_later();
        self.streams.proceed(id, self.outbox.writer());
        self.lend();
        unclaimed
    }
}
