//! What the lock of a connection guards.

use std::{borrow::Cow, sync::Arc, task::Waker, time::Instant};

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{
    CallResult, LinkGuard, Reply,
    attach::Attaching,
    life::Life,
    look::Look,
    objects::{ExportedObjects, ImportedObjects},
    queue::CallQueue,
    streams::StreamWaiters,
};
use crate::{
    Error, Outcome,
    driver::attachments::{OutgoingAttachment, Payload},
    driver::{Share, inbound::answer_len, unread::Unread},
    proto::{Connection, Event, RequestHead},
};

/// What the lock of a connection guards.
pub(in crate::driver) struct LinkState {
    pub(in crate::driver) connection: Connection,
    unread: Unread,
    /// By call id.
    waiters: Vec<CallWaiter>,
    pub(in crate::driver) streams: StreamWaiters,
    pub(super) exports: ExportedObjects,
    pub(super) imports: ImportedObjects,
    /// The driver, while it sleeps.
    pub(super) driver: Option<Waker>,
    pub(super) life: Life,
    pub(super) queue: CallQueue,
    /// Some call ended.
    pub(super) answered: bool,
    pub(in crate::driver) look: Look,
}

/// The waker of a call, and what has come for it.
#[derive(Default)]
pub(super) struct CallWaiter {
    pub(super) waker: Option<Waker>,
    pub(super) answer: Option<CallResult>,
}

impl LinkState {
    pub(super) fn new(connection: Connection, look: Look, share: Arc<Share>) -> Self {
        let queue = CallQueue::new(connection.max_waiting());
        Self {
            connection,
            unread: Unread::new(share),
            waiters: Vec::new(),
            streams: StreamWaiters::default(),
            exports: ExportedObjects::default(),
            imports: ImportedObjects::default(),
            driver: None,
            life: Life::default(),
            queue,
            answered: false,
            look,
        }
    }

    /// Gives back the memory that was needed in busier times, since nothing is open.
    pub(in crate::driver) fn shrink(&mut self) {
        self.connection.shrink();
        if self
            .waiters
            .iter()
            .all(|waiter| waiter.waker.is_none() && waiter.answer.is_none())
        {
            self.waiters = Vec::new();
        }
    }

    pub(super) fn waiter(&mut self, id: u32) -> &mut CallWaiter {
        let index = id as usize;
        if index >= self.waiters.len() {
            // Ids of our own calls are dense and held below the limit on calls.
            self.waiters.resize_with(index + 1, CallWaiter::default);
        }
        &mut self.waiters[index]
    }

    /// The driver runs, so there is no need to wake it.
    pub(in crate::driver) fn awake(&mut self) {
        self.driver = None;
    }

    /// Puts the driver to sleep, unless the connection was cut: while the driver ran it could not be woken for that.
    pub(in crate::driver) fn sleep(&mut self, waker: &Waker) {
        self.driver = Some(waker.clone());
        if self.is_cut() {
            waker.wake_by_ref();
        }
    }

    /// The peer has read some answers.
    pub(in crate::driver) fn settle_unread(&mut self) {
        self.unread.settle(self.connection.unread());
    }
}

