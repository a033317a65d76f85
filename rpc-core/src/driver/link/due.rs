//! Foreign code that has become due under the lock, and runs when it is free.

use std::{sync::Arc, task::Waker};

use thin_vec::ThinVec;

use crate::{
    Address, Error,
    driver::attachments::{Bound, Object, Offered, Payload, StreamEnd},
    events,
    told::Ending,
    unwind::guarded,
};

/// What is to be woken, joined and dropped as soon as the lock is free.
#[derive(Default)]
pub(in crate::driver) struct Due {
    pub(super) wakers: Vec<Waker>,
    /// Streams whose message is on its way.
    pub(super) ends: ThinVec<(Box<dyn StreamEnd>, Bound)>,
    /// What was offered and is of no use any more.
    pub(super) offered: ThinVec<Offered>,
    /// Arguments of calls that had waited.
    pub(super) payloads: ThinVec<Payload>,
    /// Objects that nobody at the other end can name any more.
    pub(super) objects: ThinVec<Arc<dyn Object>>,
    /// What is over, and why.
    pub(super) endings: ThinVec<(Arc<Ending>, Error)>,
    /// Limits that peers came to, for the log.
    pub(super) passed: ThinVec<(Address, String)>,
}

impl Due {
    /// Does it all. The connection does not end with the code of a user that panics here.
    #[inline]
    pub(in crate::driver) fn run(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
        let nothing_sent = self.ends.is_empty() && self.offered.is_empty() && self.payloads.is_empty();
        if !(nothing_sent && self.objects.is_empty() && self.endings.is_empty() && self.passed.is_empty()) {
            self.run_rare();
        }
    }

    /// What calls without streams and objects never have.
    fn run_rare(&mut self) {
        for (end, bound) in self.ends.drain(..) {
            guarded(|| end.bind(bound));
        }
        for offered in self.offered.drain(..) {
            guarded(|| drop(offered));
        }
        for payload in self.payloads.drain(..) {
            guarded(|| drop(payload));
        }
        // An object guards its own destructor.
        self.objects.clear();
        for (ending, why) in self.endings.drain(..) {
            ending.tell(why);
        }
        for (peer, why) in self.passed.drain(..) {
            events::limit_passed(&peer, &why);
        }
    }

    /// What was offered goes to nobody.
    pub(in crate::driver) fn forsake(&mut self, offered: ThinVec<Offered>) {
        self.offered.extend(offered);
    }
}
