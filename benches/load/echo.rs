//! Calls that send a body and get it back, of any RPC library.

use bytes::Bytes;

use crate::{
    beside::Beside,
    closed::Closed,
    paced::Pacers,
    peer::{Result, Session},
    work::{Slow, Traffic},
};

/// A client of an RPC library on one connection.
pub(crate) trait Echo: Clone + Send + Sync + 'static {
    type Answer: AsRef<[u8]> + Send;

    fn echo(&self, id: u64, body: &Bytes) -> impl Future<Output = Result<Self::Answer>> + Send;

    /// The same with a handler that is slow.
    fn slow_echo(&self, slow: Slow, body: &Bytes) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// What sends `traffic` over these connections.
pub(crate) async fn session<E: Echo>(connections: Vec<E>, traffic: Traffic) -> Result<Box<dyn Session>> {
    Ok(match traffic {
        Traffic::Closed(calls) => Box::new(Closed::new(connections, calls).await?),
        Traffic::Beside => Box::new(Beside::new(connections).await?),
        Traffic::Paced(paced) => Box::new(Pacers::new(connections, paced).await?),
    })
}

/// A body of so many bytes.
///
/// # Errors
/// When a connection's answer is not what was sent; measured calls check the length alone.
pub(crate) async fn tried_body<E: Echo>(connections: &[E], bytes: usize) -> Result<Bytes> {
    let body: Bytes = (0..=u8::MAX).cycle().take(bytes).collect();
    for connection in connections {
        if connection.echo(0, &body).await?.as_ref() != body {
            return Err("the server answered with another body".into());
        }
    }
    Ok(body)
}

/// One measured call.
pub(crate) async fn echo<E: Echo>(connection: &E, id: u64, body: &Bytes) -> Result<()> {
    check(&connection.echo(id, body).await?, body)
}

/// One measured call that is slow.
pub(crate) async fn slow_echo<E: Echo>(connection: &E, slow: Slow, body: &Bytes) -> Result<()> {
    check(&connection.slow_echo(slow, body).await?, body)
}

fn check(answer: &impl AsRef<[u8]>, body: &Bytes) -> Result<()> {
    if answer.as_ref().len() == body.len() {
        Ok(())
    } else {
        Err("the server answered with a body of another length".into())
    }
}