impl LinkGuard<'_> {
    /// The caller has its answer: the id is free again.
    pub(super) fn release_call(&mut self, id: u32) {
        self.connection.release(id);
        if self.queue.is_empty() {
            self.wake_for_end();
        } else {
            self.pass_on();
        }
    }

    /// Makes a call for which there is a place; returns its id.
    pub(super) fn send(
        &mut self,
        head: &RequestHead,
        mut payload: Payload,
        deadline: Option<Instant>,
    ) -> Result<u32, Error> {
        let mut head = Cow::Borrowed(head);
        let attaching = Attaching::new(self, payload.take_offered())?;
        if !attaching.attachments.is_empty() {
            head.to_mut().attachments.clone_from(&attaching.attachments);
        }
        let id = attaching.held.connection.start(&head, payload.take_body(), deadline)?;
        if let Some(object) = head.target.object() {
            attaching.held.imports.used(object);
        }
        attaching.settle();
        Ok(id)
    }

    /// Answers a call of the peer.
    pub(in crate::driver) fn reply(&mut self, id: u32, metadata: &Bytes, answer: Result<Payload, Error>) {
        if let Err(refusal) = self.admit(metadata, &answer) {
            self.connection.reply(id, &Bytes::new(), Err(&refusal));
            match answer {
                Ok(mut payload) => self.due.forsake(payload.take_offered()),
                Err(error) => self.due.retire(error),
            }
            return;
        }
        if let Err(error) = answer.and_then(|payload| self.succeed(id, metadata, payload)) {
            self.connection.reply(id, metadata, Err(&error));
            self.due.retire(error);
        }
    }

    /// Answers a call with what it returned.
    ///
    /// # Errors
    /// The error to answer instead.
    fn succeed(&mut self, id: u32, metadata: &Bytes, mut payload: Payload) -> Result<(), Error> {
        let offered = payload.take_offered();
        if !offered.is_empty() {
            self.attach_to_reply(id, metadata, payload.len(), offered)?;
        }
        self.connection.reply(id, metadata, Ok(payload.take_body()));
        Ok(())
    }

    /// Attaches what the result of a call offers. Where the reply does not go as it is, the connection says why, and
    /// what was offered is dropped.
    fn attach_to_reply(
        &mut self,
        id: u32,
        metadata: &Bytes,
        length: usize,
        offered: ThinVec<OutgoingAttachment>,
    ) -> Result<(), Error> {
        if self.is_over() || !self.connection.can_reply(id, metadata, length) {
            self.due.forsake(offered);
            return Ok(());
        }
        let attaching = Attaching::new(self, offered).map_err(|error| {
            let text = format!("the handler ran, but its result cannot be sent: {}", error.message());
            Error::new(error.code(), text).with_outcome(Outcome::Executed)
        })?;
        attaching.held.connection.attach_reply(id, &attaching.attachments);
        attaching.settle();
        Ok(())
    }

    /// Makes room for an answer.
    ///
    /// # Errors
    /// The error to answer instead.
    fn admit(&mut self, metadata: &Bytes, answer: &Result<Payload, Error>) -> Result<(), Error> {
        if let Some(end) = self.end_reason() {
            return Err(end.clone());
        }
        let length = metadata.len() + answer_len(answer);
        let waiting = self.connection.unread();
        self.unread.admit(waiting, length).map_err(|no_room| {
            if self.link.share().tells() {
                let passed = (Arc::clone(self.link.peer()), no_room.message().to_owned());
                self.due.rare().passed.push(passed);
            }
            match answer {
                Ok(_) => no_room,
                // The code of the failure matters more than its text.
                Err(error) => {
                    let text =
                        "the call failed, and the text of its error was dropped, because too many bytes of answers \
                         wait to be read";
                    Error::new(error.code(), text).with_outcome(error.outcome())
                }
            }
        })
    }

    /// Hands what happened to the tasks that wait for it. The driver does what the peer wants of this side.
    pub(in crate::driver) fn handle(&mut self, event: Event) {
        match event {
            Event::Reply {
                call,
                metadata,
                body,
                attachments,
            } => {
                let carried = self.carried(attachments);
                self.answer(
                    call,
                    Ok(Reply {
                        metadata,
                        body,
                        carried,
                    }),
                );
            }
            Event::Failed { call, error } => self.answer(call, Err(error)),
            Event::Sendable { stream } | Event::Receivable { stream } => {
                let wakers = self.streams.waiter(stream).take();
                self.due.wake(wakers);
            }
            // Another call may have the id meanwhile: it looks once too often.
            Event::Left { call } => {
                let waker = self.waiter(call).waker.take();
                self.due.wake(waker);
            }
            Event::Released { object } => self.released(object),
            Event::Watched { object, watch } => self.watched(object, watch),
            Event::Revoked { watch } => self.revoked(watch),
            Event::GoAway => {
                self.life.closing = true;
                self.turn_away();
            }
            Event::Request { .. } | Event::Stop { .. } => {}
        }
    }

    /// A call has ended.
    fn answer(&mut self, id: u32, answer: CallResult) {
        self.answered = true;
        let waiter = self.waiter(id);
        waiter.answer = Some(answer);
        let waker = waiter.waker.take();
        self.due.wake(waker);
    }
}
