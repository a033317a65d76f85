//! Transports of a user's own: one that wraps another keeps its rules, and a peer that says nothing while its stream is
//! opened holds up nobody.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use farcall::{
    Address, Channel, Code, Limits, Result, Server,
    stream::Stream,
    transport::{
        Accepting, BoxStream, Connected, Connecting, Connector, Incoming, Listener, bind, connector, mem_pair,
    },
};
use farcall_tests::TestResult;
use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::sleep,
};

#[farcall::service]
trait Depot {
    fn pieces(&self, count: u32, length: u32) -> impl Stream<Item = Result<Vec<u8>>>;
    async fn weigh(&self, pieces: impl Stream<Item = Result<Vec<u8>>>) -> Result<u64>;
    async fn echo(&self, bytes: &[u8]) -> Result<Vec<u8>>;
}

struct Hall;

fn pieces(count: u32, length: u32) -> impl Stream<Item = Result<Vec<u8>>> + Send {
    stream::iter((0..count).map(move |number| Ok(vec![number as u8; length as usize])))
}

impl Depot for Hall {
    fn pieces(&self, count: u32, length: u32) -> impl Stream<Item = Result<Vec<u8>>> {
        pieces(count, length)
    }

    async fn weigh(&self, pieces: impl Stream<Item = Result<Vec<u8>>>) -> Result<u64> {
        pieces
            .try_fold(0, async |sum, piece| Ok(sum + piece.len() as u64))
            .await
    }

    async fn echo(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

fn server() -> Server {
    Server::new().service(DepotServer::new(Hall))
}

/// Passes everything on, and hides what is inside.
struct Plain(BoxStream);

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn wrapped(connected: Connected) -> Connected {
    let peer = Address::custom(format!("plain://{}", connected.peer()));
    connected.map(|stream| Box::new(Plain(stream))).with_peer(peer)
}

#[derive(Debug)]
struct Wrapping<T> {
    inner: T,
    address: Address,
}

impl Connector for Wrapping<Arc<dyn Connector>> {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { self.inner.connect().await.map(wrapped) })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

impl Listener for Wrapping<Box<dyn Listener>> {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async { Ok(self.inner.accept().await?.map(wrapped)) })
    }

    fn local_address(&self) -> Address {
        self.address.clone()
    }

    fn stop(&mut self) -> bool {
        self.inner.stop()
    }
}

/// Streams and calls side by side over `address`, which is wrapped under another name at both ends. Gives the answer of
/// a call of 2 MiB, which is more than a message may have over UDP.
async fn carries_everything(address: &str) -> TestResult<Result<usize>> {
    let listener = bind(&address.parse()?).await?;
    let inner = connector(&listener.local_address())?;
    let named = Address::custom("plain://test");
    let server = server().listen_on(Box::new(Wrapping {
        inner: listener,
        address: named.clone(),
    }))?;
    let connector = Wrapping { inner, address: named };
    let depot = DepotClient::new(Channel::builder().connector(Arc::new(connector)));

    let down = async {
        let all: Vec<Vec<u8>> = depot.pieces(300, 3000).try_collect::<Vec<_>>().await?;
        let whole = all
            .iter()
            .enumerate()
            .all(|(number, piece)| *piece == vec![number as u8; 3000]);
        assert!(whole && all.len() == 300);
        Result::<()>::Ok(())
    };
    let calls = join_all((0..200_u32).map(|number| {
        let depot = &depot;
        async move {
            let length = if number % 20 == 0 { 100_000 } else { 30 };
            let bytes = vec![number as u8; length];
            assert_eq!(depot.echo(&bytes).await?, bytes);
            Result::Ok(())
        }
    }));
    let (down, up, calls) = tokio::join!(down, depot.weigh(pieces(300, 3000)), calls);
    down?;
    assert_eq!(up?, 900_000);
    calls.into_iter().collect::<Result<()>>()?;
    let large = depot.echo(&vec![7; 2 << 20]).await.map(|bytes| bytes.len());
    server.shutdown(Duration::from_secs(5)).await;
    Ok(large)
}

