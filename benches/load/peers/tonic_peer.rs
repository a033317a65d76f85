//! tonic with prost. Client and server are what `tonic-prost-build` writes for one unary method and two streaming ones,
//! by hand, so that building needs no `protoc`.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{
    Stream, StreamExt, TryStreamExt,
    future::{self, BoxFuture},
    stream,
};
use prost::Message;
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    client,
    codegen::{Service, http},
    server::{self, NamedService, ServerStreamingService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::{
    echo::{self, Echo},
    items::{self, Held, Item, Reader},
    peer::{Connecting, Peer, Result, Session, announce},
    work::{Load, Size, Slow, Traffic},
};

/// hyper's default is 200, which is not what is measured.
const STREAMS: u32 = 100_000;
/// Calls of 1 MiB take half the CPU time that they take in the default frames of 16 KiB; larger windows or frames gain
/// nothing more.
const CALL_FRAME: u32 = 1 << 20;
/// Items of 64 KiB come a quarter faster than with the default, and as fast with larger windows; in larger frames they
/// cost more.
const ITEM_FRAME: u32 = 128 << 10;
/// The default is 4 MiB.
const MESSAGE: usize = 32 << 20;
const ECHO: &str = "/bench.Echo/Echo";
const ASLEEP: &str = "/bench.Echo/Asleep";
const COMPUTING: &str = "/bench.Echo/Computing";
const SMALL: &str = "/bench.Echo/Small";
const LARGE: &str = "/bench.Echo/Large";
const IDLE: &str = "/bench.Echo/Idle";

#[derive(Clone, PartialEq, Message)]
struct EchoMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(bytes = "bytes", tag = "2")]
    body: Bytes,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Small {
    #[prost(fixed64, tag = "1")]
    value: u64,
    #[prost(fixed64, tag = "2")]
    complement: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Large {
    #[prost(bytes = "bytes", tag = "1")]
    body: Bytes,
}

impl Item for Small {
    fn sequence() -> impl Iterator<Item = Self> + Send + 'static {
        items::Small::sequence().map(|items::Small { value, complement }| Self { value, complement })
    }

    fn is(&self, number: u64) -> bool {
        let Self { value, complement } = *self;
        items::Small { value, complement }.is(number)
    }
}

impl Item for Large {
    fn sequence() -> impl Iterator<Item = Self> + Send + 'static {
        Bytes::sequence().map(|body| Self { body })
    }

    fn is(&self, number: u64) -> bool {
        self.body.is(number)
    }
}

pub(crate) struct Tonic;

impl Peer for Tonic {
    fn name(&self) -> &'static str {
        "tonic"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into())?.with_nodelay(Some(true));
            announce(incoming.local_addr()?)?;
            Ok(Server::builder()
                .max_concurrent_streams(STREAMS)
                .max_frame_size(CALL_FRAME)
                .add_service(EchoServer)
                .serve_with_incoming(incoming)
                .await?)
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        Some(match load {
            Load::Echo(traffic) => Box::pin(callers(address, traffic)),
            Load::Items(Size::Small) => Box::pin(reader::<Small>(address, SMALL)),
            Load::Items(Size::Large) => Box::pin(reader::<Large>(address, LARGE)),
            Load::Idle(streams) => Box::pin(idle(address, streams)),
            Load::Callbacks | Load::Laden(..) => return None,
        })
    }
}

async fn callers(address: SocketAddr, traffic: Traffic) -> Result<Box<dyn Session>> {
    let mut connections = Vec::new();
    for _ in 0..traffic.connections() {
        connections.push(EchoClient::connect(address, CALL_FRAME).await?);
    }
    echo::session(connections, traffic).await
}

async fn reader<I: Item + Message + Default>(address: SocketAddr, path: &'static str) -> Result<Box<dyn Session>> {
    let items = EchoClient::connect(address, ITEM_FRAME)
        .await?
        .stream::<I>(path)
        .await?;
    Ok(Reader::session(items.err_into()))
}

