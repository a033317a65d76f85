//! A call: JSON in, JSON out.

use std::sync::{Arc, Mutex, PoisonError};

use farcall::{Channel, Code, Error, contract::NodeId};
use futures::{StreamExt, future::join_all};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    cli::{Server, Target},
    contracts::Contracts,
    dynamic::{
        AnyClient, Arguments, Came, Decoding, Feed, Given, Items, Method, Reply, Sent, Tap, Typed, Writing,
        is_error_value,
    },
    failure::Failure,
    input::Input,
    output,
};

/// A method and a channel on which it is called.
#[derive(Debug)]
pub(crate) struct Calling {
    server: Server,
    pub(crate) channel: Channel,
    pub(crate) method: Method,
    input: Arc<Input>,
    /// The arguments, as JSON.
    arguments: Value,
}

impl Calling {
    pub(crate) async fn new(target: &Target) -> Result<Self, Failure> {
        let channel = target.server.connect().await?;
        let contracts = Contracts::new(&target.server, &channel, &target.source)?;
        let method = contracts.method(&target.method).await?;
        let input = Arc::new(Input::new());
        Ok(Self {
            server: target.server.clone(),
            arguments: input.arguments(&target.arguments, &method).await?,
            channel,
            method,
            input,
        })
    }

    /// A client on that channel.
    pub(crate) fn client(&self, channel: Channel) -> AnyClient {
        self.server.limited(self.method.client(channel))
    }

    /// The arguments, fitted into the types of the method.
    pub(crate) fn arguments(&self) -> Result<Arguments, Failure> {
        Ok(Writing::new(self.method.types).arguments(&self.arguments)?)
    }

    /// Calls it, while the streams among the arguments are fed and read.
    pub(crate) async fn call(&self) -> Result<Answered, Failure> {
        let mut arguments = self.arguments()?;
        let client = self.client(self.channel.clone());
        let mut taps = JoinSet::new();
        for tap in std::mem::take(&mut arguments.taps) {
            taps.spawn(print(self.method, tap));
        }
        let mut feeding = Feeding::new(self.method, &self.input, std::mem::take(&mut arguments.feeds));
        let call = self.method.call(&client, &arguments);
        tokio::pin!(call);
        let reply = tokio::select! {
            replied = &mut call => replied.map_err(|failed| feeding.explained(failed))?,
            failure = feeding.failed() => return Err(failure),
        };
        Ok(Answered { reply, feeding, taps })
    }
}

/// An answer, and what goes on behind it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) feeding: Feeding,
    /// What comes out of streams among the arguments.
    pub(crate) taps: JoinSet<()>,
}

/// The streams among the arguments, which are fed by a task until they end.
#[derive(Debug)]
pub(crate) struct Feeding {
    task: Option<JoinHandle<()>>,
    /// What was wrong with an item. It is here before the other side hears of it, and so before the call fails for it.
    wrong: Arc<Mutex<Option<Failure>>>,
}

impl Feeding {
    fn new(method: Method, input: &Arc<Input>, feeds: Vec<Feed>) -> Self {
        let wrong = Arc::new(Mutex::new(None));
        let feeds: Vec<_> = feeds
            .into_iter()
            .map(|feed| feed_from(method, Arc::clone(input), feed, Arc::clone(&wrong)))
            .collect();
        Self {
            task: Some(tokio::spawn(async { drop(join_all(feeds).await) })),
            wrong,
        }
    }

