//! The futures that quinn works in, with their owners.

use std::{
    fmt,
    future::poll_fn,
    io,
    net::UdpSocket,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio::task::JoinHandle;

use crate::{sync::Mutex, unwind::guarded};

/// Moves an endpoint or a connection of quinn. It ends when there is nothing left to move.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// tokio as quinn's runtime, but for what quinn would spawn: that waits here to be taken by its owner.
#[derive(Default)]
pub(super) struct DriverNursery(Mutex<Vec<Driver>>);

impl DriverNursery {
    /// What quinn has spawned since the last call.
    pub(super) fn take(&self) -> Vec<Driver> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Runtime for DriverNursery {
    fn new_timer(&self, due: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(due)
    }

    fn spawn(&self, driver: Driver) {
        self.0.lock().push(driver);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}

impl fmt::Debug for DriverNursery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverNursery").finish_non_exhaustive()
    }
}

/// The drivers of a connection. A task polls them as long as this is alive: what comes for the connection is taken off
/// the socket and bounded by QUIC, even while nobody reads. Dropping it drops them.
pub(super) struct Driven {
    drivers: Arc<Mutex<Drivers>>,
    task: JoinHandle<()>,
}

struct Drivers {
    all: Vec<Driver>,
    /// The task's.
    waker: Waker,
}

impl Driven {
    /// Must be called inside a tokio runtime, which moves the connection from now on.
    pub(super) fn spawn(all: Vec<Driver>) -> Self {
        let drivers = Arc::new(Mutex::new(Drivers {
            all,
            waker: Waker::noop().clone(),
        }));
        let polled = Arc::clone(&drivers);
        // No await while it is locked: a poll holds the lock.
        let task = tokio::spawn(poll_fn(move |cx| polled.lock().poll(cx)));
        Self { drivers, task }
    }

    /// Moves the connection now, so that what was written leaves without another task's turn.
    pub(super) fn poll_now(&self) {
        let mut drivers = self.drivers.lock();
        let waker = drivers.waker.clone();
        // That all is done is seen by the task.
        let _ = drivers.poll(&mut Context::from_waker(&waker));
    }
}

impl Drivers {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.clone_from(cx.waker());
        self.all.retain_mut(|driver| driver.as_mut().poll(cx).is_pending());
        if self.all.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Driven {
    /// Sends what the connection has to say yet, if the socket takes it at once.
    fn drop(&mut self) {
        // A timer panics when its runtime has ended.
        guarded(|| self.poll_now());
        self.task.abort();
        let all = std::mem::take(&mut self.drivers.lock().all);
        drop(all);
    }
}
