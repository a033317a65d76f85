//! What is done with the calls that come in over one connection.

use std::{
    borrow::Cow,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, task::AbortHandle};

use super::{
    continuations::Continuations,
    host::{Host, Permit},
    pace::{Place, PollManner, PolledMethods},
    routed::{RoutedCall, read_block},
    router::{Route, Router},
    task::{Finish, HandlerTask},
    work::late,
};
use crate::{
    Code, Error, Metadata, Peer,
    auth::{Admission, Asked, Gate},
    clock,
    driver::attachments::Object,
    driver::{Answers, CallHandler, CallRequest, Callee, Link},
    events,
    proto::Stop,
    service::{Context as CallContext, LocalObject},
};

/// Arguments that are longer are decoded in the handler's own task: a megabyte of small boxed values takes tens of
/// milliseconds, and the driver must answer the other calls and the pings of its connection. This length takes five
/// milliseconds at worst. Half of it is a usual size, at which a task of its own would cost an eighth of a call.
const LARGE: usize = 128 << 10;

/// Of calls whose deadline is nearer than this, each is checked against the clock before it starts; of others, those
/// that came together are checked once. Reading the clock takes as long as a small handler does.
const NEAR: Duration = Duration::from_secs(1);

/// What is done with the calls that come in over one connection.
pub(crate) struct Serving {
    host: Arc<Host>,
    /// What can be called here, if that is not the same for every connection.
    own: Option<Router>,
    link: Arc<Link>,
    peer: Arc<Peer>,
    /// What decides who may call, if that is not everybody.
    gate: Option<Arc<Gate>>,
    runtime: Handle,
    /// The handlers that had to wait, by call id.
    running: Vec<Option<SpawnedHandler>>,
    /// The methods that were polled since the time was taken last.
    polled: PolledMethods,
    rests: Arc<Continuations>,
}

/// A handler that runs in a task of its own.
struct SpawnedHandler {
    task: AbortHandle,
    context: CallContext,
    detached: bool,
}

impl SpawnedHandler {
    fn stop(&self, why: &str) {
        let stops = !self.detached && !self.context.is_cancelled() && !self.task.is_finished();
        if stops
            && let (Some(service), Some(method), Some(peer)) =
                (self.context.service(), self.context.method(), self.context.peer())
        {
            events::handler_stopped(service, method, peer, why);
        }
        self.context.cancel();
        if !self.detached {
            self.task.abort();
        }
    }
}

impl Serving {
    pub(crate) fn new(host: Arc<Host>, link: Arc<Link>) -> Self {
        let (peer, runtime) = (Arc::clone(link.peer()), Handle::current());
        let own = host.own_router(&peer);
        let gate = host.gate(&peer);
        let rests = Continuations::new(&host, Arc::clone(&link), runtime.clone());
        Self {
            host,
            own,
            link,
            peer,
            gate,
            runtime,
            running: Vec::new(),
            polled: PolledMethods::default(),
            rests: Arc::new(rests),
        }
    }

    /// A place for one more handler, of a call of so many bytes.
    fn permit(&self, bytes: usize, now: Instant) -> Result<Permit, Error> {
        let permit = Permit::take(self.link.share(), bytes, now);
        if let Err(error) = &permit
            && self.link.share().tells()
        {
            events::limit_passed(&*self.peer, error.message());
        }
        permit
    }

    /// The handler's task, or why there is none.
    fn prepare(&self, request: CallRequest, now: Instant) -> Result<HandlerTask, Error> {
        let CallRequest {
            call,
            method: id,
            callee,
            claim,
            deadline,
            metadata,
            body,
            carried,
        } = request;
        if deadline.is_some_and(|deadline| has_passed(deadline, now)) {
            return Err(late());
        }
        let permit = self.permit(metadata.len() + body.len(), now)?;
        let metadata = read_block(&metadata)?;
        let found = match callee {
            Callee::Service(instance) => {
                let router = self.own.as_ref().unwrap_or(self.host.router());
                router.find(instance, id).map(Cow::Borrowed)
            }
            Callee::Object(ref object) => route_to(object.clone(), id).map(Cow::Owned),
        };
        let admission = match &self.gate {
            None => Admission::Admitted(None),
            // Before anything is told of what was found.
            Some(gate) => gate.admit(asked(&callee, found.as_deref()), &metadata)?,
        };
        let (principal, unverified) = match admission {
            Admission::Admitted(principal) => (principal, None),
            Admission::Unverified(unverified) => (None, Some(unverified)),
        };
        let route = match found {
            Ok(route) => route,
            Err(error) if unverified.is_none() && self.host.layers.is_none() => return Err(error),
            // Who is not allowed to call is refused first, and not told what exists.
            Err(error) => Cow::Owned(Route::missing(error)),
        };
        let routed = RoutedCall {
            route: &route,
            peer: &self.peer,
            wire: self.link.wire(),
            claim,
            tells_types: self.host.tells_types,
            deadline,
            metadata,
            body,
            carried,
            level: 0,
            principal,
            unverified,
        };
        Ok(HandlerTask::new(
            routed.into_work(self.host.layers.as_ref()),
            Arc::clone(&self.rests),
            Finish::new(Arc::clone(&self.link), call, permit),
            route.method.detached || route.method.oneway,
        ))
    }