    /// Waits until it fails. One that is done never does. Cancel safe.
    async fn failed(&mut self) -> Failure {
        if let Some(task) = &mut self.task {
            let ended = task.await;
            self.task = None;
            if ended.is_err() {
                return Failure::Local("the feeding of a stream broke off".to_owned());
            }
        }
        match self.wrong() {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    fn wrong(&self) -> Option<Failure> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why a call failed: for what was wrong with an item, if that is it.
    fn explained(&self, failure: impl Into<Failure>) -> Failure {
        self.wrong().unwrap_or_else(|| failure.into())
    }

    /// Gives each item of the result to `each`, until they end or the feeding fails.
    pub(super) async fn during(
        &mut self,
        mut items: Items,
        method: &Method,
        mut each: impl FnMut(Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let item = tokio::select! {
                item = items.next() => item,
                failure = self.failed() => return Err(failure),
            };
            match item {
                Some(item) => {
                    let item = item.map_err(|error| self.explained(error))?;
                    each(good(method, item).map_err(|failure| self.explained(failure))?)?;
                }
                None => return Ok(()),
            }
        }
    }
}

pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let calling = Calling::new(target).await?;
    let Answered {
        reply,
        mut feeding,
        mut taps,
    } = calling.call().await?;
    match reply {
        Reply::Value(Came(value)) => output::value(&value)?,
        Reply::Watched(watched) => output::value(&watched.latest().0)?,
        Reply::Items(items) => {
            let print = |item: Value| Ok(output::json(&item)?);
            feeding.during(items, &calling.method, print).await?;
        }
    }
    while taps.join_next().await.is_some() {}
    Ok(())
}

/// An item that is a `Result` is what is good in it, or the end.
fn good(method: &Method, item: Came) -> Result<Value, Failure> {
    let types = method.types;
    let Some([_, bad]) = types.items(types.result).and_then(|item| types.sides(item)) else {
        return Ok(item.0);
    };
    match item.0 {
        Value::Object(mut entries) => match (entries.remove("Ok"), entries.remove("Err")) {
            (Some(value), _) => Ok(value),
            (None, Some(error)) if is_error_value(types.node(bad)) => Err(Failure::Call(library_error(&error))),
            (None, Some(error)) => Err(Failure::Own(error)),
            (None, None) => Ok(entries.into()),
        },
        other => Ok(other),
    }
}

/// An error of the library's that came as a part of another value.
fn library_error(value: &Value) -> Error {
    let part = |name: &str| value.get(name).cloned().unwrap_or_default();
    let code = serde_json::from_value(part("code")).unwrap_or(Code::Unknown);
    let error = Error::new(code, part("message").as_str().unwrap_or_default());
    match part("method").as_str() {
        Some(method) => error.with_method(method),
        None => error,
    }
}

/// Puts items into a stream until they end. Who takes no more gives an answer that says why.
async fn feed_from(method: Method, input: Arc<Input>, feed: Feed, wrong: Arc<Mutex<Option<Failure>>>) {
    let Feed { sender, item, items } = feed;
    let mut here = match items {
        Given::Here(items) => Some(items.into_iter()),
        Given::Input => None,
    };
    loop {
        let next = if let Some(items) = &mut here {
            Ok(items.next())
        } else {
            tokio::select! {
                next = next_item(method, &input, item) => next,
                _ = sender.closed() => return,
            }
        };
        match next {
            Ok(Some(item)) => {
                if sender.send(Sent(item)).await.is_err() {
                    return;
                }
            }
            Ok(None) => return sender.finish(),
            Err(failure) => {
                *wrong.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                return sender.fail(Error::cancelled("the caller's input is wrong"));
            }
        }
    }
}

async fn next_item(method: Method, input: &Input, item: NodeId) -> Result<Option<Typed>, Failure> {
    let Some((line, value)) = input.next().await? else {
        return Ok(None);
    };
    let typed = Writing::item(method.types, item, &value);
    typed
        .map(Some)
        .map_err(|wrong| Failure::Usage(format!("standard input, line {line}: {wrong}")))
}

/// Prints what comes out of a stream among the arguments.
async fn print(method: Method, tap: Tap) {
    let mut items = Decoding::new(method.types, tap.item, tap.receiver);
    while let Some(Ok(Came(item))) = items.next().await {
        if output::json(&item).is_err() {
            return;
        }
    }
}
