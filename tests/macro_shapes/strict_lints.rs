//! Generated code is clean under strict lints.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unused_qualifications,
    rust_2018_idioms,
    clippy::pedantic
)]

use farcall::{Streaming, stream::Stream};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

/// What can go wrong.
#[derive(Debug, Serialize, Deserialize)]
pub enum StockError {
    /// No such product.
    Unknown(String),
    /// The call failed.
    Call(farcall::Error),
}

impl From<farcall::Error> for StockError {
    fn from(error: farcall::Error) -> Self {
        Self::Call(error)
    }
}

/// A reservation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// Stock of one warehouse.
#[farcall::service]
pub trait Inventory {
    /// How many of `sku` are on the shelf.
    async fn stock(&self, sku: &str) -> Result<u32, StockError>;
    /// Puts `count` aside.
    async fn reserve(&self, sku: &str, count: u32) -> Result<Ticket, StockError>;
    /// A number.
    async fn ping(&self) -> u64;
    /// The version.
    fn version(&self) -> String;
    /// Takes what is for later.
    async fn later(&self, _reserved: u32, rows: Vec<String>) -> Result<(), StockError> {
        let _ = rows;
        Ok(())
    }
    /// Waits.
    #[rpc(blocking)]
    fn wait(&self, rows: &[Ticket], first: Option<&Ticket>) -> usize;
    /// Follows a product.
    fn watch(&self, sku: &str) -> impl Stream<Item = Result<u32, StockError>>;
    /// Takes rows in, and gives back those that are not known.
    async fn import(
        &self,
        _into: &str,
        rows: impl Stream<Item = Ticket>,
    ) -> Result<impl Stream<Item = Result<Ticket, StockError>>, StockError> {
        Ok(self.unknown(rows))
    }
    /// Gives back what is not known.
    fn unknown(&self, rows: impl Stream<Item = Ticket>) -> Streaming<Result<Ticket, StockError>> {
        Streaming::new(rows.map(Ok))
    }
    /// Tells.
    #[rpc(oneway)]
    async fn tell(&self, text: String);
    /// Stores a blob.
    #[rpc(idempotent, timeout = "2s")]
    async fn put_blob(&self, key: &str, blob: &[u8]) -> farcall::Result<()>;
}

/// Pairs.
#[farcall::service]
pub trait Store<K, const N: usize> {
    /// What is stored.
    type Item: Send + Sync;
    /// Stores.
    async fn put(&self, key: &K, item: Self::Item, bytes: [u8; N]) -> Result<Vec<u8>, StockError>;
    /// What is stored, by key.
    fn all(&self, keys: impl Stream<Item = K>) -> impl Stream<Item = Result<Self::Item, StockError>>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self, sku: &str) -> Result<u32, StockError> {
        Err(StockError::Unknown(sku.to_owned()))
    }
    async fn reserve(&self, sku: &str, count: u32) -> Result<Ticket, StockError> {
        let _ = (self.stock(sku).await?, count);
        Ok(Ticket(1))
    }
    async fn ping(&self) -> u64 {
        7
    }
    fn version(&self) -> String {
        "1".to_owned()
    }
    fn wait(&self, rows: &[Ticket], first: Option<&Ticket>) -> usize {
        rows.iter().chain(first).count()
    }
    fn watch(&self, sku: &str) -> impl Stream<Item = Result<u32, StockError>> {
        stream::iter([Err(StockError::Unknown(sku.to_owned()))])
    }
    async fn tell(&self, text: String) {
        drop(text);
    }
    async fn put_blob(&self, _key: &str, _blob: &[u8]) -> farcall::Result<()> {
        Ok(())
    }
}

async fn calls() -> Result<(), StockError> {
    let client = InventoryClient::connect("tcp://127.0.0.1:1").await?;
    let _: u32 = client.stock("apple").await?;
    let _: u64 = client.ping().await?;
    let _: String = client.version().await?;
    let hurried = client
        .with_timeout(std::time::Duration::from_secs(1))
        .with_metadata("tenant", "eu");
    let _: Ticket = hurried.reserve("apple", 3).await?;
    client.put_blob("k", &[1, 2]).await?;
    let _: Vec<u32> = client.watch("apple").try_collect().await?;
    let _: Streaming<_> = client.import("all", stream::iter([Ticket(1)])).await?;
    Ok(())
}

fn blocking_calls() -> Result<(), StockError> {
    let client = InventoryBlockingClient::connect("tcp://127.0.0.1:1")?;
    let _: u32 = client.stock("apple")?;
    let _: u64 = client.ping()?;
    let _ = client.watch("apple").collect::<Result<Vec<u32>, _>>()?;
    Ok(())
}

#[test]
fn it_is_used() {
    let _ = InventoryClient::loopback(Warehouse);
    let _ = InventoryServer::new(Warehouse);
    drop(calls());
    let _ = blocking_calls;
}
