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
    echo::{self, Callers},
    peer::{Connecting, Peer, Result, announce},
    work::Load,
};

#[tarpc::service]
trait Echo {
    async fn echo(id: u64, body: Bytes) -> Bytes;
}

#[derive(Clone)]
struct Handler;

impl Echo for Handler {
    async fn echo(self, _: context::Context, _id: u64, body: Bytes) -> Bytes {
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
        let Load::Calls(load) = load else { return None };
        Some(Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..load.connections {
                let transport = tcp::connect(address, Bincode::default).await?;
                transport.get_ref().set_nodelay(true)?;
                connections.push(EchoClient::new(client::Config::default(), transport).spawn());
            }
            Callers::session(connections, load).await
        }))
    }
}

impl echo::Echo for EchoClient {
    type Answer = Bytes;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Bytes> {
        Ok(self.echo(context::current(), id, body.clone()).await?)
    }
}
