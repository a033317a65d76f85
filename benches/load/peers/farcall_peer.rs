//! farcall with default options.

use std::net::SocketAddr;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::{
    peer::{self, Callers, Peer, Result, Session, announce},
    work::Load,
};

#[farcall::service]
trait Echo {
    async fn echo(&self, id: u64, body: &[u8]) -> farcall::Result<Vec<u8>>;
}

struct Handler;

impl Echo for Handler {
    async fn echo(&self, _id: u64, body: &[u8]) -> farcall::Result<Vec<u8>> {
        Ok(body.to_vec())
    }
}

pub(crate) struct Farcall;

impl Peer for Farcall {
    fn name(&self) -> &'static str {
        "farcall"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let server = farcall::Server::new()
                .service(EchoServer::new(Handler))
                .listen("tcp://127.0.0.1:0")
                .await?;
            announce(server.local_addr().to_string().trim_start_matches("tcp://").parse()?)?;
            server.wait().await;
            Ok(())
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> BoxFuture<'static, Result<Box<dyn Session>>> {
        Box::pin(async move {
            let mut connections = Vec::new();
            for _ in 0..load.connections {
                connections.push(EchoClient::connect(&format!("tcp://{address}")).await?);
            }
            Ok(Box::new(Callers::new(connections, load).await?) as Box<dyn Session>)
        })
    }
}

impl peer::Echo for EchoClient {
    type Answer = Vec<u8>;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Vec<u8>> {
        Ok(self.echo(id, body).await?)
    }
}