async fn idle(address: SocketAddr, streams: usize) -> Result<Box<dyn Session>> {
    let client = EchoClient::connect(address, ITEM_FRAME).await?;
    let mut held = Vec::new();
    for _ in 0..streams {
        held.push(client.stream::<Small>(IDLE).await?);
    }
    Ok(Held::session(held))
}

#[derive(Clone)]
struct EchoClient(client::Grpc<Channel>);

impl EchoClient {
    /// Answers and items come in frames of at most `frame` bytes.
    async fn connect(address: SocketAddr, frame: u32) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.max_frame_size(frame);
        let client = client::Grpc::new(endpoint.connect().await?);
        Ok(Self(client.max_decoding_message_size(MESSAGE)))
    }

    async fn unary(&self, path: &'static str, id: u64, body: &Bytes) -> Result<Bytes> {
        let mut client = self.0.clone();
        client.ready().await?;
        let request = Request::new(EchoMessage { id, body: body.clone() });
        let path = http::uri::PathAndQuery::from_static(path);
        let answer: Response<EchoMessage> = client.unary(request, path, ProstCodec::default()).await?;
        Ok(answer.into_inner().body)
    }

    async fn stream<I: Message + Default + 'static>(&self, path: &'static str) -> Result<Streaming<I>> {
        let mut client = self.0.clone();
        client.ready().await?;
        let path = http::uri::PathAndQuery::from_static(path);
        let codec = ProstCodec::<(), I>::default();
        Ok(client
            .server_streaming(Request::new(()), path, codec)
            .await?
            .into_inner())
    }
}

impl Echo for EchoClient {
    type Answer = Bytes;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Bytes> {
        self.unary(ECHO, id, body).await
    }

    async fn slow_echo(&self, slow: Slow, body: &Bytes) -> Result<Bytes> {
        let path = match slow {
            Slow::Asleep => ASLEEP,
            Slow::Computing => COMPUTING,
        };
        self.unary(path, 0, body).await
    }
}

#[derive(Clone)]
struct EchoServer;

impl NamedService for EchoServer {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for EchoServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            Ok(match request.uri().path() {
                ECHO => answer(Handler(None), request).await,
                ASLEEP => answer(Handler(Some(Slow::Asleep)), request).await,
                COMPUTING => answer(Handler(Some(Slow::Computing)), request).await,
                SMALL => respond(stream::iter(Small::sequence()), request).await,
                LARGE => respond(stream::iter(Large::sequence()), request).await,
                IDLE => respond(stream::pending::<Small>(), request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

async fn answer(handler: Handler, request: http::Request<Body>) -> http::Response<Body> {
    server::Grpc::new(ProstCodec::default())
        .max_decoding_message_size(MESSAGE)
        .unary(handler, request)
        .await
}

async fn respond<I: Message + Default + 'static>(
    items: impl Stream<Item = I> + Send + 'static,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let codec = ProstCodec::<I, ()>::default();
    server::Grpc::new(codec)
        .server_streaming(Source(Some(items)), request)
        .await
}

struct Handler(Option<Slow>);

impl UnaryService<EchoMessage> for Handler {
    type Response = EchoMessage;
    type Future = BoxFuture<'static, Result<Response<EchoMessage>, Status>>;

    fn call(&mut self, request: Request<EchoMessage>) -> Self::Future {
        let Self(slow) = *self;
        Box::pin(async move {
            if let Some(slow) = slow {
                slow.spend().await;
            }
            Ok(Response::new(request.into_inner()))
        })
    }
}

/// A handler that streams what it holds.
struct Source<S>(Option<S>);

impl<S: Stream + Send + 'static> ServerStreamingService<()> for Source<S> {
    type Response = S::Item;
    type ResponseStream = stream::Map<S, fn(S::Item) -> Result<S::Item, Status>>;
    type Future = future::Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _request: Request<()>) -> Self::Future {
        let items = self.0.take().ok_or_else(|| Status::internal("called twice"));
        let items = items.map(|items| items.map(Ok as fn(S::Item) -> Result<S::Item, Status>));
        future::ready(items.map(Response::new))
    }
}
