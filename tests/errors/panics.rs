//! Code of a user that panics ends a call or a stream, and nothing else: neither when its panic carries something that
//! panics as well.

use std::panic::panic_any;

use farcall::{Code, Result, Server, channel::Receiver};
use farcall_tests::{Gate, TestResult, Transport, over_every_transport};
use futures::{StreamExt, stream::Stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Panics when it is dropped, and what that panic carries does as well.
struct Bomb(u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(left) = self.0.checked_sub(1)
            && !std::thread::panicking()
        {
            panic_any(Bomb(left));
        }
    }
}

fn explode() -> ! {
    panic_any(Bomb(2))
}

/// Where a value explodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fuse {
    Nowhere,
    Encoding,
    Decoding,
    Dropping,
}

const FUSES: [Fuse; 4] = [Fuse::Nowhere, Fuse::Encoding, Fuse::Decoding, Fuse::Dropping];

#[derive(Debug)]
struct Value(Fuse);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == Fuse::Encoding {
            explode();
        }
        serializer.serialize_u8(FUSES.iter().position(|fuse| *fuse == self.0).unwrap_or_default() as u8)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fuse = FUSES[usize::from(u8::deserialize(deserializer)?)];
        if fuse == Fuse::Decoding {
            explode();
        }
        Ok(Self(fuse))
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if self.0 == Fuse::Dropping && !std::thread::panicking() {
            explode();
        }
    }
}

#[farcall::service]
trait Object {
    async fn explode(&self);
}

struct Explosive;

impl Object for Explosive {
    async fn explode(&self) {
        explode()
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        explode();
    }
}

#[farcall::service]
trait Mine {
    /// Waits, while the others explode.
    async fn wait(&self) -> Result<()>;
    async fn now(&self) -> Result<()>;
    async fn later(&self) -> Result<()>;
    async fn stopped(&self) -> Result<()>;
    #[rpc(blocking)]
    fn block(&self) -> Result<()>;
    #[rpc(blocking)]
    fn block_and_answer(&self) -> Value;
    #[rpc(detached)]
    async fn detached(&self) -> Result<()>;
    #[rpc(oneway)]
    async fn oneway(&self);
    async fn take(&self, value: Value) -> Result<()>;
    async fn give(&self) -> Value;
    async fn object(&self) -> Result<ObjectClient>;
    async fn items(&self) -> Result<impl Stream<Item = Result<Value>>>;
    async fn collect(&self, items: Receiver<Value>) -> Result<()>;
}

struct Field(Gate);

/// Panics when it is dropped because a handler is stopped.
struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        explode();
    }
}

impl Mine for Field {
    async fn wait(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
    async fn now(&self) -> Result<()> {
        explode()
    }
    async fn later(&self) -> Result<()> {
        tokio::task::yield_now().await;
        explode()
    }
    async fn stopped(&self) -> Result<()> {
        let _trap = Trap;
        let _watched = self.0.watched();
        std::future::pending().await
    }
    fn block(&self) -> Result<()> {
        explode()
    }
    fn block_and_answer(&self) -> Value {
        Value(Fuse::Dropping)
    }
    async fn detached(&self) -> Result<()> {
        tokio::task::yield_now().await;
        explode()
    }
    async fn oneway(&self) {
        explode()
    }
    async fn take(&self, value: Value) -> Result<()> {
        tokio::task::yield_now().await;
        drop(value);
        Ok(())
    }
    async fn give(&self) -> Value {
        Value(Fuse::Encoding)
    }
    async fn object(&self) -> Result<ObjectClient> {
        Ok(ObjectClient::local(Explosive))
    }
    async fn items(&self) -> Result<impl Stream<Item = Result<Value>>> {
        Ok(futures::stream::iter(0..3).then(async |place| {
            tokio::task::yield_now().await;
            if place == 1 {
                explode()
            } else {
                Ok(Value(Fuse::Nowhere))
            }
        }))
    }
    async fn collect(&self, mut items: Receiver<Value>) -> Result<()> {
        while let Some(item) = items.recv().await {
            item?;
        }
        Ok(())
    }
}

over_every_transport!(
    a_call_survives_whatever_explodes_beside_it,
    so_it_does_where_handlers_have_tasks
);

async fn a_call_survives_whatever_explodes_beside_it(transport: Transport) -> TestResult {
    explodes_alone(transport, |server| server).await
}

async fn so_it_does_where_handlers_have_tasks(transport: Transport) -> TestResult {
    explodes_alone(transport, Server::spawn_handlers).await
}

async fn explodes_alone(transport: Transport, options: fn(Server) -> Server) -> TestResult {
    let gate = Gate::new();
    let server = options(Server::new().service(MineServer::new(Field(gate.clone()))));
    let site = transport.serve(server).await?;
    let mine = MineClient::new(site.channel.clone());
    let waiting = tokio::spawn(mine.wait());
    gate.entered().await;

    let code = |result: Result<()>| result.expect_err("it exploded").code();
    assert_eq!(code(mine.now().await), Code::Internal);
    assert_eq!(code(mine.later().await), Code::Internal);
    assert_eq!(code(mine.block().await), Code::Internal);
    assert_eq!(code(mine.block_and_answer().await.map(drop)), Code::Internal);
    assert_eq!(code(mine.detached().await), Code::Internal);
    mine.oneway().await?;
    assert_eq!(code(mine.take(Value(Fuse::Decoding)).await), Code::Internal);
    assert_eq!(code(mine.give().await.map(drop)), Code::Internal);

    let stopped = tokio::spawn(mine.stopped());
    gate.entered().await;
    stopped.abort();
    gate.stopped().await;

    let object = mine.object().await?;
    assert_eq!(code(object.explode().await), Code::Internal);
    drop(object);

    let mut items = std::pin::pin!(mine.items().await?);
    assert!(items.next().await.is_some_and(|item| item.is_ok()));
    assert!(items.next().await.is_some_and(|item| item.is_err()));

    let (sender, receiver) = farcall::channel::channel();
    let collecting = tokio::spawn(mine.collect(receiver));
    let _ = sender.send(Value(Fuse::Decoding)).await;
    assert_eq!(code(collecting.await?), Code::Internal);

    gate.open(1);
    assert_eq!(waiting.await?, Ok(()));
    Ok(())
}
