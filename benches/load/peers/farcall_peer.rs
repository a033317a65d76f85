//! farcall with default options, but for the largest message over UDP and the number of streams.

use std::{iter, net::SocketAddr};

use bytes::Bytes;
use farcall::stream::Stream;
use futures::{
    TryStreamExt,
    future::BoxFuture,
    stream::{self, pending},
};

use crate::{
    echo,
    items::{Held, Item, Reader, Small},
    peer::{Connecting, Done, Peer, Result, Session, Stop, announce},
    work::{Ballast, Calls, Load, Size, Slow, Traffic},
};

#[farcall::service]
trait Echo {
    async fn echo(&self, id: u64, body: &[u8]) -> farcall::Result<Vec<u8>>;
    async fn large_echo(&self, id: u64, body: &[u8]) -> farcall::Result<Bytes>;
    async fn slow_echo(&self, slow: Slow, body: &[u8]) -> farcall::Result<Vec<u8>>;
    fn small(&self) -> impl Stream<Item = Small>;
    fn large(&self) -> impl Stream<Item = Bytes>;
    /// Nothing ever comes.
    async fn idle(&self) -> impl Stream<Item = Small>;
    async fn counter(&self) -> farcall::Result<CounterClient>;
    /// Has `counter` count from 0 to `count`.
    async fn call_back(&self, counter: CounterClient, count: u64) -> farcall::Result<u64>;
}

#[farcall::service]
trait Counter {
    async fn next(&self, number: u64) -> farcall::Result<u64>;
}

struct Handler;

impl Echo for Handler {
    async fn echo(&self, _id: u64, body: &[u8]) -> farcall::Result<Vec<u8>> {
        Ok(body.to_vec())
    }

    async fn large_echo(&self, _id: u64, body: &[u8]) -> farcall::Result<Bytes> {
        Ok(Bytes::copy_from_slice(body))
    }

    async fn slow_echo(&self, slow: Slow, body: &[u8]) -> farcall::Result<Vec<u8>> {
        slow.spend().await;
        Ok(body.to_vec())
    }

    fn small(&self) -> impl Stream<Item = Small> {
        stream::iter(Small::sequence())
    }

    fn large(&self) -> impl Stream<Item = Bytes> {
        stream::iter(Bytes::sequence())
    }

    async fn idle(&self) -> impl Stream<Item = Small> {
        pending()
    }

    async fn counter(&self) -> farcall::Result<CounterClient> {
        Ok(CounterClient::local(Successor))
    }

    async fn call_back(&self, counter: CounterClient, count: u64) -> farcall::Result<u64> {
        let mut number = 0;
        while number < count {
            number = counter.next(number).await?;
        }
        Ok(number)
    }
}

struct Successor;

impl Counter for Successor {
    async fn next(&self, number: u64) -> farcall::Result<u64> {
        Ok(number + 1)
    }
}

pub(crate) struct Farcall {
    name: &'static str,
    scheme: &'static str,
}

pub(crate) const FARCALL: Farcall = Farcall {
    name: "farcall",
    scheme: "tcp",
};

pub(crate) const FARCALL_UDP: Farcall = Farcall {
    name: "farcall-udp",
    scheme: "udp",
};

/// Bodies of this length go the way for large ones.
const LARGE: usize = 1 << 20;
/// The most that farcall takes over UDP, its frame included.
const UDP_MESSAGE: usize = 16 << 20;

/// The defaults of 16 MiB, and of 1 MiB over UDP, are for the whole message, and there are bodies of these sizes; the
/// defaults of 1,024 calls and streams, and of 10,000 connections and 16,384 objects are below what is measured.
fn limits() -> farcall::Limits {
    farcall::Limits::default()
        .max_message(32 << 20)
        .max_udp_message(UDP_MESSAGE)
        .max_connections(20_000)
        .max_calls(4096)
        .max_streams(200_000)
        .max_objects(200_000)
        .max_server_calls(200_000)
}

