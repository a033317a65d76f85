//! Users that make calls, and those that serve them.

use super::{Attachment, Bytes, PeerHead, RequestHead, UserTask, UserWork, UserWorld};
use crate::harness::pair::body;

/// How deep handlers call back.
const DEPTH: u64 = 3;

impl UserWorld<'_> {
    /// Makes a call, unless it would be refused; one of depth 0 is not made by a handler.
    pub(super) fn call(&mut self, side: usize, depth: u64) -> Option<usize> {
        let content = self.content(self.longest(side));
        if depth > 0 && self.net.ends[side].may_lock(content.len()) {
            return None;
        }
        let head = RequestHead {
            method: depth,
            attachments: self.list(side, 4),
            ..RequestHead::default()
        };
        let Ok(call) = self.net.ends[side].start(&head, body(&content), None) else {
            for entry in &head.attachments {
                if let &Attachment::Stream { stream, .. } = entry {
                    self.net.ends[side].discard_stream(stream);
                }
            }
            return None;
        };
        let gives_up = self.choices.one_in(8);
        let task = self.add(side, UserWork::Calls { call, gives_up });
        self.callers.insert((side, call), task);
        self.claim(side, &head.attachments);
        Some(task)
    }

    /// Returns whether something has happened, and whether no user waits any more.
    pub(super) fn wait_or_give_up(&mut self, side: usize, call: u32, gives_up: bool) -> (bool, bool) {
        if !gives_up {
            return (false, false);
        }
        if !self.choices.one_in(4) {
            return (true, false);
        }
        self.net.ends[side].abandon(call);
        self.callers.remove(&(side, call));
        (true, true)
    }

    pub(super) fn end_call(&mut self, side: usize, call: u32) {
        if let Some(task) = self.callers.remove(&(side, call)) {
            self.tasks[task].work = UserWork::Done;
        }
        self.net.ends[side].release(call);
    }

    /// A call has come.
    pub(super) fn serve_new(&mut self, side: usize, call: u32, head: &PeerHead) {
        let mut children = self.claim(side, &head.attachments);
        if self.choices.one_in(3) {
            // It answers without regard to its streams.
            children.clear();
        }
        let calls_back = head.method < DEPTH && self.choices.one_in(3);
        let serves = UserWork::Serves {
            call,
            children,
            depth: head.method,
            calls_back,
            stopped: false,
        };
        let task = self.add(side, serves);
        self.handlers.insert((side, call), task);
    }

    /// Says whether something has happened, and whether the call is answered.
    pub(super) fn serve(&mut self, side: usize, work: &mut UserWork) -> (bool, bool) {
        let UserWork::Serves {
            call,
            children,
            depth,
            calls_back,
            stopped,
        } = work
        else {
            return (false, true);
        };
        if std::mem::take(calls_back) && !*stopped {
            children.extend(self.call(side, *depth + 1));
            return (true, false);
        }
        if children.iter().any(|&child| !self.tasks[child].is_done()) {
            return (false, false);
        }
        let content = self.content(self.longest(side));
        if !*stopped && self.net.ends[side].can_reply(*call, &Bytes::new(), content.len()) {
            let list = self.list(side, 3);
            self.net.ends[side].attach_reply(*call, &list);
            self.claim(side, &list);
        }
        self.net.ends[side].reply(*call, &Bytes::new(), Ok(body(&content)));
        self.handlers.remove(&(side, *call));
        (true, true)
    }

    /// The caller is gone: the handler drops the users that it waits for.
    pub(super) fn stop(&mut self, side: usize, call: u32) {
        let Some(&task) = self.handlers.get(&(side, call)) else {
            return;
        };
        if let UserWork::Serves { children, stopped, .. } = &mut self.tasks[task].work {
            *stopped = true;
            for child in std::mem::take(children) {
                self.drop_task(child);
            }
        }
        self.wake(Some(task));
    }

    fn drop_task(&mut self, number: usize) {
        let UserTask { side, .. } = self.tasks[number];
        match std::mem::replace(&mut self.tasks[number].work, UserWork::Done) {
            UserWork::Sends(sender) => self.end_sender(side, &sender),
            UserWork::Reads(reader) => self.drop_reader(side, &reader),
            UserWork::Calls { call, .. } => {
                self.net.ends[side].abandon(call);
                self.callers.remove(&(side, call));
            }
            UserWork::Serves { .. } | UserWork::Done => {}
        }
    }
}
