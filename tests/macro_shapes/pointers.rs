//! `&T`, `Box<T>` and `Arc<T>` implement a service's trait where `T` does.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use farcall::{Result, stream::Stream};
use futures::{StreamExt, stream};

/// All that a method may be, with a supertrait, an associated type, a constant and parameters.
#[farcall::service]
pub trait Stock<K: Send + Sync, const N: usize>: Debug + Send + Sync + 'static
where
    K: Debug,
{
    const LEAST: u32 = 1;
    type Row: Send + Sync + Clone;
    async fn count(&self, key: &K) -> Result<u32>;
    async fn put(&self, row: Self::Row, bytes: [u8; N]) -> Result<Self::Row>;
    async fn name(&self, mut suffix: String) -> String {
        suffix.insert_str(0, "default");
        suffix
    }
    fn kind(&self) -> u32 {
        0
    }
    #[rpc(blocking)]
    fn sized(&self) -> u32
    where
        Self: Sized,
    {
        7
    }
    fn all(&self, rows: impl Stream<Item = K>) -> impl Stream<Item = Result<u32>>;
}

#[derive(Debug, Default)]
struct Shelf(AtomicU32);

impl Stock<u8, 2> for Shelf {
    const LEAST: u32 = 5;
    type Row = String;
    async fn count(&self, key: &u8) -> Result<u32> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + u32::from(*key))
    }
    async fn put(&self, row: String, bytes: [u8; 2]) -> Result<String> {
        Ok(format!("{row}{bytes:?}"))
    }
    async fn name(&self, suffix: String) -> String {
        format!("own{suffix}")
    }
    fn kind(&self) -> u32 {
        1
    }
    fn all(&self, rows: impl Stream<Item = u8> + Send + 'static) -> impl Stream<Item = Result<u32>> + Send {
        rows.map(|row| Ok(u32::from(row)))
    }
}

async fn used<S: Stock<u8, 2, Row = String>>(stock: S) -> Result<()> {
    assert_eq!(S::LEAST, 5);
    assert_eq!(stock.put("a".into(), [1, 2]).await?, "a[1, 2]");
    assert_eq!(
        stock.name("!".into()).await,
        "own!",
        "the implementation's own body and not the default one"
    );
    assert_eq!(stock.kind(), 1);
    assert_eq!(stock.sized(), 7);
    let all: Vec<_> = stock.all(stream::iter([3])).collect().await;
    assert_eq!(all, [Ok(3)]);
    Ok(())
}

#[tokio::test]
async fn every_kind_of_method_is_passed_on() -> Result<()> {
    static SHELF: Shelf = Shelf(AtomicU32::new(0));
    used(Arc::new(Shelf::default())).await?;
    used(Box::new(Shelf::default())).await?;
    used(&SHELF).await?;
    used(Arc::new(Box::new(&SHELF))).await
}

#[tokio::test]
async fn a_program_and_its_service_share_state() -> Result<()> {
    let shelf = Arc::new(Shelf::default());
    let client = StockClient::<u8, 2, String>::loopback(Arc::clone(&shelf));
    assert_eq!(client.count(&1).await?, 1);
    assert_eq!(shelf.count(&1).await?, 2);
    assert_eq!(client.count(&1).await?, 3);
    let _ = StockServer::<_, u8, 2>::new(shelf);
    Ok(())
}

#[farcall::service]
pub trait Plain {
    fn number(&self) -> Result<u32>;
}

#[farcall::service]
pub trait Remote {
    async fn number(&self) -> Result<u32>;
}

impl Plain for Shelf {
    fn number(&self) -> Result<u32> {
        Ok(8)
    }
}

impl Remote for Shelf {
    async fn number(&self) -> Result<u32> {
        Ok(9)
    }
}

async fn asked(remote: impl Remote) -> Result<u32> {
    remote.number().await
}

#[tokio::test]
async fn a_shared_client_is_an_implementation() -> Result<()> {
    let client = Arc::new(RemoteClient::loopback(Shelf::default()));
    assert_eq!(asked(Arc::clone(&client)).await?, 9);
    assert_eq!(asked(&*client).await?, 9);
    Ok(())
}

#[tokio::test]
async fn a_trait_object_is_served() -> Result<()> {
    let plain: Arc<dyn Plain + Send + Sync> = Arc::new(Shelf::default());
    assert_eq!(PlainClient::loopback(plain).number().await?, 8);
    Ok(())
}

/// Implemented for all that can be printed, pointers among them.
#[farcall::service(no_pointers)]
pub trait Printed {
    async fn text(&self) -> String;
}

impl<T: Debug + Sync> Printed for T {
    async fn text(&self) -> String {
        format!("{self:?}")
    }
}

/// What it asks of its type about `Self` no pointer can keep, so pointers are left alone.
#[farcall::service]
pub trait Related {
    type Item: From<Self> + Send
    where
        Self: Sized;
    async fn text(&self) -> Result<String>;
}

impl Related for Box<u8> {
    type Item = Self;
    async fn text(&self) -> Result<String> {
        Ok(self.to_string())
    }
}

#[tokio::test]
async fn pointers_can_be_left_alone() -> Result<()> {
    assert_eq!(PrintedClient::loopback(Arc::new(1)).text().await?, "1");
    assert_eq!(Related::text(&Box::new(2)).await?, "2");
    Ok(())
}