    /// Moves a handler that waits to a task of its own.
    fn spawn(&mut self, call: u32, task: HandlerTask) {
        let (context, detached) = (task.context(), task.is_detached());
        let task = task.counted(&self.host);
        let task = if detached {
            self.host.spawn_detached(task)
        } else {
            self.runtime.spawn(task).abort_handle()
        };
        let index = call as usize;
        if index >= self.running.len() {
            // Call ids are held below the limit on calls by the protocol.
            self.running.resize_with(index + 1, || None);
        }
        self.running[index] = Some(SpawnedHandler {
            task,
            context,
            detached,
        });
    }
}

impl CallHandler for Serving {
    fn start(&mut self, request: CallRequest, answers: &mut Answers) {
        let (call, large, place) = (request.call, request.body.len() > LARGE, Place::of(request.method));
        let deadline = request.deadline;
        if let Some(place) = self.running.get_mut(call as usize) {
            *place = None;
        }
        let mut task = match self.prepare(request, answers.now) {
            Ok(task) => task,
            Err(error) => return answers.answer(call, &Metadata::new(), Err(error)),
        };
        let manner = self.host.pace.manner(place);
        if manner != PollManner::Together {
            task = task.starting_by(deadline).timed(&self.host, place, manner);
        } else if self.host.spawns || large {
            task = task.starting_by(deadline);
        } else {
            self.polled.add(place);
            // The handler is polled again as soon as it has a task, so there is nothing to wake yet.
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready((metadata, answer)) = task.poll_answer(&mut cx) {
                task.finished();
                return answers.answer(call, &metadata, answer);
            }
        }
        self.spawn(call, task);
    }

    fn started(&mut self, took: Duration) {
        self.host.pace.polled(std::mem::take(&mut self.polled), took);
    }

    fn shrink(&mut self) {
        if self.running.iter().flatten().all(|running| running.task.is_finished()) {
            self.running = Vec::new();
        }
    }

    fn stop(&mut self, call: u32, why: Stop) {
        if let Some(Some(running)) = self.running.get(call as usize) {
            running.stop(match why {
                Stop::Cancelled => "the caller gave the call up",
                Stop::Expired => "the deadline has passed",
            });
        }
    }
}

impl Drop for Serving {
    /// The connection is gone, and so are the callers of its handlers.
    fn drop(&mut self) {
        for running in self.running.iter().flatten() {
            running.stop("the connection ended");
        }
        self.rests.stop();
    }
}

/// What the call is for, as rules see it.
fn asked(callee: &Callee, found: Result<&Route, &Error>) -> Asked {
    match (callee, found) {
        (Callee::Object(_), _) => Asked::Object,
        (Callee::Service(_), Ok(route)) => Asked::Method {
            method: route.method,
            instance: route.instance.clone(),
        },
        (Callee::Service(_), Err(_)) => Asked::Unknown,
    }
}

/// Whether the deadline has passed. `now` is older if other calls came together with this one and were started first.
fn has_passed(deadline: Instant, now: Instant) -> bool {
    deadline <= now || (deadline <= now + NEAR && deadline <= clock::now())
}

fn route_to(object: Option<Arc<dyn Object>>, method: u64) -> Result<Route, Error> {
    match object.and_then(LocalObject::of) {
        Some(object) => Route::to_object(&object, method),
        None => Err(Error::refused(
            Code::NotFound,
            "the object is gone: its last reference on this connection was dropped",
        )),
    }
}
