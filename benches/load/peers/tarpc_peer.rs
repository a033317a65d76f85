//! tarpc over TCP with bincode, set up as its `example-service` does it.

use std::{future, net::SocketAddr};

use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture};
use tarpc::{
    client, context,
    serde_transport::tcp,
    server::{BaseChannel, Channel},
    tokio_serde::formats::Bincode,
};

use crate::{
    echo,
    peer::{Connecting, Peer, Result, announce},
    work::{Load, Slow},
};

/// The default is 8 MiB.
const FRAME: usize = 32 << 20;
/// The default of 1,000 is below what is measured.
const IN_FLIGHT: usize = 100_000;

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

pub(crate) struct Tarpc;

impl Peer for Tarpc {
    fn name(&self) -> &'static str {
        "tarpc"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let mut incoming = tcp::listen("127.0.0.1:0", Bincode::default).await?;
            incoming.config_mut().max_frame_length(FRAME);
            announce(incoming.local_addr())?;
            while let Some(transport) = incoming.next().await {
                let transport = transport?;
                transport.get_ref().set_nodelay(true)?;
                let requests = BaseChannel::with_defaults(transport).execute(Handler.serve());
                tokio::spawn(requests.for_each(|response| {
                    tokio::spawn(response);
                    future::ready(())
                }));
            }
            Ok(())
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        let Load::Echo(traffic) = load else { return None };
        Some(Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..traffic.connections() {
                connections.push(dial(address).await?);
            }
            echo::session(connections, traffic).await
        }))
    }
}

async fn dial(address: SocketAddr) -> Result<EchoClient> {
    let mut connecting = tcp::connect(address, Bincode::default);
    connecting.config_mut().max_frame_length(FRAME);
    let transport = connecting.await?;
    transport.get_ref().set_nodelay(true)?;
    let mut config = client::Config::default();
    config.max_in_flight_requests = IN_FLIGHT;
    Ok(EchoClient::new(config, transport).spawn())
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