#[tokio::test]
async fn wrapped_udp_keeps_the_rules_of_datagrams() -> TestResult {
    let refused = carries_everything("udp://127.0.0.1:0")
        .await?
        .expect_err("it is too large for UDP");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.to_string().contains("max_udp_message"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn wrapped_tcp_is_a_stream_of_bytes() -> TestResult {
    assert_eq!(carries_everything("tcp://127.0.0.1:0").await??, 2 << 20);
    Ok(())
}

/// Lets in who begins with a word.
struct Greeted(Box<dyn Listener>);

const WORD: &[u8] = b"please";

impl Listener for Greeted {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let incoming = self.0.accept().await?;
            let peer = incoming.peer().clone();
            Ok(Incoming::new(peer.clone(), async {
                let mut stream = incoming.open().await?.into_stream();
                let mut word = [0; WORD.len()];
                stream.read_exact(&mut word).await?;
                if word != *WORD {
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the word was wrong"));
                }
                Ok(Connected::new(stream, peer))
            }))
        })
    }

    fn local_address(&self) -> Address {
        self.0.local_address()
    }
}

#[derive(Debug)]
struct Greeting(Arc<dyn Connector>);

impl Connector for Greeting {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let mut stream = self.0.connect().await?.into_stream();
            stream.write_all(WORD).await?;
            Ok(Connected::new(stream, self.address().clone()))
        })
    }

    fn address(&self) -> &Address {
        self.0.address()
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_silent_strangers_hold_up_nobody() -> TestResult {
    let address: Address = "mem://custom-transports-strangers".parse()?;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&told);
    let server = server()
        .limits(Limits::default().handshake_timeout(Duration::from_secs(3)))
        .on_failed_connection(move |_, why| heard.lock().expect("nobody panics").push(why.to_owned()))
        .listen_on(Box::new(Greeted(bind(&address).await?)))?;
    let plain = connector(&address)?;
    let mut strangers = Vec::new();
    for _ in 0..100 {
        strangers.push(plain.connect().await?.into_stream());
    }
    let mut rude = plain.connect().await?.into_stream();
    rude.write_all(b"now!!!").await?;

    let begun = tokio::time::Instant::now();
    let depot = DepotClient::new(Channel::builder().connector(Arc::new(Greeting(plain))));
    assert_eq!(depot.echo(b"hello").await?, b"hello");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

    sleep(Duration::from_secs(4)).await;
    for stranger in &mut strangers {
        assert_eq!(stranger.read(&mut [0]).await?, 0, "their time is over");
    }
    let told = std::mem::take(&mut *told.lock().expect("nobody panics"));
    let late = told
        .iter()
        .filter(|why| why.contains("did not open its stream within 3s"))
        .count();
    assert_eq!((told.len(), late), (101, 100), "{told:?}");
    assert!(told.iter().any(|why| why.contains("the word was wrong")), "{told:?}");

    assert_eq!(depot.echo(b"still").await?, b"still");
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shuts_down_does_not_wait_for_streams_to_open() -> TestResult {
    let address: Address = "mem://custom-transports-shutdown".parse()?;
    let server = server().listen_on(Box::new(Greeted(bind(&address).await?)))?;
    let mut silent = connector(&address)?.connect().await?.into_stream();
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    server.shutdown(Duration::from_secs(60)).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(silent.read(&mut [0]).await?, 0);
    Ok(())
}

/// Hands over streams to the server by a loop of the user's.
#[derive(Debug)]
struct ByHand(tokio::sync::mpsc::Sender<BoxStream>, Address);

impl Connector for ByHand {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let (here, there) = mem_pair();
            let gone = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            self.0.send(there).await.map_err(gone)?;
            Ok(Connected::new(here, self.1.clone()))
        })
    }

    fn address(&self) -> &Address {
        &self.1
    }
}

#[tokio::test]
async fn a_server_without_an_address_takes_streams_from_a_loop() -> TestResult {
    let server = server().start()?;
    assert!(server.local_addrs().is_empty());
    let (sender, mut streams) = tokio::sync::mpsc::channel(1);
    let depot = DepotClient::new(Channel::builder().connector(Arc::new(ByHand(sender, Address::custom("hand://")))));
    let by_hand = async {
        while let Some(stream) = streams.recv().await {
            server.serve(Connected::new(stream, Address::custom("hand://client")));
        }
    };
    let answer = tokio::select! {
        answer = depot.echo(b"by hand") => answer,
        () = by_hand => unreachable!("the channel keeps its connector"),
    };
    assert_eq!(answer?, b"by hand");
    server.listen("mem://custom-transports-later").await?;
    let other = DepotClient::connect("mem://custom-transports-later").await?;
    assert_eq!(other.pieces(3, 1).count().await, 3);
    server.shutdown(Duration::from_secs(1)).await;

    let empty = Server::new().start().expect_err("it has no service");
    assert_eq!(empty.code(), Code::FailedPrecondition);
    Ok(())
}
