//! A task for each call in flight, which calls, waits, and calls again.

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::{
    echo::{Echo, echo, tried_body},
    peer::{Done, Result, Session, Stop},
    waits::{Stopwatch, Waits},
    work::Calls,
};

pub(crate) struct Closed<E> {
    connections: Vec<E>,
    in_flight: usize,
    body: Bytes,
}

impl<E: Echo> Closed<E> {
    pub(crate) async fn new(connections: Vec<E>, calls: Calls) -> Result<Self> {
        Ok(Self {
            body: tried_body(&connections, calls.body).await?,
            connections,
            in_flight: calls.in_flight,
        })
    }
}

impl<E: Echo> Session for Closed<E> {
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

pub(crate) async fn call_until<E: Echo>(stop: Stop, connection: E, body: Bytes) -> Result<Waits> {
    let mut calls = Stopwatch::start();
    while !stop.is_set() {
        echo(&connection, calls.laps(), &body).await?;
        calls.lap();
    }
    Ok(calls.into_waits())
}
