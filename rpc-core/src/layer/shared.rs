//! One service of a layer for all calls.

use std::{
    future::poll_fn,
    sync::{Arc, MutexGuard},
    task::{Context, Poll, Wake, Waker},
};

use slab::Slab;
use tower_service::Service;

use super::{
    Answering, Request, Response,
    attempts::Attempts,
    foreign::{self, BoxError},
};
use crate::{Error, sync::Mutex};

/// One service of a layer for all calls: it need not be `Clone`, and a limit in it counts for all calls together.
pub(super) struct SharedService<S> {
    /// Held while the service is polled and called, which does not wait. A panic meanwhile fails only that call, and
    /// the next call gets the service as the panic left it.
    service: Mutex<S>,
    waiting: Arc<ServiceWaiters>,
    /// Wakes all that wait: a service remembers only the waker that polled it last.
    waker: Waker,
}

/// A service of any type.
pub(super) trait Below: Send + Sync {
    /// Waits until the service takes a call. Another call may be faster then; [`answer`](Self::answer) waits once more.
    fn poll_ready(&self, turn: &mut Option<ServiceTurn>, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Answers one call when the service is ready.
    fn answer(self: Arc<Self>, request: Request) -> Answering;
}

impl<S> SharedService<S>
where
    S: Service<Request, Response = Response> + Send + 'static,
    S::Error: Into<BoxError>,
{
    pub(super) fn new(service: S) -> Self {
        let waiting = Arc::default();
        Self {
            service: Mutex::new(service),
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        }
    }

    /// The service as soon as it is ready, for the one call that it is ready for.
    fn poll_service(
        &self,
        turn: &mut Option<ServiceTurn>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<MutexGuard<'_, S>, S::Error>> {
        let mut service = self.service.lock();
        let mut poll = || service.poll_ready(&mut Context::from_waker(&self.waker));
        let mut ready = poll();
        if ready.is_pending() {
            // Asked again after that, so that nothing is missed in between.
            turn.get_or_insert_with(|| ServiceTurn::new(&self.waiting))
                .wait(cx.waker());
            ready = poll();
        }
        ready.map_ok(|()| {
            *turn = None;
            service
        })
    }
}

impl<S> Below for SharedService<S>
where
    S: Service<Request, Response = Response> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    fn poll_ready(&self, turn: &mut Option<ServiceTurn>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.poll_service(turn, cx).map_ok(drop);
        ready.map_err(|error| foreign::error(error.into(), &Attempts::default()))
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let attempts = Arc::clone(&request.attempts);
            let (mut turn, mut request) = (None, Some(request));
            let call = poll_fn(|cx| {
                let ready = self.poll_service(&mut turn, cx).map_err(Into::into);
                ready.map_ok(|mut service| request.take().map(|request| service.call(request)))
            });
            let answer = match call.await {
                Ok(Some(answering)) => answering.await.map_err(Into::into),
                Ok(None) => Err(Error::internal("a call was polled after it had ended").into()),
                Err(error) => Err(error),
            };
            answer.map_err(|error| foreign::error(error, &attempts))
        })
    }
}

/// The calls that wait until a service is ready.
#[derive(Default)]
pub(super) struct ServiceWaiters(Mutex<Slab<Option<Waker>>>);

impl ServiceWaiters {
    fn lock(&self) -> MutexGuard<'_, Slab<Option<Waker>>> {
        self.0.lock()
    }
}

impl Wake for ServiceWaiters {
    /// Wakes all: the fastest gets the turn, so one that is gone does not keep the turn from the others.
    fn wake(self: Arc<Self>) {
        let wakers: Vec<_> = self.lock().iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A place among the calls that wait; given back when it is dropped.
pub(super) struct ServiceTurn {
    waiting: Arc<ServiceWaiters>,
    key: usize,
}

impl ServiceTurn {
    fn new(waiting: &Arc<ServiceWaiters>) -> Self {
        let key = waiting.lock().insert(None);
        Self {
            waiting: Arc::clone(waiting),
            key,
        }
    }

    fn wait(&self, waker: &Waker) {
        let replaced = self.waiting.lock()[self.key].replace(waker.clone());
        // Outside the lock: it may run foreign code.
        drop(replaced);
    }
}

impl Drop for ServiceTurn {
    fn drop(&mut self) {
        let waker = self.waiting.lock().try_remove(self.key);
        drop(waker);
    }
}
