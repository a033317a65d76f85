//! Small calls beside large ones on one connection.

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::{
    closed::call_until,
    echo::{Echo, tried_body},
    peer::{Done, Result, Session, Stop},
};

pub(crate) const SMALL: usize = 16;
pub(crate) const LARGE: usize = 1 << 20;

pub(crate) struct Beside<E> {
    connection: E,
    small: Bytes,
    large: Bytes,
}

impl<E: Echo> Beside<E> {
    pub(crate) async fn new(connections: Vec<E>) -> Result<Self> {
        Ok(Self {
            small: tried_body(&connections, SMALL).await?,
            large: tried_body(&connections, LARGE).await?,
            connection: connections.into_iter().next().ok_or("there is no connection")?,
        })
    }
}

impl<E: Echo> Session for Beside<E> {
    /// Counts the large calls and times the small ones.
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let calls = |body: &Bytes| tokio::spawn(call_until(stop.clone(), self.connection.clone(), body.clone()));
            let (large, small) = (calls(&self.large), calls(&self.small));
            Ok(Done {
                count: large.await??.count(),
                waits: small.await??,
            })
        })
    }
}
