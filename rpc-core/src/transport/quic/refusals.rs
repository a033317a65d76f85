//! What the system says about datagrams that nobody took.

use std::{
    io,
    task::{Context, Poll, Waker},
};

use crate::sync::Mutex;

/// How often the system has refused datagrams since one came from the server: it says so of a socket that is connected,
/// where the system tells at all. QUIC itself does not believe refusals, since anyone may forge them.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Refused>);

#[derive(Debug, Default)]
struct Refused {
    count: usize,
    waker: Option<Waker>,
}

impl Refusals {
    /// Ready when `most` datagrams in a row were refused.
    pub(super) fn poll(&self, cx: &mut Context<'_>, most: usize) -> Poll<io::Error> {
        let mut refused = self.0.lock();
        if refused.count < most {
            refused.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let text = "nothing listens on the server's port";
        Poll::Ready(io::Error::new(io::ErrorKind::ConnectionRefused, text))
    }

    pub(super) fn refuse(&self) {
        let mut refused = self.0.lock();
        refused.count += 1;
        let waker = refused.waker.take();
        drop(refused);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A datagram came.
    pub(super) fn hear(&self) {
        self.0.lock().count = 0;
    }
}