impl Peer for Farcall {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        let scheme = self.scheme;
        Box::pin(async move {
            let server = farcall::Server::new()
                .service(EchoServer::new(Handler))
                .limits(limits())
                .listen(format!("{scheme}://127.0.0.1:0"))
                .await?;
            let address = server.local_addr().to_string();
            let (_, socket) = address.split_once("://").ok_or("an address with a scheme")?;
            announce(socket.parse()?)?;
            server.wait().await;
            Ok(())
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        if self.scheme == "udp" && load.body() >= UDP_MESSAGE {
            return None;
        }
        let address = format!("{}://{address}", self.scheme);
        Some(match load {
            Load::Echo(traffic) => Box::pin(callers(address, traffic)),
            Load::Items(size) => Box::pin(reader(address, size)),
            Load::Callbacks => Box::pin(callee(address)),
            Load::Idle(streams) => Box::pin(idle(address, streams)),
            Load::Laden(ballast, calls) => Box::pin(laden(address, ballast, calls)),
        })
    }

    /// Over the loopback, for which there is one name.
    fn connect_in_process(&self, calls: Calls) -> Option<Connecting> {
        (self.scheme == "tcp").then(|| {
            let connections = iter::repeat_with(|| EchoClient::loopback(Handler)).take(calls.connections);
            let session = echo::session(connections.collect(), Traffic::Closed(calls));
            Box::pin(session) as Connecting
        })
    }
}

async fn dial(address: &str) -> Result<EchoClient> {
    let builder = farcall::Channel::builder().limits(limits());
    Ok(EchoClient::new(builder.connect(address).await?))
}

async fn callers(address: String, traffic: Traffic) -> Result<Box<dyn Session>> {
    let mut connections = Vec::new();
    for _ in 0..traffic.connections() {
        connections.push(dial(&address).await?);
    }
    echo::session(connections, traffic).await
}

async fn reader(address: String, size: Size) -> Result<Box<dyn Session>> {
    let client = dial(&address).await?;
    Ok(match size {
        Size::Small => Reader::session(client.small().err_into()),
        Size::Large => Reader::session(client.large().err_into()),
    })
}

async fn idle(address: String, streams: usize) -> Result<Box<dyn Session>> {
    let client = dial(&address).await?;
    let mut held = Vec::new();
    for _ in 0..streams {
        held.push(client.idle().await?);
    }
    Ok(Held::session(held))
}

async fn laden(address: String, ballast: Ballast, calls: Calls) -> Result<Box<dyn Session>> {
    let client = dial(&address).await?;
    let (mut streams, mut objects) = (Vec::new(), Vec::new());
    match ballast {
        Ballast::Streams(count) => {
            for _ in 0..count {
                streams.push(client.idle().await?);
            }
        }
        Ballast::Objects(count) => {
            for _ in 0..count {
                objects.push(client.counter().await?);
            }
        }
    }
    let calls = echo::session(vec![client], Traffic::Closed(calls)).await?;
    Ok(Box::new(Laden {
        calls,
        _held: (Held::session(streams), objects),
    }))
}

/// Calls beside what is held.
struct Laden<H> {
    calls: Box<dyn Session>,
    _held: H,
}

impl<H: Send> Session for Laden<H> {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        self.calls.run(stop)
    }
}

impl echo::Echo for EchoClient {
    type Answer = Bytes;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Bytes> {
        Ok(if body.len() < LARGE {
            self.echo(id, body).await?.into()
        } else {
            self.large_echo(id, body).await?
        })
    }

    async fn slow_echo(&self, slow: Slow, body: &Bytes) -> Result<Bytes> {
        Ok(self.slow_echo(slow, body).await?.into())
    }
}

/// In one round, so that what surrounds them is nothing beside them.
const CALLBACKS: u64 = 256;

struct Callee(EchoClient);

async fn callee(address: String) -> Result<Box<dyn Session>> {
    Ok(Box::new(Callee(dial(&address).await?)))
}

impl Session for Callee {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let mut calls = 0;
            while !stop.is_set() {
                calls += self.0.call_back(CounterClient::local(Successor), CALLBACKS).await?;
            }
            Ok(Done::untimed(calls))
        })
    }
}
