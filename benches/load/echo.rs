//! Calls that send a body and get it back, of any RPC library.

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::{
    peer::{Done, Result, Session, Stop},
    waits::{Stopwatch, Waits},
    work::Calls,
};

/// A client of an RPC library on one connection.
pub(crate) trait Echo: Clone + Send + Sync + 'static {
    type Answer: AsRef<[u8]> + Send;

    fn echo(&self, id: u64, body: &Bytes) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// A task for each call in flight, which calls, waits, and calls again.
pub(crate) struct Callers<E> {
    connections: Vec<E>,
    in_flight: usize,
    body: Bytes,
}

impl<E: Echo> Callers<E> {
    /// # Errors
    /// When an answer is not what was sent; the measured calls check the length alone.
    pub(crate) async fn session(connections: Vec<E>, load: Calls) -> Result<Box<dyn Session>> {
        let body = body_of(load.body);
        for connection in &connections {
            if connection.echo(0, &body).await?.as_ref() != body {
                return Err("the server answered with another body".into());
            }
        }
        Ok(Box::new(Self {
            connections,
            in_flight: load.in_flight,
            body,
        }))
    }
}

fn body_of(bytes: usize) -> Bytes {
    (0..=u8::MAX).cycle().take(bytes).collect()
}

impl<E: Echo> Session for Callers<E> {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let mut tasks = JoinSet::new();
            for connection in &self.connections {
                for _ in 0..self.in_flight {
                    tasks.spawn(call_until(stop.clone(), connection.clone(), self.body.clone()));
                }
            }
            let mut waits = Waits::default();
            while let Some(task) = tasks.join_next().await {
                waits.append(task??);
            }
            Ok(Done::calls(waits))
        })
    }
}

async fn call_until<E: Echo>(stop: Stop, connection: E, body: Bytes) -> Result<Waits> {
    let mut calls = Stopwatch::start();
    while !stop.is_set() {
        if connection.echo(calls.laps(), &body).await?.as_ref().len() != body.len() {
            return Err("the server answered with a body of another length".into());
        }
        calls.lap();
    }
    Ok(calls.into_waits())
}
