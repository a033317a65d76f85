//! What came for one session of a server and was not looked at yet.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Room beyond the window: a peer that keeps to it also repeats, probes and acknowledges.
const SLACK: usize = 64 << 10;

/// What came for one session: filled by the listener, emptied by the task of the connection.
pub(super) struct Inbox {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Default)]
struct State {
    mail: Mail,
    waker: Option<Waker>,
    closed: bool,
}

/// Datagrams in the order in which they came.
#[derive(Default)]
pub(super) struct Mail {
    bytes: Vec<u8>,
    envelopes: Vec<Envelope>,
    next: usize,
    at: usize,
}

/// Where a datagram came from, and where it was sent to.
#[derive(Clone, Copy)]
pub(super) struct Envelope {
    pub(super) from: SocketAddr,
    pub(super) to: Option<IpAddr>,
    length: usize,
}

impl Inbox {
    /// An inbox for a session whose peer may have `window` bytes under way.
    pub(super) fn new(window: u32) -> Self {
        Self {
            state: Mutex::default(),
            capacity: window as usize + SLACK,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a datagram in, unless it is full: the datagram is lost then, as any may be. Gives who is to be woken.
    pub(super) fn push(&self, from: SocketAddr, to: Option<IpAddr>, datagram: &[u8]) -> Option<Waker> {
        let mut state = self.lock();
        if state.mail.cost() + datagram.len() > self.capacity {
            return None;
        }
        state.mail.bytes.extend_from_slice(datagram);
        state.mail.envelopes.push(Envelope {
            from,
            to,
            length: datagram.len(),
        });
        state.waker.take()
    }

    /// Takes all that came; `None` once nothing more will.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Mail>> {
        let mut state = self.lock();
        if !state.mail.envelopes.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut state.mail)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        let earlier = state.waker.replace(cx.waker().clone());
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Mail {
    /// The memory that it takes.
    fn cost(&self) -> usize {
        self.bytes.len() + self.envelopes.len() * size_of::<Envelope>()
    }

    /// Whether all datagrams were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.next >= self.envelopes.len()
    }

    /// The next datagram.
    pub(super) fn next(&mut self) -> Option<(Envelope, &[u8])> {
        let envelope = *self.envelopes.get(self.next)?;
        let datagram = self.bytes.get(self.at..self.at + envelope.length)?;
        self.next += 1;
        self.at += envelope.length;
        Some((envelope, datagram))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, task::Wake};

    use super::*;

    struct Flag(std::sync::atomic::AtomicUsize);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn address() -> SocketAddr {
        ([127, 0, 0, 1], 7).into()
    }

    fn take(inbox: &Inbox) -> Poll<Option<Mail>> {
        inbox.poll_take(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn datagrams_come_out_as_they_went_in() {
        let inbox = Inbox::new(0);
        for datagram in [&b"one"[..], b"", b"three"] {
            assert!(inbox.push(address(), None, datagram).is_none());
        }
        let Poll::Ready(Some(mail)) = &mut take(&inbox) else {
            panic!("three came");
        };
        for datagram in [&b"one"[..], b"", b"three"] {
            assert_eq!(
                mail.next().map(|(envelope, bytes)| (envelope.from, bytes)),
                Some((address(), datagram))
            );
        }
        assert!(mail.next().is_none());
        assert!(take(&inbox).is_pending());
    }

    #[test]
    fn what_does_not_fit_is_lost() {
        for length in [0, 1, 1000] {
            let inbox = Inbox::new(1000);
            for _ in 0..100_000 {
                let _ = inbox.push(address(), None, &vec![0; length]);
            }
            let state = inbox.lock();
            assert!(state.mail.cost() <= 1000 + SLACK + size_of::<Envelope>(), "{length}");
            assert!(state.mail.envelopes.len() > 50, "{length}");
        }
    }

    #[test]
    fn the_reader_is_woken_once_by_what_comes_and_by_the_end() {
        let inbox = Inbox::new(1000);
        let flag = Arc::new(Flag(0.into()));
        let waker = Waker::from(Arc::clone(&flag));
        assert!(inbox.poll_take(&Context::from_waker(&waker)).is_pending());
        let woken = inbox.push(address(), None, b"one").expect("somebody waits");
        woken.wake();
        assert!(inbox.push(address(), None, b"two").is_none());
        assert!(inbox.poll_take(&Context::from_waker(&waker)).is_ready());

        assert!(inbox.poll_take(&Context::from_waker(&waker)).is_pending());
        inbox.close();
        assert_eq!(flag.0.load(std::sync::atomic::Ordering::Relaxed), 2);
        assert!(matches!(take(&inbox), Poll::Ready(None)));
    }
}
