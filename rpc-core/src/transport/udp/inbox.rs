//! Datagrams for one session of a server that were not handled yet.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::MutexGuard,
    task::{Context, Poll, Waker},
};

use crate::{
    buffers::Buffer,
    proto::datagram::{Account, Budget},
    sync::Mutex,
};

/// The room that each inbox has in any case: the datagrams of one receive.
const OWN: usize = 64 << 10;
/// What a run costs beyond its bytes.
const OVERHEAD: usize = size_of::<DatagramRun>() + 16;

/// The datagrams of one session: filled in by the listener, taken out by the task of the connection.
pub(super) struct Inbox(Mutex<InboxState>);

struct InboxState {
    mail: Mail,
    /// What the mail costs, of what all sessions of the socket may hold.
    account: Account,
    waker: Option<Waker>,
    closed: bool,
}

/// Runs of datagrams in the order in which they came.
#[derive(Default)]
pub(super) struct Mail(VecDeque<DatagramRun>);

/// Datagrams that came together, each `stride` bytes long but the last.
pub(super) struct DatagramRun {
    pub(super) from: SocketAddr,
    /// Where they were sent to.
    pub(super) to: Option<IpAddr>,
    /// The room of a long one may be up to half more than its bytes, which are what counts.
    bytes: Buffer,
    stride: usize,
}

impl DatagramRun {
    pub(super) fn datagrams(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.bytes.chunks(self.stride.max(1))
    }
}

impl Inbox {
    /// An inbox for a session whose peer may have `window` bytes under way.
    pub(super) fn new(budget: Budget, window: u32) -> Self {
        Self(Mutex::new(InboxState {
            mail: Mail::default(),
            account: Account::new(budget, OWN, window as usize),
            waker: None,
            closed: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.0.lock()
    }

    /// Puts datagrams in. If it is full, they are lost, as any datagram may be. Returns the waker to call.
    pub(super) fn push(&self, from: SocketAddr, to: Option<IpAddr>, bytes: &[u8], stride: usize) -> Option<Waker> {
        let mut state = self.lock();
        if bytes.is_empty() || !state.account.charge(bytes.len() + OVERHEAD) {
            return None;
        }
        state.mail.0.push_back(DatagramRun {
            from,
            to,
            bytes: Buffer::copy_from_slice(bytes),
            stride,
        });
        state.waker.take()
    }

    /// Takes some datagrams, the oldest first; `None` once nothing more will come. Those that are taken are not counted
    /// any more, so it takes not much more than the room that every session has in any case.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Mail>> {
        let mut state = self.lock();
        if !state.mail.0.is_empty() {
            let mut taken = Mail::default();
            let mut length = 0;
            while length < OWN
                && let Some(run) = state.mail.next()
            {
                length += run.bytes.len() + OVERHEAD;
                taken.0.push_back(run);
            }
            state.account.release(length);
            return Poll::Ready(Some(taken));
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
    /// Whether all runs were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next run.
    pub(super) fn next(&mut self) -> Option<DatagramRun> {
        self.0.pop_front()
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

    fn inbox(window: u32) -> Inbox {
        Inbox::new(Budget::new(1 << 20), window)
    }

    fn address() -> SocketAddr {
        ([127, 0, 0, 1], 7).into()
    }

    fn take(inbox: &Inbox) -> Poll<Option<Mail>> {
        inbox.poll_take(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn datagrams_come_out_as_they_went_in() {
        let inbox = inbox(0);
        for run in [&b"one"[..], b"fourfive", b""] {
            assert!(inbox.push(address(), None, run, 4).is_none());
        }
        let Poll::Ready(Some(mail)) = &mut take(&inbox) else {
            panic!("three came");
        };
        for datagrams in [&[&b"one"[..]][..], &[b"four", b"five"]] {
            let run = mail.next().expect("a run");
            assert_eq!(
                (run.from, run.datagrams().collect::<Vec<_>>().as_slice()),
                (address(), datagrams)
            );
        }
        assert!(mail.next().is_none());
        assert!(take(&inbox).is_pending());
    }

    #[test]
    fn what_does_not_fit_is_lost() {
        for length in [1, 1000] {
            let inbox = inbox(1000);
            for _ in 0..100_000 {
                let _ = inbox.push(address(), None, &vec![0; length], 1500);
            }
            let state = inbox.lock();
            assert!(state.account.held() <= 1000 + OWN, "{length}");
            assert!(state.mail.0.len() > 50, "{length}");
        }
    }

    #[test]
    fn what_was_taken_and_not_looked_at_is_little() {
        let inbox = inbox(1 << 20);
        for number in 0..40_u8 {
            let _ = inbox.push(address(), None, &[number; 10_000], 1500);
        }
        let mut next = 0;
        while let Poll::Ready(Some(mut mail)) = take(&inbox) {
            let lengths: Vec<_> = std::iter::from_fn(|| mail.next())
                .map(|run| {
                    assert_eq!(run.bytes[0], next);
                    next += 1;
                    run.bytes.len()
                })
                .collect();
            assert!(lengths.iter().sum::<usize>() <= OWN + 10_000);
        }
        assert_eq!((next, inbox.lock().account.held()), (40, 0));
    }

    #[test]
    fn the_reader_is_woken_once_by_what_comes_and_by_the_end() {
        let inbox = inbox(1000);
        let flag = Arc::new(Flag(0.into()));
        let waker = Waker::from(Arc::clone(&flag));
        assert!(inbox.poll_take(&Context::from_waker(&waker)).is_pending());
        let woken = inbox.push(address(), None, b"one", 1500).expect("somebody waits");
        woken.wake();
        assert!(inbox.push(address(), None, b"two", 1500).is_none());
        assert!(inbox.poll_take(&Context::from_waker(&waker)).is_ready());

        assert!(inbox.poll_take(&Context::from_waker(&waker)).is_pending());
        inbox.close();
        assert_eq!(flag.0.load(std::sync::atomic::Ordering::Relaxed), 2);
        assert!(matches!(take(&inbox), Poll::Ready(None)));
    }
}
