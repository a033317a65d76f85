//! The server's side of TLS.

use std::{future::poll_fn, io, pin::pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    ServerTls, explain::TlsSide, server::ServerCredentials, stream::ExplainedStream, upkeep::Upkeep, verified,
};
use crate::{
    Error,
    proto::ServerHello,
    transport::{Accepting, Address, BoxStream, Connected, Incoming, Listener, Listeners},
};

/// Encrypts what these listeners accept. Reads the certificate: without one there is nothing to listen with.
pub(in crate::transport) async fn listen(all: Vec<Listeners>, tls: &ServerTls) -> Result<Vec<Listeners>, Error> {
    let mut encrypted = Vec::new();
    for listeners in all {
        encrypted.push(match listeners {
            Listeners::One(inner) => Listeners::One(Box::new(BoundTls::new(inner, tls).await?)),
            Listeners::PerShard(inners) => {
                let mut each: Vec<Box<dyn Listener>> = Vec::new();
                for inner in inners {
                    each.push(Box::new(BoundTls::new(inner, tls).await?));
                }
                Listeners::PerShard(each)
            }
        });
    }
    Ok(encrypted)
}

struct BoundTls {
    inner: Box<dyn Listener>,
    tls: ServerTls,
    upkeep: Upkeep,
}

impl BoundTls {
    async fn new(inner: Box<dyn Listener>, tls: &ServerTls) -> Result<Self, Error> {
        Ok(Self {
            inner,
            tls: tls.clone(),
            upkeep: Upkeep::start(tls).await?,
        })
    }
}

impl Listener for BoundTls {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let Self { inner, tls, upkeep } = self;
            // Cancel safe: what the upkeep has begun stays in it, and the inner listener keeps what it did not return.
            let mut accepting = pin!(inner.accept());
            let incoming = poll_fn(|cx| {
                while upkeep.poll(cx).is_ready() {}
                accepting.as_mut().poll(cx)
            });
            let incoming = incoming.await?;
            let Some(credentials) = tls.credentials() else {
                return Err(io::Error::other("the server's certificate was not read"));
            };
            let peer = incoming.peer().clone().over_tls();
            Ok(Incoming::new(peer.clone(), open(incoming, peer, credentials)))
        })
    }

    fn local_address(&self) -> Address {
        self.inner.local_address().over_tls()
    }

    fn stop(&mut self) -> bool {
        self.inner.stop()
    }
}

async fn open(incoming: Incoming, peer: Address, credentials: Arc<ServerCredentials>) -> io::Result<Connected> {
    let stream = incoming.open().await?.into_stream();
    let accept = TlsAcceptor::from(Arc::clone(&credentials.config)).accept(stream);
    let stream = match accept.into_fallible().await {
        Ok(stream) => stream,
        Err((error, stream)) => {
            hear_out(stream).await;
            return Err(TlsSide::Server.explain(error));
        }
    };
    let identity = verified::identity(stream.get_ref().1, TlsSide::Server, credentials.checks_validity());
    let mut stream: BoxStream = Box::new(ExplainedStream::new(stream.into(), TlsSide::Server));
    match identity {
        Ok(identity) => Ok(Connected::new(stream, peer).with_verified(identity)),
        Err(error) => {
            // The client has ended its handshake, so only a hello can tell it. Whether it hears that is its own affair.
            let _ = stream.write_all(&ServerHello::Rejected(error.clone()).encode()).await;
            let _ = stream.shutdown().await;
            hear_out(stream).await;
            Err(error.into())
        }
    }
}

/// Reads for a moment what a refused client still sends: closing with unread bytes would reset the connection, and the
/// client would not read why it was refused.
async fn hear_out(mut stream: BoxStream) {
    const MOMENT: Duration = Duration::from_millis(500);
    const UNREAD: usize = 64 << 10;
    let read = async {
        let (mut chunk, mut unread) = ([0; 1024], UNREAD);
        while let Ok(length @ 1..) = stream.read(&mut chunk).await {
            unread = unread.saturating_sub(length);
            if unread == 0 {
                return;
            }
        }
    };
    // The stream is closed next, whatever came.
    let _ = timeout(MOMENT, read).await;
}
