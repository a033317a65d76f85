//! What a server does with the calls of one connection.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use tokio::{runtime::Handle, task::AbortHandle};

use super::{
    router::Route,
    running::Shared,
    task::{self, Finish, Permit, Task},
};
use crate::{
    Address, Code, Error, Metadata,
    codec::Format,
    driver::{Answers, Inbound, Link, Request},
    layer,
    proto::{Stop, parse_metadata},
    service::{CallParts, Context as CallContext, Invocation, MethodDescriptor, Scope},
    trace::Trace,
};

/// What a server does with the calls of one connection.
pub(super) struct ServerConnection {
    shared: Arc<Shared>,
    link: Arc<Link>,
    peer: Arc<Address>,
    format: Format,
    runtime: Handle,
    /// The handlers that had to wait, by call id.
    running: Vec<Option<Running>>,
}

/// A handler that runs in a task of its own.
struct Running {
    task: AbortHandle,
    context: CallContext,
    detached: bool,
}

impl Running {
    fn stop(&self) {
        self.context.cancel();
        if !self.detached {
            self.task.abort();
        }
    }
}

impl ServerConnection {
    pub(super) fn new(shared: Arc<Shared>, link: Arc<Link>, peer: Address, format: Format) -> Self {
        let (peer, runtime) = (Arc::new(peer), Handle::current());
        Self {
            shared,
            link,
            peer,
            format,
            runtime,
            running: Vec::new(),
        }
    }

    /// The handler's task, or why there is none.
    fn prepare(&self, request: Request, now: Instant) -> Result<Task, Error> {
        let Request {
            call,
            head,
            deadline,
            body,
            ..
        } = request;
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::refused(
                Code::DeadlineExceeded,
                "the deadline had passed before the handler started",
            ));
        }
        let permit = Permit::take(&self.shared)?;
        let route = self.shared.router.find(head.instance, head.method)?;
        let mut metadata = parse_metadata(&head.metadata).map_err(|violation| {
            Error::refused(Code::InvalidArgument, format!("the metadata is broken: {violation}"))
        })?;
        let method = route.method;
        let trace = Trace::serve(method, &self.peer, &mut metadata);
        let scope = Scope::new(CallParts {
            peer: Arc::clone(&self.peer),
            method,
            instance: route.instance.clone(),
            deadline,
            metadata,
        });
        let handler = match &self.shared.layers {
            None => route.service.dispatch(route.index, self.invocation(method, body)),
            Some(layers) => task::layered(layers, self.layer_request(route, scope.context(), body)),
        };
        let detached = method.detached || method.oneway;
        Ok(Task::new(
            handler,
            scope,
            trace,
            Finish::new(Arc::clone(&self.link), call, permit),
            detached,
        ))
    }

    fn invocation(&self, method: &'static MethodDescriptor, body: Bytes) -> Invocation {
        Invocation::new(method, body, self.format, self.shared.decode_limits())
    }

    /// A call as layers see it, with the way to its handler.
    fn layer_request(&self, route: &Route, context: CallContext, body: Bytes) -> layer::Request {
        let (service, index, method) = (Arc::clone(&route.service), route.index, route.method);
        let (format, limits) = (self.format, self.shared.decode_limits());
        layer::Request {
            method,
            instance: route.instance.clone(),
            peer: Address::clone(&self.peer),
            deadline: context.deadline(),
            metadata: context.metadata().clone(),
            body,
            target: Some(layer::Target {
                context,
                start: Arc::new(move |body| service.dispatch(index, Invocation::new(method, body, format, limits))),
            }),
        }
    }

    /// Moves a handler that waits to a task of its own.
    fn spawn(&mut self, call: u32, task: Task) {
        let (context, detached) = (task.context(), task.is_detached());
        let task = task.counted(&self.shared);
        let task = if detached {
            self.shared.spawn_detached(task)
        } else {
            self.runtime.spawn(task).abort_handle()
        };
        let index = call as usize;
        if index >= self.running.len() {
            // Call ids are held below the limit on calls by the protocol.
            self.running.resize_with(index + 1, || None);
        }
        self.running[index] = Some(Running {
            task,
            context,
            detached,
        });
    }
}

impl Inbound for ServerConnection {
    fn start(&mut self, request: Request, answers: &mut Answers) {
        let call = request.call;
        if let Some(place) = self.running.get_mut(call as usize) {
            *place = None;
        }
        let mut task = match self.prepare(request, answers.now) {
            Ok(task) => task,
            Err(error) => return answers.answer(call, &Metadata::new(), Err(error)),
        };
        if !self.shared.spawns {
            // Whatever the handler waits for is asked again as soon as it has a task, so nobody needs to be woken yet.
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready((metadata, answer)) = task.poll_answer(&mut cx) {
                task.finished();
                return answers.answer(call, &metadata, answer);
            }
        }
        self.spawn(call, task);
    }

    fn stop(&mut self, call: u32, _: Stop) {
        if let Some(Some(running)) = self.running.get(call as usize) {
            running.stop();
        }
    }
}

impl Drop for ServerConnection {
    /// The connection is gone: nobody waits for its handlers.
    fn drop(&mut self) {
        self.running.iter().flatten().for_each(Running::stop);
    }
}
