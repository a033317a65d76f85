//! Handlers whose arguments or results are streams.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    mem,
    pin::{Pin, pin},
    sync::{Arc, MutexGuard},
    task::{Context, Poll, Waker, ready},
};

use futures_core::Stream;
use serde::Serialize;

use super::{Continuation, Handler, HandlerOutput, Invocation, Payload, Scope, items::Form, with_current};
use crate::{
    Error, Outcome,
    channel::{self, Receiver, Sender},
    sync::Mutex,
};

/// What a handler with streams and the future around it share.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<StreamsState>>);

#[derive(Debug, Default)]
struct StreamsState {
    /// The answer that the handler has given before its end.
    answer: Option<Payload>,
    /// Why the handler must stop: a stream that it takes items from broke, and the items cannot say so.
    broken: Option<Error>,
    /// Who waits for either.
    waker: Option<Waker>,
}

/// What the handler has to say before its end.
enum HandlerEvent {
    Answered(Payload),
    Broken(Error),
}

/// A handler that may answer before its end, and that is stopped when a stream it depends on breaks.
pub fn streaming(handler: impl FnOnce(Streams) -> Handler) -> Handler {
    let streams = Streams::default();
    Box::pin(Around {
        handler: Some(handler(streams.clone())),
        streams,
    })
}

struct Around {
    handler: Option<Handler>,
    streams: Streams,
}

impl Future for Around {
    type Output = Result<HandlerOutput, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handler) = &mut self.handler else {
            return Poll::Pending;
        };
        if let Poll::Ready(ended) = handler.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        let event = ready!(self.streams.poll_event(cx));
        let handler = self.handler.take();
        Poll::Ready(match event {
            HandlerEvent::Answered(payload) => Ok(HandlerOutput {
                payload,
                continuation: handler.map(|handler| Box::pin(Remaining(handler)) as Continuation),
            }),
            HandlerEvent::Broken(error) => Err(error),
        })
    }
}

/// A handler that has answered; its own result is not used any more.
struct Remaining(Handler);

impl Future for Remaining {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx).map(drop)
    }
}

impl Streams {
    /// The items of the argument `name`, as the method takes them.
    pub fn inbound<F: Form<I>, I>(&self, receiver: Receiver<F::Wire>, name: &'static str) -> Inbound<F, I> {
        Inbound {
            receiver: Some(receiver),
            streams: self.clone(),
            name,
            form: PhantomData,
        }
    }

    /// Answers with a stream and sends its items until it ends.
    ///
    /// # Errors
    /// When the answer cannot be encoded.
    pub async fn answer<F, S>(&self, invocation: &Invocation, stream: S) -> Result<HandlerOutput, Error>
    where
        F: Form<S::Item>,
        S: Stream + Send,
    {
        let (sender, receiver) = channel::channel::<F::Wire>();
        let answer = invocation.plain(&receiver);
        self.send::<F, S>(answer, sender, stream).await
    }

    /// The same for a method that may fail before there is a stream.
    ///
    /// # Errors
    /// The method's own `farcall::Error`, or as [`answer`](Self::answer).
    pub async fn answer_fallible<F, S, E>(
        &self,
        invocation: &Invocation,
        result: Result<S, E>,
    ) -> Result<HandlerOutput, Error>
    where
        F: Form<S::Item>,
        S: Stream + Send,
        E: Serialize + Send + 'static,
    {
        let stream = match result {
            Ok(stream) => stream,
            Err(error) => return invocation.fallible::<Receiver<F::Wire>, E>(&Err(error)),
        };
        let (sender, receiver) = channel::channel::<F::Wire>();
        let answer = invocation.fallible::<_, E>(&Ok(receiver));
        self.send::<F, S>(answer, sender, stream).await
    }

    async fn send<F, S>(
        &self,
        answer: Result<HandlerOutput, Error>,
        sender: Sender<F::Wire>,
        stream: S,
    ) -> Result<HandlerOutput, Error>
    where
        F: Form<S::Item>,
        S: Stream + Send,
    {
        self.give_answer(answer?.payload).await;
        let deadline = with_current(Scope::deadline).flatten();
        let outbound = Outbound {
            stream: pin!(stream),
            streams: self,
            form: PhantomData::<fn() -> F>,
        };
        channel::feed(sender, outbound, deadline).await;
        Ok(Payload::default().into())
    }

    /// Gives the answer to the future around the handler, which has it when this one is next polled.
    async fn give_answer(&self, answer: Payload) {
        let earlier = self.lock().answer.replace(answer);
        drop(earlier);
        let mut given = false;
        poll_fn(|_| {
            // Nothing wakes this: the future around looks for the answer as soon as the handler waits, and the code
            // that gets the answer polls the rest.
            if mem::replace(&mut given, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn poll_event(&self, cx: &Context<'_>) -> Poll<HandlerEvent> {
        // Cloned before the lock is taken and dropped behind it, since wakers are foreign.
        let waker = cx.waker().clone();
        let mut shared = self.lock();
        if let Some(answer) = shared.answer.take() {
            return Poll::Ready(HandlerEvent::Answered(answer));
        }
        if let Some(error) = shared.broken.take() {
            return Poll::Ready(HandlerEvent::Broken(error));
        }
        let earlier = shared.waker.replace(waker);
        drop(shared);
        drop(earlier);
        Poll::Pending
    }

    fn broke(&self, name: &str, error: &Error) {
        let text = format!("the stream `{name}` broke: {}", error.message());
        let error = Error::new(error.code(), text).with_outcome(Outcome::Unknown);
        let mut shared = self.lock();
        // The first of several is the cause.
        shared.broken.get_or_insert(error);
        let waker = shared.waker.take();
        drop(shared);
        // The stream may be polled in another task than the handler.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, StreamsState> {
        self.0.lock()
    }
}

/// The items of an argument. If the stream breaks and its items cannot hold the error, no item comes any more and the
/// handler is stopped.
pub struct Inbound<F: Form<I>, I> {
    /// `None` when it broke.
    receiver: Option<Receiver<F::Wire>>,
    streams: Streams,
    name: &'static str,
    form: PhantomData<fn() -> (F, I)>,
}

impl<F: Form<I>, I> Stream for Inbound<F, I> {
    type Item = I;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I>> {
        let Some(receiver) = &mut self.receiver else {
            return Poll::Pending;
        };
        let Some(received) = ready!(Pin::new(receiver).poll_next(cx)) else {
            return Poll::Ready(None);
        };
        match F::given(received) {
            Ok(item) => Poll::Ready(Some(item)),
            Err(error) => {
                self.receiver = None;
                self.streams.broke(self.name, &error);
                Poll::Pending
            }
        }
    }
}

impl<F: Form<I>, I> fmt::Debug for Inbound<F, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The items of a result, until they end or the handler has to.
struct Outbound<'a, F, S> {
    stream: Pin<&'a mut S>,
    streams: &'a Streams,
    form: PhantomData<fn() -> F>,
}

impl<F: Form<S::Item>, S: Stream> Stream for Outbound<'_, F, S> {
    type Item = Result<F::Wire, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(item) = self.stream.as_mut().poll_next(cx) {
            return Poll::Ready(item.map(|item| Ok(F::pack(item))));
        }
        match ready!(self.streams.poll_event(cx)) {
            HandlerEvent::Broken(error) => Poll::Ready(Some(Err(error))),
            // There is one answer, and it was given.
            HandlerEvent::Answered(_) => Poll::Pending,
        }
    }
}
