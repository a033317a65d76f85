//! A service with a stream in every place, whose items and ends are as a test tells it.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use farcall::{Error, Result, Server, Streaming, stream::Stream};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use crate::Gate;

#[farcall::service]
pub trait Feed {
    /// What the script says, step by step.
    fn play(&self, script: &[Step]) -> impl Stream<Item = Result<Vec<u8>>>;
    fn play_plain(&self, script: &[Step]) -> Streaming<Vec<u8>>;
    /// The same, unless the script is empty.
    async fn open(&self, script: &[Step]) -> FeedResult<impl Stream<Item = FeedResult<Vec<u8>>>>;
    async fn sum(&self, numbers: impl Stream<Item = Result<u64>>) -> Result<u64>;
    async fn sum_plain(&self, label: &str, numbers: impl Stream<Item = u64>) -> FeedResult<String>;
    /// Takes so many of each and leaves the rest.
    async fn take(
        &self,
        count: usize,
        numbers: impl Stream<Item = u64>,
        blobs: Streaming<Result<Vec<u8>>>,
    ) -> Result<u64>;
    fn double(&self, numbers: impl Stream<Item = Result<u64>>) -> impl Stream<Item = Result<u64>>;
    fn double_plain(&self, numbers: impl Stream<Item = u64>) -> impl Stream<Item = Result<u64>>;
    async fn ping(&self) -> Result<u32>;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FeedError {
    Empty,
    Call(Error),
}

pub type FeedResult<T> = std::result::Result<T, FeedError>;

impl From<Error> for FeedError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

/// What a stream does next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// So many items of one byte.
    Give(u32),
    /// An item of so many bytes.
    Blob(u32),
    Fail(String),
    /// Waits at the gate.
    Wait,
    Panic,
}

/// A stream that does as the steps say.
pub struct Script {
    steps: VecDeque<Step>,
    gate: Gate,
    waiting: Option<BoxFuture<'static, ()>>,
}

impl Script {
    pub fn new(steps: &[Step], gate: &Gate) -> Self {
        Self {
            steps: steps.iter().cloned().collect(),
            gate: gate.clone(),
            waiting: None,
        }
    }
}

impl Stream for Script {
    type Item = Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                ready!(waiting.poll_unpin(cx));
                self.waiting = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Give(0)) => {}
                Some(Step::Give(count)) => {
                    self.steps.push_front(Step::Give(count - 1));
                    return Poll::Ready(Some(Ok(vec![1])));
                }
                Some(Step::Blob(length)) => return Poll::Ready(Some(Ok(vec![7; length as usize]))),
                Some(Step::Fail(text)) => return Poll::Ready(Some(Err(Error::aborted(text)))),
                Some(Step::Wait) => {
                    let gate = self.gate.clone();
                    self.waiting = Some(async move { gate.pass().await }.boxed());
                }
                Some(Step::Panic) => panic!("as the script says"),
            }
        }
    }
}

/// The implementation. Its streams wait at the gate `out`, its other methods at the gate `inside`.
#[derive(Clone)]
pub struct Feeder {
    pub out: Gate,
    pub inside: Gate,
}

impl Feeder {
    pub fn new() -> Self {
        Self {
            out: Gate::new(),
            inside: Gate::new(),
        }
    }

    pub fn server(&self) -> Server {
        Server::new().service(FeedServer::new(self.clone()))
    }
}

impl Feed for Feeder {
    fn play(&self, script: &[Step]) -> impl Stream<Item = Result<Vec<u8>>> {
        Script::new(script, &self.out)
    }

    fn play_plain(&self, script: &[Step]) -> Streaming<Vec<u8>> {
        let script = Script::new(script, &self.out);
        Streaming::new(script.map(|item| item.expect("plain items do not fail")))
    }

    async fn open(&self, script: &[Step]) -> FeedResult<impl Stream<Item = FeedResult<Vec<u8>>>> {
        if script.is_empty() {
            return Err(FeedError::Empty);
        }
        Ok(Script::new(script, &self.out).map_err(FeedError::Call))
    }

    async fn sum(&self, numbers: impl Stream<Item = Result<u64>>) -> Result<u64> {
        let waiting = self.inside.watched();
        let sum = numbers.try_fold(0, |sum, number| async move { Ok(sum + number) }).await;
        // A call that is dropped drops its streams as well, and the handler may see that before it is stopped.
        if !matches!(&sum, Err(error) if error.code() == farcall::Code::Aborted) {
            waiting.ended();
        }
        sum
    }

    async fn sum_plain(&self, label: &str, numbers: impl Stream<Item = u64>) -> FeedResult<String> {
        let waiting = self.inside.watched();
        let sum = numbers.fold(0, |sum, number| async move { sum + number }).await;
        waiting.ended();
        Ok(format!("{label} {sum}"))
    }

    async fn take(
        &self,
        count: usize,
        numbers: impl Stream<Item = u64>,
        blobs: Streaming<Result<Vec<u8>>>,
    ) -> Result<u64> {
        let numbers: Vec<_> = numbers.take(count).collect().await;
        let mut length = 0;
        let mut blobs = pin!(blobs.take(count));
        while let Some(blob) = blobs.try_next().await? {
            length += blob.len() as u64;
        }
        Ok(numbers.into_iter().sum::<u64>() + length)
    }

    fn double(&self, numbers: impl Stream<Item = Result<u64>>) -> impl Stream<Item = Result<u64>> {
        let waiting = self.out.watched();
        numbers.map_ok(move |number| {
            let _ = &waiting;
            number * 2
        })
    }

    fn double_plain(&self, numbers: impl Stream<Item = u64>) -> impl Stream<Item = Result<u64>> {
        let waiting = self.out.watched();
        numbers.map(move |number| {
            let _ = &waiting;
            Ok(number * 2)
        })
    }

    async fn ping(&self) -> Result<u32> {
        Ok(7)
    }
}
