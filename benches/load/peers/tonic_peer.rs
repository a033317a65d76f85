//! tonic with prost. Client and server are what `tonic-prost-build` writes for one unary method, by hand, so that
//! building needs no `protoc`.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tonic::{
    Request, Response, Status,
    body::Body,
    client,
    codegen::{Service, http},
    server::{self, NamedService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::{
    peer::{Callers, Echo, Peer, Result, Session, announce},
    work::Load,
};

const PATH: &str = "/bench.Echo/Echo";

#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(bytes = "bytes", tag = "2")]
    body: Bytes,
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
                .add_service(EchoServer)
                .serve_with_incoming(incoming)
                .await?)
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> BoxFuture<'static, Result<Box<dyn Session>>> {
        Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..load.connections {
                let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
                connections.push(EchoClient(client::Grpc::new(channel)));
            }
            Ok(Box::new(Callers::new(connections, load).await?) as Box<dyn Session>)
        })
    }
}

#[derive(Clone)]
struct EchoClient(client::Grpc<Channel>);

impl Echo for EchoClient {
    type Answer = Bytes;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Bytes> {
        let mut client = self.0.clone();
        client.ready().await?;
        let request = Request::new(Message { id, body: body.clone() });
        let path = http::uri::PathAndQuery::from_static(PATH);
        let answer: Response<Message> = client.unary(request, path, ProstCodec::default()).await?;
        Ok(answer.into_inner().body)
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
                PATH => server::Grpc::new(ProstCodec::default()).unary(Handler, request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

struct Handler;

impl UnaryService<Message> for Handler {
    type Response = Message;
    type Future = BoxFuture<'static, Result<Response<Message>, Status>>;

    fn call(&mut self, request: Request<Message>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(request.into_inner())) })
    }
}
