//! remoc over TCP: its `rch::mpsc` channels as streams, its remote functions as callbacks.

use std::net::SocketAddr;

use bytes::Bytes;
use futures::{TryStreamExt, future::BoxFuture};
use remoc::{
    Cfg, Connect, RemoteSend,
    codec::PostbagSlim,
    rch::{base, mpsc, oneshot},
    rfn::{CallError, RFn},
};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    items::{Held, Item, Reader, Small},
    peer::{Connecting, Done, Peer, Result, Session, Stop, announce},
    work::{Load, Size},
};

/// Items between the task that makes them and the one that sends them. More than the default of 16 gain a little;
/// ports, chunks and queues larger than the default gain nothing.
const BUFFER: usize = 1024;
/// Large items come somewhat faster than with the default of 64 KiB.
const IO_BUFFER: usize = 256 << 10;
/// The default is below what is measured.
const PORTS: u32 = 100_000;

type Sender<I> = mpsc::Sender<I, PostbagSlim, BUFFER>;

#[derive(Debug, Serialize, Deserialize)]
enum Request {
    Small(Sender<Small>),
    Large(Sender<Bytes>),
    Idle(Sender<Small>),
    CallBack(Function, oneshot::Sender<u64>),
}

type Function = RFn<(u64,), std::result::Result<u64, CallError>>;

pub(crate) struct Remoc;

impl Peer for Remoc {
    fn name(&self) -> &'static str {
        "remoc"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            announce(listener.local_addr()?)?;
            loop {
                let (_, requests) = open::<(), Request>(listener.accept().await?.0).await?;
                tokio::spawn(answer(requests));
            }
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        Some(match load {
            Load::Items(Size::Small) => Box::pin(reader(address, Request::Small)),
            Load::Items(Size::Large) => Box::pin(reader(address, Request::Large)),
            Load::Idle(streams) => Box::pin(idle(address, streams)),
            Load::Callbacks => Box::pin(callee(address)),
            Load::Echo(_) | Load::Laden(..) => return None,
        })
    }
}

async fn open<S: RemoteSend, R: RemoteSend>(socket: TcpStream) -> Result<(base::Sender<S>, base::Receiver<R>)> {
    socket.set_nodelay(true)?;
    let (reader, writer) = socket.into_split();
    let configuration = Cfg {
        io_buffer_size: IO_BUFFER,
        max_ports: PORTS,
        ..Cfg::default()
    };
    let (connection, sender, receiver) = Connect::io(configuration, reader, writer).await?;
    tokio::spawn(connection);
    Ok((sender, receiver))
}

async fn answer(mut requests: base::Receiver<Request>) -> Result<()> {
    while let Some(request) = requests.recv().await? {
        match request {
            Request::Small(sender) => drop(tokio::spawn(send_all(sender))),
            Request::Large(sender) => drop(tokio::spawn(send_all(sender))),
            Request::Idle(sender) => drop(tokio::spawn(async move { sender.closed().await })),
            Request::CallBack(function, done) => drop(tokio::spawn(call_back(function, done))),
        }
    }
    Ok(())
}

async fn send_all<I: Item + RemoteSend>(sender: Sender<I>) {
    for item in I::sequence() {
        // The client has gone.
        let Ok(_) = sender.send(item).await else { return };
    }
}

async fn call_back(function: Function, done: oneshot::Sender<u64>) -> Result<()> {
    let mut number = 0;
    for _ in 0..CALLBACKS {
        number = function.call(number).await?;
    }
    done.send(number).map_err(|_| "the client has gone")?;
    Ok(())
}

type Requests = base::Sender<Request>;

async fn dial(address: SocketAddr) -> Result<Requests> {
    Ok(open::<Request, ()>(TcpStream::connect(address).await?).await?.0)
}

async fn reader<I: Item + RemoteSend>(
    address: SocketAddr,
    request: fn(Sender<I>) -> Request,
) -> Result<Box<dyn Session>> {
    let mut requests = dial(address).await?;
    let (sender, receiver) = mpsc::with_local_buffer(BUFFER);
    requests.send(request(sender.set_buffer())).await?;
    // The connection lasts as long as its first channel.
    let items = receiver.inspect_ok(move |_| _ = &requests);
    Ok(Reader::session(items.err_into()))
}

async fn idle(address: SocketAddr, streams: usize) -> Result<Box<dyn Session>> {
    let mut requests = dial(address).await?;
    let mut held = Vec::new();
    for _ in 0..streams {
        let (sender, receiver) = mpsc::with_local_buffer(BUFFER);
        requests.send(Request::Idle(sender.set_buffer())).await?;
        held.push(receiver);
    }
    Ok(Held::session(vec![(requests, held)]))
}

/// In one round, so that what surrounds them is nothing beside them.
const CALLBACKS: u64 = 256;

struct Callee(Requests);

async fn callee(address: SocketAddr) -> Result<Box<dyn Session>> {
    Ok(Box::new(Callee(dial(address).await?)))
}

impl Session for Callee {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let mut calls = 0;
            while !stop.is_set() {
                let function = RFn::new_1(|number: u64| async move { Ok(number + 1) });
                let (done, count) = oneshot::channel();
                self.0.send(Request::CallBack(function, done)).await?;
                calls += count.await?;
            }
            Ok(Done::untimed(calls))
        })
    }
}
