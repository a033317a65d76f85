//! A transport of your own: any byte stream will do. This one counts the bytes of another transport, and lets in
//! a client that begins with a word.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use farcall::{
    Address, Channel, Server,
    transport::{Accepting, BoxStream, Connected, Connecting, Connector, Incoming, Listener, bind, connector},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

#[farcall::service]
trait Echo {
    async fn echo(&self, bytes: &[u8]) -> farcall::Result<Vec<u8>>;
}

struct Wall;
impl Echo for Wall {
    async fn echo(&self, bytes: &[u8]) -> farcall::Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

/// The stream: passes everything on and counts what is read. (Bytes that are written can be at the other end before
/// `poll_write` returns; bytes that are read are counted before anybody sees them.)
struct Metered {
    stream: BoxStream,
    read: Arc<AtomicU64>,
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        let bytes = into.filled().len() - before;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Wraps the streams of a connector (the client's half) or of a listener (the server's).
#[derive(Debug)]
struct Meter<T> {
    inner: T,
    read: Arc<AtomicU64>,
}

const WORD: &[u8; 6] = b"please";

impl Connector for Meter<Arc<dyn Connector>> {
    fn connect(&self) -> Connecting<'_> {
        let read = Arc::clone(&self.read);
        Box::pin(async {
            let peer = self.address().clone();
            let mut stream = self.inner.connect().await?.into_stream();
            stream.write_all(WORD).await?;
            Ok(Connected::new(Box::new(Metered { stream, read }), peer))
        })
    }

    fn address(&self) -> &Address {
        self.inner.address()
    }
}

impl Listener for Meter<Box<dyn Listener>> {
    fn accept(&mut self) -> Accepting<'_> {
        let read = Arc::clone(&self.read);
        Box::pin(async {
            let incoming = self.inner.accept().await?;
            let peer = incoming.peer().clone();
            // The server waits for the word in the task of this connection: a silent client does not delay others.
            Ok(Incoming::new(peer.clone(), async {
                let mut stream = incoming.open().await?.into_stream();
                let mut word = [0; WORD.len()];
                stream.read_exact(&mut word).await?;
                if word != *WORD {
                    return Err(io::ErrorKind::PermissionDenied.into());
                }
                Ok(Connected::new(Box::new(Metered { stream, read }), peer))
            }))
        })
    }

    fn local_address(&self) -> Address {
        self.inner.local_address()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // What the server reads was sent to it, what the client reads are the answers.
    let (sent, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let listener = Meter {
        inner: bind(&"tcp://127.0.0.1:0".parse()?).await?,
        read: Arc::clone(&sent),
    };
    let server = Server::new()
        .service(EchoServer::new(Wall))
        .listen_on(Box::new(listener))?;
    let connector = Meter {
        inner: connector(&server.local_addr())?,
        read: Arc::clone(&answered),
    };
    let echo = EchoClient::new(Channel::builder().connector(Arc::new(connector)));

    for size in [0, 10, 1000, 100_000] {
        assert_eq!(echo.echo(&vec![7; size]).await?.len(), size);
        let (sent, answered) = (sent.swap(0, Ordering::Relaxed), answered.swap(0, Ordering::Relaxed));
        println!("{size:>6} bytes: {sent:>6} sent, {answered:>6} back");
        assert!(sent > size as u64 && answered > size as u64);
    }
    Ok(())
}
