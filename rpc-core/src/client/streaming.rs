//! Streams among the arguments of a call and in its result.

use std::{
    marker::PhantomData,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::{
    Call,
    decode::Answer,
    feeds::Feeds,
    timers::{Deadline, Idle},
    upkeep::Upkeep,
};
use crate::{
    Error,
    channel::{self, Receiver, Streaming},
    service::{Form, MethodDescriptor},
};

impl Feeds {
    /// No streams.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The end that stands in the place of the argument; the items of `stream` go into the other one while the call is
    /// polled.
    pub fn add<F, S>(&mut self, stream: S) -> Receiver<F::Wire>
    where
        F: Form<S::Item>,
        S: Stream + Send + 'static,
    {
        let (sender, receiver) = channel::channel::<F::Wire>();
        // The call keeps the deadline: these end with it.
        self.push(async move {
            let stream = pin!(stream);
            let packed = Packed {
                stream,
                form: PhantomData::<fn() -> F>,
            };
            channel::feed(sender, packed, None).await;
        });
        receiver
    }
}

/// Items as they travel.
struct Packed<'a, F, S> {
    stream: Pin<&'a mut S>,
    form: PhantomData<fn() -> F>,
}

impl<F: Form<S::Item>, S: Stream> Stream for Packed<'_, F, S> {
    type Item = Result<F::Wire, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.stream.as_mut().poll_next(cx));
        Poll::Ready(item.map(|item| Ok(F::pack(item))))
    }
}

/// The result of a call that is not made before the first item is asked for.
pub(super) fn lazy<I: 'static, F: Form<I>>(
    call: Call<Result<ResultItems<F::Wire>, Error>>,
    idle: Option<Idle>,
) -> Streaming<F::Seen> {
    seen::<I, F>(ResultSource::Opening(Box::new(call)), idle)
}

/// The result of a method that returns `Result<impl Stream<…>, E>`.
///
/// # Errors
/// The handler's own error, or a remote failure as `E::from(error)`.
pub fn fallible_stream<I, F, E>(answer: Result<Answer, Error>) -> Result<Streaming<F::Seen>, E>
where
    I: 'static,
    F: Form<I>,
    E: DeserializeOwned + From<Error>,
{
    let mut answer = answer?;
    let receiver = answer.decode::<Result<Receiver<F::Wire>, E>>()??;
    let idle = answer.idle();
    Ok(seen::<I, F>(
        ResultSource::Open(ResultItems::new(receiver, answer)),
        idle,
    ))
}

/// The result of an `async` method that returns `impl Stream<…>`.
///
/// # Errors
/// A remote failure.
pub fn plain_stream<I: 'static, F: Form<I>>(answer: Result<Answer, Error>) -> Result<Streaming<F::Seen>, Error> {
    let mut answer = answer?;
    let receiver = answer.decode()?;
    let idle = answer.idle();
    Ok(seen::<I, F>(
        ResultSource::Open(ResultItems::new(receiver, answer)),
        idle,
    ))
}

/// The result of a method that is not `async` and returns `impl Stream<…>`.
///
/// # Errors
/// A remote failure.
pub(super) fn items<W: DeserializeOwned + Send + 'static>(
    answer: Result<Answer, Error>,
) -> Result<ResultItems<W>, Error> {
    let answer = answer?;
    let receiver = answer.decode()?;
    Ok(ResultItems::new(receiver, answer))
}

fn seen<I: 'static, F: Form<I>>(source: ResultSource<F::Wire>, idle: Option<Idle>) -> Streaming<F::Seen> {
    Streaming::new(ResultStream::<I, F> {
        source,
        idle,
        form: PhantomData,
    })
}

/// What a caller sees of a result: items, and at most one error behind them. Dropping it cancels the call.
struct ResultStream<I, F: Form<I>> {
    source: ResultSource<F::Wire>,
    idle: Option<Idle>,
    form: PhantomData<fn() -> (I, F)>,
}

enum ResultSource<W> {
    Opening(Box<Call<Result<ResultItems<W>, Error>>>),
    Open(ResultItems<W>),
    Ended,
}

impl<I, F: Form<I>> Stream for ResultStream<I, F> {
    type Item = F::Seen;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Seen>> {
        let this = &mut *self;
        let polled = match this.source.poll_received(cx) {
            Poll::Pending => this.idle.as_mut().map_or(Poll::Pending, |idle| {
                let late = ready!(idle.poll(cx));
                Poll::Ready(Some(Err(late)))
            }),
            ready @ Poll::Ready(_) => ready,
        };
        let received = ready!(polled);
        if let Some(idle) = &mut this.idle {
            idle.restart();
        }
        if !matches!(received, Some(Ok(_))) {
            this.source = ResultSource::Ended;
        }
        Poll::Ready(received.map(F::seen))
    }
}

impl<W: DeserializeOwned + Send + 'static> ResultSource<W> {
    fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<W, Error>>> {
        if let Self::Opening(call) = self {
            match ready!(Pin::new(call).poll(cx)) {
                Ok(items) => *self = Self::Open(items),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        match self {
            Self::Open(items) => items.poll_received(cx),
            _ => Poll::Ready(None),
        }
    }
}

/// The items of a result, and what must go on for them to come.
pub(super) struct ResultItems<W> {
    receiver: Receiver<W>,
    method: &'static MethodDescriptor,
    upkeep: Box<Upkeep>,
    deadline: Option<Box<Deadline>>,
}

impl<W: DeserializeOwned + Send + 'static> ResultItems<W> {
    fn new(receiver: Receiver<W>, answer: Answer) -> Self {
        let upkeep = answer.upkeep.unwrap_or_default();
        let deadline = |at| Box::new(Deadline::new(at, upkeep.runtime.clone()));
        Self {
            receiver,
            method: answer.method,
            deadline: upkeep.deadline.map(deadline),
            upkeep,
        }
    }

    fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<W, Error>>> {
        self.upkeep.work(cx);
        match Pin::new(&mut self.receiver).poll_next(cx) {
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.with_method(self.method.path)))),
            // What came in time is given out first.
            Poll::Pending => self.poll_late(cx).map(|error| Some(Err(error))),
            received @ Poll::Ready(_) => received,
        }
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(deadline) = &mut self.deadline else {
            return Poll::Pending;
        };
        deadline.poll(cx).map(|error| error.with_method(self.method.path))
    }
}

impl Answer {
    /// What watches over the time between items; it has watched over that before the answer.
    fn idle(&mut self) -> Option<Idle> {
        let mut idle = self.upkeep.as_mut()?.idle.take()?;
        idle.restart();
        Some(idle)
    }
}
