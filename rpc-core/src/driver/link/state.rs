//! What the lock of a connection guards.

use std::{borrow::Cow, sync::Arc, task::Waker, time::Instant};

use bytes::Bytes;

use super::{
    Answered, Due, Link, Reply,
    life::Life,
    look::Look,
    objects::{Exports, Imports},
    queue::Queue,
    streams::Streams,
};
use crate::{
    Error,
    driver::attachments::Payload,
    driver::{Share, inbound::answer_len, unread::Unread},
    proto::{Body, COPIED, Connection, Event, RequestHead},
};

/// What the lock of a connection guards.
pub(in crate::driver) struct State {
    pub(in crate::driver) connection: Connection,
    unread: Unread,
    /// By call id.
    waiters: Vec<Waiter>,
    pub(in crate::driver) streams: Streams,
    pub(super) exports: Exports,
    pub(super) imports: Imports,
    /// The driver, while it sleeps.
    pub(super) driver: Option<Waker>,
    pub(super) life: Life,
    pub(super) queue: Queue,
    /// Some call ended.
    pub(super) answered: bool,
    pub(in crate::driver) look: Look,
}

/// Who waits for a call, and what has come for it.
#[derive(Default)]
pub(super) struct Waiter {
    pub(super) waker: Option<Waker>,
    pub(super) answer: Option<Answered>,
}

impl State {
    pub(super) fn new(connection: Connection, look: Look, share: Arc<Share>) -> Self {
        let queue = Queue::new(connection.max_waiting());
        Self {
            connection,
            unread: Unread::new(share),
            waiters: Vec::new(),
            streams: Streams::default(),
            exports: Exports::default(),
            imports: Imports::default(),
            driver: None,
            life: Life::default(),
            queue,
            answered: false,
            look,
        }
    }

    pub(super) fn waiter(&mut self, id: u32) -> &mut Waiter {
        let index = id as usize;
        if index >= self.waiters.len() {
            // Ids of our own calls are dense and held below the limit on calls.
            self.waiters.resize_with(index + 1, Waiter::default);
        }
        &mut self.waiters[index]
    }

    /// The driver's waker, when there is something for it to do.
    pub(in crate::driver) fn wake_for_output(&mut self, timer: bool) -> Option<Waker> {
        if timer || self.connection.wants_write() || self.connection.has_events() {
            self.driver.take()
        } else {
            None
        }
    }

    /// The driver runs: nobody needs to wake it.
    pub(in crate::driver) fn awake(&mut self) {
        self.driver = None;
    }

    /// Puts the driver to sleep, unless the connection was cut: while the driver ran nobody could wake it.
    pub(in crate::driver) fn sleep(&mut self, waker: &Waker) {
        self.driver = Some(waker.clone());
        if self.is_cut() {
            waker.wake_by_ref();
        }
    }

    /// Makes a call for which there is a place; gives its id, and what is to be dropped outside the lock.
    pub(super) fn send(
        &mut self,
        link: &Arc<Link>,
        head: &RequestHead,
        mut payload: Payload,
        deadline: Option<Instant>,
        due: &mut Due,
    ) -> (Result<u32, Error>, Option<Payload>) {
        let mut head = Cow::Borrowed(head);
        let offered = payload.take_offered();
        let attached = match self.attach(link, &offered) {
            Ok(attached) => attached,
            Err(error) => {
                due.forsake(offered);
                return (Err(error), Some(payload));
            }
        };
        if !offered.is_empty() {
            head.to_mut().attachments.clone_from(&attached.attachments);
        }
        let (started, spent) = if payload.as_slice().len() <= COPIED {
            let body = Body::Small(payload.as_slice());
            (self.connection.start(&head, body, deadline), Some(payload))
        } else {
            let body = Body::Large(payload.into_bytes());
            (self.connection.start(&head, body, deadline), None)
        };
        if started.is_ok() {
            if let Some(object) = head.object {
                self.imports.used(object);
            }
            self.settle(link, &attached, offered, due);
        } else {
            self.detach(&attached);
            due.forsake(offered);
        }
        (started, spent)
    }

