//! tarpc over TCP with bincode, set up as its `example-service` does it.

use std::{future, iter, net::SocketAddr};

use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture};
use tarpc::{
    ClientMessage, Response, Transport, client, context,
    serde_transport::{self, tcp},
    server::{self, BaseChannel, Channel},
    tokio_serde::formats::Bincode,
    tokio_util::codec::LengthDelimitedCodec,
    transport::channel,
};
use tokio::io::duplex;

use crate::{
    echo,
    peer::{Connecting, Peer, Result, announce},
    work::{Calls, Load, Slow, Traffic},
};

/// The default is 8 MiB.
const FRAME: usize = 32 << 20;
/// The default of 1,000 is below what is measured.
const IN_FLIGHT: usize = 100_000;

/// Requests and answers that wait to be written. With 1,024 calls in flight, more than the default of 100 save a tenth
/// of the CPU time.
const PENDING: usize = 1024;
/// Bytes that a pipe within a process holds.
const PIPE: usize = 64 << 10;

#[tarpc::service]
trait Echo {
    async fn echo(id: u64, body: Bytes) -> Bytes;
    async fn slow_echo(slow: Slow, body: Bytes) -> Bytes;
}

#[derive(Clone)]
struct Handler;

impl Echo for Handler {
    async fn echo(self, _: context::Context, _id: u64, body: Bytes) -> Bytes {
        body
    }

    async fn slow_echo(self, _: context::Context, slow: Slow, body: Bytes) -> Bytes {
        slow.spend().await;
        body
    }
}

pub(crate) struct Tarpc {
    name: &'static str,
    /// What joins client and server in one process.
    joint: Joint,
}

enum Joint {
    /// Channels of requests and answers, which are not encoded.
    Channels,
    /// A pipe of bytes, with bincode as over TCP.
    Pipe,
}

pub(crate) const TARPC: Tarpc = Tarpc {
    name: "tarpc",
    joint: Joint::Channels,
};

pub(crate) const TARPC_PIPE: Tarpc = Tarpc {
    name: "tarpc-pipe",
    joint: Joint::Pipe,
};

impl Peer for Tarpc {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let mut incoming = tcp::listen("127.0.0.1:0", Bincode::default).await?;
            incoming.config_mut().max_frame_length(FRAME);
            announce(incoming.local_addr())?;
            while let Some(transport) = incoming.next().await {
                let transport = transport?;
                transport.get_ref().set_nodelay(true)?;
                answer(transport);
            }
            Ok(())
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        let (Load::Echo(traffic), Joint::Channels) = (load, &self.joint) else {
            return None;
        };
        Some(Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..traffic.connections() {
                connections.push(dial(address).await?);
            }
            echo::session(connections, traffic).await
        }))
    }

    fn connect_in_process(&self, calls: Calls) -> Option<Connecting> {
        let connect = match self.joint {
            Joint::Channels => over_channels,
            Joint::Pipe => over_pipe,
        };
        Some(Box::pin(async move {
            let connections = iter::repeat_with(connect).take(calls.connections).collect();
            echo::session(connections, Traffic::Closed(calls)).await
        }))
    }
}

fn answer<T>(transport: T)
where
    T: Transport<Response<EchoResponse>, ClientMessage<EchoRequest>> + Send + 'static,
{
    let config = server::Config {
        pending_response_buffer: PENDING,
    };
    let requests = BaseChannel::new(config, transport).execute(Handler.serve());
    tokio::spawn(requests.for_each(|response| {
        tokio::spawn(response);
        future::ready(())
    }));
}

fn client<T>(transport: T) -> EchoClient
where
    T: Transport<ClientMessage<EchoRequest>, Response<EchoResponse>> + Send + 'static,
{
    let mut config = client::Config::default();
    config.max_in_flight_requests = IN_FLIGHT;
    config.pending_request_buffer = PENDING;
    EchoClient::new(config, transport).spawn()
}

fn over_channels() -> EchoClient {
    let (near, far) = channel::unbounded();
    answer(far);
    client(near)
}

fn over_pipe() -> EchoClient {
    let (near, far) = duplex(PIPE);
    let framed = |end| LengthDelimitedCodec::builder().max_frame_length(FRAME).new_framed(end);
    answer(serde_transport::new(framed(far), Bincode::default()));
    client(serde_transport::new(framed(near), Bincode::default()))
}

async fn dial(address: SocketAddr) -> Result<EchoClient> {
    let mut connecting = tcp::connect(address, Bincode::default);
    connecting.config_mut().max_frame_length(FRAME);
    let transport = connecting.await?;
    transport.get_ref().set_nodelay(true)?;
    Ok(client(transport))
}

impl echo::Echo for EchoClient {
    type Answer = Bytes;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Bytes> {
        Ok(self.echo(context::current(), id, body.clone()).await?)
    }

    async fn slow_echo(&self, slow: Slow, body: &Bytes) -> Result<Bytes> {
        Ok(self.slow_echo(context::current(), slow, body.clone()).await?)
    }
}
