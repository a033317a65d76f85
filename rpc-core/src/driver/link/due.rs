//! Foreign code that has become due under the lock, and runs when it is free.

use std::{sync::Arc, task::Waker};

use thin_vec::ThinVec;

use crate::{
    Error, Peer,
    driver::attachments::{Bound, Object, OutgoingAttachment, StreamEnd},
    events,
    told::Ending,
    unwind::guarded,
};

/// What is to be woken, joined and dropped as soon as the lock is free. It runs when it is dropped.
///
/// The lock is taken several times for a call, and mostly nothing is due: then this costs one comparison.
#[derive(Default)]
pub(super) struct Due(Option<Tasks>);

/// What is due, if anything is.
#[derive(Default)]
struct Tasks {
    /// The driver, which has something to do.
    driver: Option<Waker>,
    /// Usually there is only this one.
    waker: Option<Waker>,
    wakers: Vec<Waker>,
    rare: Option<Box<Rare>>,
}

/// What calls without streams and objects never have.
#[derive(Default)]
pub(super) struct Rare {
    /// Streams whose message is on its way.
    pub(super) ends: ThinVec<(Box<dyn StreamEnd>, Bound)>,
    /// What was offered and is not needed any more.
    pub(super) offered: ThinVec<OutgoingAttachment>,
    /// Objects that the other end cannot name any more.
    pub(super) objects: ThinVec<Arc<dyn Object>>,
    /// What is over, and why.
    pub(super) endings: ThinVec<(Arc<Ending>, Error)>,
    /// Errors that were sent, with causes from the user's code.
    pub(super) errors: ThinVec<Error>,
    /// Limits that peers reached, for the log.
    pub(super) passed: ThinVec<(Arc<Peer>, String)>,
}

impl Due {
    fn tasks(&mut self) -> &mut Tasks {
        self.0.get_or_insert_default()
    }

    /// The driver has something to do.
    pub(super) fn wake_driver(&mut self, driver: Waker) {
        self.tasks().driver = Some(driver);
    }

    /// Tasks have what they waited for.
    pub(super) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        for waker in wakers {
            let tasks = self.tasks();
            if tasks.waker.is_none() {
                tasks.waker = Some(waker);
            } else {
                tasks.wakers.push(waker);
            }
        }
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.tasks().rare.get_or_insert_default()
    }

    /// An error is not needed any more. Its cause is foreign code.
    pub(super) fn retire(&mut self, error: Error) {
        if std::error::Error::source(&error).is_some() {
            self.rare().errors.push(error);
        }
    }

    /// What was offered is dropped.
    pub(super) fn forsake(&mut self, offered: ThinVec<OutgoingAttachment>) {
        if !offered.is_empty() {
            self.rare().offered.extend(offered);
        }
    }
}

impl Tasks {
    /// Does all of it. If the user's code panics here, the connection goes on.
    fn run(self) {
        if let Some(driver) = self.driver {
            driver.wake();
        }
        if let Some(waker) = self.waker {
            waker.wake();
            self.wakers.into_iter().for_each(Waker::wake);
        }
        if let Some(rare) = self.rare {
            rare.run();
        }
    }
}

impl Rare {
    fn run(self) {
        for (end, bound) in self.ends {
            guarded(|| end.bind(bound));
        }
        for offered in self.offered {
            guarded(|| drop(offered));
        }
        // An object guards its own destructor.
        drop(self.objects);
        for (ending, why) in self.endings {
            ending.tell(why);
        }
        for error in self.errors {
            guarded(|| drop(error));
        }
        for (peer, why) in self.passed {
            events::limit_passed(&peer, &why);
        }
    }
}

impl Drop for Due {
    #[inline]
    fn drop(&mut self) {
        if let Some(tasks) = self.0.take() {
            tasks.run();
        }
    }
}