    /// Answers a call of the peer; gives back what is to be dropped outside the lock: a buffer, or an error with a
    /// cause of the user's.
    pub(in crate::driver) fn reply(
        &mut self,
        link: &Arc<Link>,
        id: u32,
        metadata: &Bytes,
        mut answer: Result<Payload, Error>,
        due: &mut Due,
    ) -> Option<Result<Payload, Error>> {
        if let Err(error) = self.admit(link, metadata, &answer, due) {
            if let Ok(payload) = &mut answer {
                due.forsake(payload.take_offered());
            }
            self.connection.reply(id, &Bytes::new(), Err(&error));
            return Some(answer);
        }
        let answer = answer.and_then(|mut payload| {
            let offered = payload.take_offered();
            if !offered.is_empty() {
                self.carry_with_reply(link, id, metadata, payload.as_slice().len(), offered, due)?;
            }
            Ok(payload)
        });
        match answer {
            Ok(payload) if payload.as_slice().len() <= COPIED => {
                self.connection.reply(id, metadata, Ok(Body::Small(payload.as_slice())));
                Some(Ok(payload))
            }
            Ok(payload) => {
                self.connection
                    .reply(id, metadata, Ok(Body::Large(payload.into_bytes())));
                None
            }
            Err(error) => {
                self.connection.reply(id, metadata, Err(&error));
                Some(Err(error))
            }
        }
    }

    /// Makes room for an answer.
    ///
    /// # Errors
    /// What goes out in its place.
    fn admit(
        &mut self,
        link: &Link,
        metadata: &Bytes,
        answer: &Result<Payload, Error>,
        due: &mut Due,
    ) -> Result<(), Error> {
        if let Some(end) = self.end_reason() {
            return Err(end.clone());
        }
        let length = metadata.len() + answer_len(answer);
        let admitted = self.unread.admit(self.connection.unread(), length);
        admitted.map_err(|no_room| {
            if link.share().tells() {
                due.passed.push((link.peer().clone(), no_room.message().to_owned()));
            }
            match answer {
                Ok(_) => no_room,
                // Why the call failed matters more than what it says about that.
                Err(error) => {
                    let text =
                        "the call failed, and what it says about that was dropped: too many bytes of answers wait to \
                         be read";
                    Error::new(error.code(), text).with_outcome(error.outcome())
                }
            }
        })
    }

    /// The peer has read some.
    pub(in crate::driver) fn settle_unread(&mut self) {
        self.unread.settle(self.connection.unread());
    }

    /// Hands what happened to those who wait for it. What the peer wants of this side is the driver's to do.
    pub(in crate::driver) fn handle(&mut self, link: &Arc<Link>, event: Event, due: &mut Due) {
        match event {
            Event::Reply {
                call,
                metadata,
                body,
                attachments,
            } => {
                let carried = self.carried(link, attachments);
                self.answer(
                    call,
                    Ok(Reply {
                        metadata,
                        body,
                        carried,
                    }),
                    due,
                );
            }
            Event::Failed { call, error } => self.answer(call, Err(error), due),
            Event::Sendable { stream } | Event::Receivable { stream } => {
                self.streams.slot(stream).wake(&mut due.wakers);
            }
            // Another caller may have the id meanwhile, and looks once too often.
            Event::Left { call } => due.wakers.extend(self.waiter(call).waker.take()),
            Event::Released { object } => self.released(link, object, due),
            Event::Watched { object, watch } => self.watched(link, object, watch),
            Event::Revoked { watch } => self.revoked(watch, due),
            Event::GoAway => {
                self.life.closing = true;
                self.turn_away(due);
            }
            Event::Request { .. } | Event::Stop { .. } => {}
        }
    }

    fn answer(&mut self, id: u32, answer: Answered, due: &mut Due) {
        self.answered = true;
        let waiter = self.waiter(id);
        waiter.answer = Some(answer);
        due.wakers.extend(waiter.waker.take());
    }
}
